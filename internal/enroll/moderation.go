package enroll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// What an owner does about what the marketplace has flagged.
var (
	HintFlaggedAgent = "change agent.name or agent.description in the configuration, then " + order.Command("agent sync") + "; " +
		"if it stays flagged, write to the marketplace's support"
	HintFlaggedService = "change the title or description of the service in the configuration, then " + order.Command("services sync") + "; " +
		"if it stays flagged, write to the marketplace's support"
)

// Alerts shows alerts to the owner.
type Alerts interface {
	// SetAlert shows an alert. An empty text clears it.
	SetAlert(a order.Alert, text string) error
	// SetFact stores a fact. An empty value removes it.
	SetFact(name, value string) error
}

// Moderated is the part of the marketplace's API that shows the moderation.
type Moderated interface {
	Moderation(ctx context.Context) (atelier.Moderation, error)
}

// ReadModeration reads what the marketplace's moderation says of the agent and its
// services, and shows or clears the owner's alerts.
func ReadModeration(ctx context.Context, market Moderated, alerts Alerts) (atelier.Moderation, error) {
	m, err := market.Moderation(ctx)
	if err != nil {
		return m, fmt.Errorf("read the moderation: %w", err)
	}
	agent, services := flagged(m)
	return m, errors.Join(alerts.SetAlert(order.AlertFlaggedAgent, agent), alerts.SetAlert(order.AlertFlaggedService, services),
		alerts.SetFact(FactFlagged, encodeFlagged(m)))
}

// FactFlagged names the fact with the services that are flagged; see FlaggedServices.
const FactFlagged = "moderation.services"

// encodeFlagged returns the verdicts of the flagged services by title, or "" if there
// are none.
func encodeFlagged(m atelier.Moderation) string {
	list := map[string]string{}
	for _, v := range m.Services {
		if v.Flagged() {
			list[v.Title] = v.String()
		}
	}
	text, err := json.Marshal(list)
	if err != nil || len(list) == 0 {
		return ""
	}
	return string(text)
}

// FlaggedServices returns the verdicts that the fact FactFlagged holds, by the titles of
// the services.
func FlaggedServices(fact string) map[string]string {
	list := map[string]string{}
	if json.Unmarshal([]byte(fact), &list) != nil {
		return nil // no fact, or that of another version
	}
	return list
}

// flagged returns the texts of the alerts, empty where nothing is flagged.
func flagged(m atelier.Moderation) (agent, services string) {
	if m.Agent.Flagged() {
		agent = "the marketplace has flagged the agent, and clients cannot hire it: " + m.Agent.String()
	}
	var list []string
	for _, v := range m.Services {
		if v.Flagged() {
			list = append(list, fmt.Sprintf("%q: %s", v.Title, v))
		}
	}
	if list != nil {
		services = "the marketplace has flagged services, and clients cannot order them: " + strings.Join(list, "; ")
	}
	return agent, services
}

// WatchOptions are the settings of a Watch.
type WatchOptions struct {
	Store interface {
		Alerts
		// OrdersSince counts the orders that were placed since then.
		OrdersSince(ctx context.Context, since time.Time) (int, error)
		Fact(ctx context.Context, name string) (string, error)
	}
	Market Moderated
	Log    *slog.Logger
}

// Watch reads the moderation from time to time, because a flagged agent gets no
// orders and nothing else reports it. Create it with NewWatch.
type Watch struct {
	o        WatchOptions
	failures logonce.Logger
	agent    string // the alerts as they were last logged
	services string
}

// NewWatch returns a Watch.
func NewWatch(o WatchOptions) *Watch { return &Watch{o: o} }

const (
	// watchSlow is the time between two reads while orders come in.
	watchSlow = 6 * time.Hour
	// watchQuiet is the time between two reads after quietAfter without an order.
	watchQuiet = time.Hour
	quietAfter = 24 * time.Hour
	// watchFlagged is the time between two reads while something is flagged, or
	// after a read has failed.
	watchFlagged = 10 * time.Minute
)

// FactDue is when the next read is due, for a process that ends between two reads. It
// changes at each read.
const FactDue = "moderation.due"

// OnceIfDue calls Once if a read is due.
func (w *Watch) OnceIfDue(ctx context.Context) error {
	text, err := w.o.Store.Fact(ctx, FactDue)
	if err != nil {
		return err
	}
	if due, err := time.Parse(time.RFC3339, text); err == nil && time.Now().Before(due) && time.Until(due) <= watchSlow {
		return nil
	}
	return w.Once(ctx)
}

// Run reads the moderation at once and then from time to time, until ctx is
// cancelled. It returns nil.
func (w *Watch) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := w.Once(ctx)
		if err != nil && ctx.Err() == nil {
			w.failures.Failed(w.o.Log, "the moderation could not be read", err, hintOf(err)...)
		} else if err == nil {
			w.failures.Recovered(w.o.Log, "the moderation can be read again")
		}
		beat.Sleep(ctx, w.pause(ctx, err), nil)
	}
	return nil
}

// Once reads the moderation and logs what has changed.
func (w *Watch) Once(ctx context.Context) error {
	m, err := ReadModeration(ctx, w.o.Market, w.o.Store)
	if err != nil {
		return err
	}
	agent, services := flagged(m)
	w.report(&w.agent, agent, "the agent", HintFlaggedAgent)
	w.report(&w.services, services, "services", HintFlaggedService)
	return w.o.Store.SetFact(FactDue, time.Now().Add(w.pause(ctx, nil)).UTC().Format(time.RFC3339))
}

// report logs a change of what is flagged.
func (w *Watch) report(before *string, now, what, hint string) {
	switch {
	case now == *before:
	case now != "":
		w.o.Log.Warn("the marketplace's moderation has flagged something", "what", what, "why", now, "hint", hint)
	default:
		w.o.Log.Info("no longer flagged by the moderation", "what", what)
	}
	*before = now
}

// pause returns how long to wait after a read that ended with err.
func (w *Watch) pause(ctx context.Context, err error) time.Duration {
	if err != nil {
		pause := watchFlagged
		if f, ok := errors.AsType[*order.Failure](err); ok {
			pause = max(pause, f.After)
		}
		return pause
	}
	if w.agent != "" || w.services != "" {
		return watchFlagged
	}
	if n, err := w.o.Store.OrdersSince(ctx, time.Now().Add(-quietAfter)); err == nil && n == 0 {
		return watchQuiet
	}
	return watchSlow
}
