// Package bounty claims the tasks that clients post with their budget: what the
// owner's rules allow, once each, a few at a time. A claim that is accepted
// becomes an order, which is worked on like any other.
//
// It must not know SQL, HTTP, or how orders are worked on.
package bounty

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store keeps the claims. Its writes are durable when they return.
type Store interface {
	IntendClaim(c order.Claim) error
	EndClaim(id string, state order.ClaimState, reason string) error
	Claim(ctx context.Context, id string) (order.Claim, bool, error)
	OpenClaims(ctx context.Context) ([]order.Claim, error)
	// PendingSends counts the jobs that wait to be delivered, and all unfinished ones.
	PendingSends(ctx context.Context) (delivering, total int, err error)
}

// Market is what claiming asks of the marketplace; *atelier.Client is one.
type Market interface {
	Bounties(ctx context.Context, q atelier.BountyQuery) ([]order.Bounty, error)
	Bounty(ctx context.Context, id string) (order.Bounty, error)
	ClaimBounty(ctx context.Context, id, message string) error
	WithdrawClaim(ctx context.Context, id string) error
}

// Rule says which bounties are claimed, and for which service.
type Rule struct {
	Category  string
	MinBudget order.USD
	Service   string // the title
}

// Options are the settings of a Hunter.
type Options struct {
	Store  Store
	Market Market
	Rules  []Rule
	// MaxOpen is how many claims may wait for an answer at once, MaxBacklog the
	// unfinished jobs above which none is made.
	MaxOpen, MaxBacklog int
	// Message gives the text that goes with a claim; nil for none.
	Message func(order.Bounty) (string, error)
	// Interval is the time between looks.
	Interval time.Duration
	Log      *slog.Logger
}

// Watcher looks for bounties and claims them.
type Watcher struct {
	o        Options
	failures logonce.Logger
	hint     chan struct{}
}

// New makes a Hunter.
func New(o Options) *Watcher { return &Watcher{o: o, hint: make(chan struct{}, 1)} }

// Hint asks for a look soon. It returns at once.
func (w *Watcher) Hint() {
	select {
	case w.hint <- struct{}{}:
	default:
	}
}

// hintPause keeps hints that come in a row from being a look each.
const hintPause = time.Minute

// Run looks and claims until ctx is cancelled. Without rules it only looks after
// the claims that were made by hand. It returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.Once(ctx); err != nil && ctx.Err() == nil {
			w.failures.Failed(w.o.Log, "bounties could not be looked at; it goes on", err)
		} else {
			w.failures.Recovered(w.o.Log, "bounties can be looked at again")
		}
		t := time.NewTimer(w.o.Interval)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-w.hint:
			t.Reset(min(hintPause, w.o.Interval))
			select {
			case <-ctx.Done():
			case <-t.C:
			}
		}
		t.Stop()
	}
	return nil
}

// Once looks after the open claims, and makes new ones as the rules allow.
func (w *Watcher) Once(ctx context.Context) error {
	open, err := w.o.Store.OpenClaims(ctx)
	if err != nil {
		return err
	}
	left := 0
	for _, c := range open {
		still, err := w.check(ctx, c)
		if err != nil {
			return err
		}
		if still {
			left++
		}
	}
	for _, r := range w.o.Rules {
		if left, err = w.apply(ctx, r, left); err != nil {
			return err
		}
	}
	return nil
}

// check looks after one open claim and says whether it is still open.
func (w *Watcher) check(ctx context.Context, c order.Claim) (open bool, err error) {
	if c.State == order.Claiming {
		return true, w.send(ctx, c) // a crash or a lost answer: the second claim tells
	}
	b, err := w.o.Market.Bounty(ctx, c.ID)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
		return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the bounty is gone")
	}
	if err != nil {
		return true, err
	}
	switch b.Status {
	case "open", "":
		return true, nil
	case "claimed", "completed", "disputed":
		// Ours or another's: an order of ours appears with the next poll, and
		// makes the claim accepted. Only when none has come it is given up.
		if c.Reason == "" {
			return true, w.o.Store.EndClaim(c.ID, order.ClaimPending, "the bounty is given to somebody; if to us, its order comes")
		}
		if time.Since(c.Since) < takenGrace {
			return true, nil
		}
	}
	return false, w.o.Store.EndClaim(c.ID, order.ClaimLost, "the bounty is "+b.Status+" and no order came of it")
}

// takenGrace is how long a bounty that was seen to be taken may still turn out
// to be ours: longer than polls take to show the order.
const takenGrace = 6 * time.Hour

// apply claims what fits a rule, as long as there is room.
func (w *Watcher) apply(ctx context.Context, r Rule, open int) (int, error) {
	if open >= w.o.MaxOpen {
		return open, nil
	}
	if _, backlog, err := w.o.Store.PendingSends(ctx); err != nil || backlog >= w.o.MaxBacklog {
		return open, err
	}
	list, err := w.o.Market.Bounties(ctx, atelier.BountyQuery{Category: r.Category, MinBudget: r.MinBudget, Most: 50})
	if err != nil {
		return open, err
	}
	for _, b := range list {
		if open >= w.o.MaxOpen {
			break
		}
		// What the marketplace filters is checked again: a promise of money hangs on it.
		if b.Category != r.Category || b.Budget < r.MinBudget || b.Status != "open" || !b.ExpiresAt.IsZero() && time.Now().After(b.ExpiresAt) {
			continue
		}
		if _, claimed, err := w.o.Store.Claim(ctx, b.ID); err != nil || claimed {
			if err != nil {
				return open, err
			}
			continue
		}
		c := order.Claim{Bounty: b, Service: r.Service}
		if w.o.Message != nil {
			if c.Message, err = w.o.Message(b); err != nil {
				return open, err
			}
		}
		if err := w.Claim(ctx, c); err != nil {
			if f, ok := errors.AsType[*order.Failure](err); ok && f.Class == order.Fail {
				w.o.Log.Warn("a bounty was not given to be claimed", "bounty", b.ID, "error", err, "hint", f.Hint)
				continue
			}
			return open, err
		}
		w.o.Log.Info("bounty claimed", "bounty", b.ID, "budget", "$"+b.Budget.String(), "service", r.Service)
		open++
	}
	return open, nil
}

// Claim claims a bounty, once: the intent is durable before it is sent.
func (w *Watcher) Claim(ctx context.Context, c order.Claim) error {
	if err := w.o.Store.IntendClaim(c); err != nil {
		return err
	}
	return w.send(ctx, c)
}

// send sends an intended claim. The marketplace takes one claim of an agent, so
// that sending it twice is safe: the second is refused, and tells that the first
// has arrived.
func (w *Watcher) send(ctx context.Context, c order.Claim) error {
	err := w.o.Market.ClaimBounty(ctx, c.ID, c.Message)
	f, _ := errors.AsType[*order.Failure](err)
	switch {
	case err == nil, f != nil && f.Code == order.CodeConflict:
		return w.o.Store.EndClaim(c.ID, order.ClaimPending, "")
	case f != nil && (f.Class == order.Fail || f.Class == order.Hold):
		return errors.Join(err, w.o.Store.EndClaim(c.ID, order.ClaimRefused, f.Error()))
	}
	return err // it goes on with the next look
}

// Withdraw takes a pending claim back.
func (w *Watcher) Withdraw(ctx context.Context, id string) error {
	c, ok, err := w.o.Store.Claim(ctx, id)
	if err != nil {
		return err
	}
	if !ok || c.State != order.ClaimPending && c.State != order.Claiming {
		return fmt.Errorf("there is no open claim on bounty %s", id)
	}
	if err := w.o.Market.WithdrawClaim(ctx, id); err != nil {
		return err
	}
	return w.o.Store.EndClaim(id, order.ClaimWithdrawn, "by the owner")
}
