// Package announce notifies the owner. Once a minute it has the store check which alerts stand,
// the same that status shows. It sends each target the messages that the store keeps for it: in
// order, each once, and again after a failure.
//
// It must not know how an alert is found, which the store does, nor how a message reaches a
// phone, which package notify does.
package announce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/notify"
	"atelierd/internal/order"
)

// Store is what the announcer needs of the database.
type Store interface {
	// Version grows with each change that may change an alert or a message.
	Version() (uint64, error)
	CheckAlerts(w order.Watch) (order.Checked, error)
	NextDispatch(l order.Listener, retry time.Duration, quiet bool) (d *order.Dispatch, waits bool, err error)
	DispatchSent(id int64, ref string) error
	DispatchFailed(id int64, reason string, again time.Time) error
	Edits(l order.Listener) ([]order.Dispatch, error)
	Edited(target string, id int64) error
	// SetAlert shows an alert to the owner. An empty text clears it.
	SetAlert(a order.Alert, text string) error
	Digest(ctx context.Context, day string, from, to time.Time) (order.Digest, error)
	DigestDay(ctx context.Context, target string) (string, error)
	AddDigest(target, day string, n *order.Notice) error
}

// Target says where messages go, and when.
type Target struct {
	order.Listener
	To notify.Target
	// Quiet reports whether only urgent messages are sent at the given time.
	Quiet func(time.Time) bool
	// Digest is when the target gets the summary of the day before.
	Digest order.DigestTime
}

// Options are the settings and dependencies of an Announcer.
type Options struct {
	Store   Store
	Targets []Target
	// Agent is the name of the agent, which begins each title.
	Agent string
	// Ledger identifies the database in the ids of messages.
	Ledger string
	// PollWithin is how old the last answered poll may be.
	PollWithin time.Duration
	// Wrong returns the alerts that the database does not know, such as a full disk. It may be
	// nil.
	Wrong func() []order.Condition
	// Hint returns the next step for what was stored without one. It may be nil.
	Hint func(order.Condition) string
	// Clean removes secrets from a text, and escapes what is not printable.
	Clean func(string) string
	Log   *slog.Logger
}

// Announcer is made by New.
type Announcer struct {
	o        Options
	next     atomic.Pointer[Options]
	changed  chan struct{} // the options were replaced
	began    time.Time
	failures logonce.Logger
	targets  map[string]*target // by name
	last     seen
}

// target is what is known of a target between two looks.
type target struct {
	failing logonce.Logger
	day     string // of the last summary; empty if that is not known
	idle    bool   // nothing waits for it
}

// seen is what the last look has seen, so that the next one can be spared.
type seen struct {
	version uint64
	more    []order.Condition
	until   time.Time
}

const (
	// interval is the time between two looks for what is wrong and what is due.
	interval = time.Minute
	// retry is when a message whose outcome is unknown is sent again. It is longer than
	// one may take.
	retry = 2 * time.Minute
	// The pauses after a failure begin at firstPause and double up to mostPause.
	firstPause = 30 * time.Second
	mostPause  = time.Hour
)

// New returns an announcer.
func New(o Options) *Announcer {
	a := &Announcer{began: time.Now(), changed: make(chan struct{}, 1)}
	a.use(o)
	return a
}

func (a *Announcer) use(o Options) {
	a.o, a.targets, a.last = o, map[string]*target{}, seen{}
	for _, t := range o.Targets {
		a.targets[t.Name] = &target{}
	}
}

// Change replaces the options. They take effect at the next check.
func (a *Announcer) Change(o Options) {
	a.next.Store(&o)
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// Run announces until ctx ends. A failure is logged and ends nothing. The first check announces
// only crashes, because a start probes paused generators again first. All other alerts follow a
// minute later.
func (a *Announcer) Run(ctx context.Context) error {
	if err := a.look(ctx, order.Watch{Starts: true, After: order.AnnounceAfter}); err != nil && ctx.Err() == nil {
		a.failures.Failed(a.o.Log, "the owner cannot be notified", err)
	}
	for {
		beat.Sleep(ctx, interval, a.changed)
		if ctx.Err() != nil {
			return nil
		}
		if next := a.next.Swap(nil); next != nil {
			a.use(*next)
		}
		if err := a.look(ctx, order.Watch{After: order.AnnounceAfter, PollWithin: a.o.PollWithin}); err != nil && ctx.Err() == nil {
			a.failures.Failed(a.o.Log, "the owner cannot be notified", err)
		} else {
			a.failures.Recovered(a.o.Log, "the owner is notified again")
		}
	}
}

// Once announces the alerts that stand now, even those that are younger than a minute, and
// sends what is due. It is for "atelierd once", after which nothing may run for hours.
func (a *Announcer) Once(ctx context.Context) error { return a.look(ctx, order.Watch{}) }

// look looks for what is wrong, and sends what is due. Neither is done while nothing can
// have changed.
func (a *Announcer) look(ctx context.Context, w order.Watch) error {
	w.Began, w.Hint = a.began, a.o.Hint
	for _, t := range a.o.Targets {
		w.Listeners = append(w.Listeners, t.Listener)
	}
	if a.o.Wrong != nil {
		w.More = a.o.Wrong()
	}
	same, err := a.check(w)
	if err != nil {
		return fmt.Errorf("look for what is wrong: %w", err)
	}
	var sending sync.WaitGroup
	errs := make([]error, len(a.o.Targets))
	for i, t := range a.o.Targets {
		state := a.targets[t.Name]
		state.idle = state.idle && same
		sending.Go(func() { errs[i] = errors.Join(a.digest(ctx, t), a.send(ctx, t)) })
	}
	sending.Wait()
	return errors.Join(errs...)
}

// check looks for what is wrong. It reports whether all is as the last look has seen it.
func (a *Announcer) check(w order.Watch) (same bool, err error) {
	version, err := a.o.Store.Version()
	if err != nil {
		return false, err
	}
	if version == a.last.version && time.Now().Before(a.last.until) && slices.Equal(w.More, a.last.more) {
		return true, nil
	}
	found, err := a.o.Store.CheckAlerts(w)
	if err != nil {
		return false, err
	}
	if len(found.Opened) > 0 || found.Closed > 0 {
		a.o.Log.Debug("alerts checked", "opened", len(found.Opened), "closed", found.Closed)
	}
	if !w.Starts {
		a.last = seen{version: version, more: slices.Clone(w.More), until: found.Until}
	}
	return false, nil
}

// digest has the summaries sent that are due for a target. A new target gets the first at
// the next time of the day that it names.
func (a *Announcer) digest(ctx context.Context, t Target) error {
	if !t.Takes(order.NewsDigest) || t.Digest.Zone == nil {
		return nil
	}
	now, state := time.Now(), a.targets[t.Name]
	if state.day == "" {
		day, err := a.o.Store.DigestDay(ctx, t.Name)
		if err != nil {
			return err
		}
		if day == "" {
			return a.o.Store.AddDigest(t.Name, t.Digest.Last(now), nil)
		}
		state.day = day
	}
	for _, day := range t.Digest.Due(state.day, now) {
		from, to, err := t.Digest.Span(day)
		if err != nil {
			return err
		}
		d, err := a.o.Store.Digest(ctx, day, from, to)
		if err != nil {
			return fmt.Errorf("add up the day %s: %w", day, err)
		}
		n := d.Notice()
		if err := a.o.Store.AddDigest(t.Name, day, &n); err != nil {
			return err
		}
		state.day, state.idle = day, false
	}
	return nil
}

// send sends what is due for one target. Its error is the store's.
func (a *Announcer) send(ctx context.Context, t Target) error {
	state := a.targets[t.Name]
	if state.idle {
		return nil
	}
	if err := a.edit(ctx, t); err != nil {
		return err
	}
	d, waits, err := a.o.Store.NextDispatch(t.Listener, retry, t.Quiet != nil && t.Quiet(time.Now()))
	state.idle = err == nil && !waits
	if err != nil || d == nil {
		return err
	}
	ref, err := t.To.Send(ctx, a.message(t, *d))
	if err == nil {
		state.failing.Recovered(a.o.Log.With("target", t.Name), "a target of notifications works again")
		return errors.Join(a.o.Store.DispatchSent(d.ID, ref), a.o.Store.SetAlert(order.NotifyAlert(t.Name), ""))
	}
	if ctx.Err() != nil {
		return nil // it is sent again by the next run
	}
	return a.failed(t, *d, failure(err))
}

// failed records a message that was not sent, and when it is sent again.
func (a *Announcer) failed(t Target, d order.Dispatch, f *notify.Failure) error {
	reason := a.o.Clean(f.Reason)
	a.targets[t.Name].failing.Failed(a.o.Log.With("target", t.Name), "a notification was not sent", errors.New(reason),
		"hint", "check its [[notify]], then run "+order.Command("notify test"))
	var broken error
	if f.Kind == notify.Broken {
		broken = a.o.Store.SetAlert(order.NotifyAlert(t.Name), reason)
	}
	again := time.Now().Add(max(f.After, pause(d.Tries)))
	if f.Kind == notify.Refused || time.Since(d.At) > order.GiveUpAfter {
		again = time.Time{}
	}
	return errors.Join(broken, a.o.Store.DispatchFailed(d.ID, reason, again))
}

// pause is how long after a failed try the next one comes, with jitter.
func pause(tries int) time.Duration {
	d := min(firstPause<<min(tries-1, 20), mostPause)
	return d + rand.N(d/4)
}

// edit says in sent messages what is over now, where the service can. What cannot be
// edited is said by a message.
func (a *Announcer) edit(ctx context.Context, t Target) error {
	editor, ok := t.To.(notify.Editor)
	if !ok {
		return nil
	}
	list, err := a.o.Store.Edits(t.Listener)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := editor.Edit(ctx, d.Ref, a.message(t, d)); err != nil {
			a.o.Log.Debug("a notification could not be changed", "target", t.Name, "error", a.o.Clean(err.Error()))
			continue
		}
		if err := a.o.Store.Edited(t.Name, d.ID); err != nil {
			return err
		}
	}
	return nil
}

func (a *Announcer) message(t Target, d order.Dispatch) notify.Message {
	return notify.Message{
		// A database that was put back uses the numbers of later messages again.
		ID:    fmt.Sprintf("%s-%s-%d-%d", a.o.Ledger, t.Name, d.ID, d.At.Unix()),
		Title: strings.ReplaceAll(a.o.Clean(a.o.Agent+": "+d.Title), "\n", " "), Text: a.o.Clean(d.Text), Urgent: d.Urgent, At: d.At,
	}
}

func failure(err error) *notify.Failure {
	if f, ok := errors.AsType[*notify.Failure](err); ok {
		return f
	}
	return &notify.Failure{Kind: notify.Later, Reason: err.Error()}
}

// Sent is the result of a test message.
type Sent struct {
	Target string
	// Err is nil if the service took the message.
	Err error
}

// Try sends one message to each target at once, without the database.
func Try(ctx context.Context, o Options) []Sent {
	a := New(o)
	list := make([]Sent, len(o.Targets))
	var sending sync.WaitGroup
	for i, t := range o.Targets {
		list[i].Target = t.Name
		sending.Go(func() {
			m := a.message(t, order.Dispatch{Title: "this is a test", Text: "Notifications of atelierd reach you here.", At: time.Now()})
			m.ID = "test-" + t.Name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
			if _, err := t.To.Send(ctx, m); err != nil {
				list[i].Err = errors.New(o.Clean(err.Error()))
			}
		})
	}
	sending.Wait()
	return list
}
