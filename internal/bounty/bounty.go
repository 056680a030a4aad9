// Package bounty claims bounties, the tasks that clients post with a budget. It
// claims those that the owner's rules allow, each once, and only a few at a time.
// The marketplace turns an accepted claim into an order, which intake then finds.
//
// It must not know SQL, HTTP, or how orders are worked on.
package bounty

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store stores the claims. Its writes are durable when they return.
type Store interface {
	IntendClaim(c order.Claim) error
	// ClaimArrived records that the marketplace has a claim, by the id that it gave it,
	// or empty.
	ClaimArrived(bountyID, claimID string) error
	EndClaim(id string, state order.ClaimState, reason string) error
	// WinClaim records that our claim was accepted, and the order that it became.
	WinClaim(bountyID, orderID string) error
	RefuseClaim(id string, code order.Code, reason string) error
	// OwnerMissing reports whether the marketplace would refuse a claim because the
	// agent has no owner.
	OwnerMissing(ctx context.Context) (bool, error)
	SetAlert(a order.Alert, text string) error
	Claim(ctx context.Context, id string) (order.Claim, bool, error)
	OpenClaims(ctx context.Context) ([]order.Claim, error)
	// PendingSends returns the number of jobs that wait to be delivered, and that of
	// all unfinished jobs.
	PendingSends(ctx context.Context) (delivering, total int, err error)
}

// Market is the part of the marketplace's API that claiming needs. *atelier.Client
// implements it.
type Market interface {
	Bounties(ctx context.Context, q atelier.BountyQuery) ([]order.Bounty, error)
	Bounty(ctx context.Context, id string) (order.Bounty, error)
	ClaimBounty(ctx context.Context, id, message string) (claimID string, err error)
	WithdrawClaim(ctx context.Context, id string) error
}

// Rule selects bounties by category and budget, and names the service that the
// order of an accepted claim is for.
type Rule struct {
	Category  string
	MinBudget order.USD
	Service   string // the title
}

// Options are the settings of a Watcher.
type Options struct {
	Store  Store
	Market Market
	Rules  []Rule
	// MaxOpen is the most claims that wait for an answer at once. No claim is made
	// while there are MaxBacklog or more unfinished jobs.
	MaxOpen, MaxBacklog int
	// Paused reports whether the owner has paused a service. No claim is made for it then; nil
	// is never.
	Paused func(ctx context.Context, service string) bool
	// Blocked reports whether nothing is done for the client with a wallet; nil is nobody.
	Blocked func(wallet string) bool
	// Message returns the text that goes with a claim. Nil sends none.
	Message func(order.Bounty) (string, error)
	// Interval is the time between two looks at the marketplace.
	Interval time.Duration
	Log      *slog.Logger
}

// Watcher looks for bounties and claims them. Create it with New.
type Watcher struct {
	o        Options
	failures logonce.Logger
	next     atomic.Pointer[Options]
	hint     chan struct{}
	// ownerless means that the lack of an owner was logged.
	ownerless bool
	// ruleless means that this process has no rules, and has cleared their alert.
	ruleless bool
}

// noOwner is why the rules claim nothing. The store clears the alert once there is an
// owner.
const noOwner = "no bounties are claimed: the agent has no owner"

// New returns a Watcher.
func New(o Options) *Watcher {
	return &Watcher{o: o, hint: make(chan struct{}, 1)}
}

// Change replaces the options from the next look on, which comes soon.
func (w *Watcher) Change(o Options) {
	w.next.Store(&o)
	w.Hint()
}

// Hint requests a look soon. It does not block.
func (w *Watcher) Hint() {
	select {
	case w.hint <- struct{}{}:
	default:
	}
}

// hintPause is the time from a hint to the look, so that a row of hints leads to one
// look.
const hintPause = time.Minute

// Run looks and claims until ctx is cancelled, and returns nil. Without rules it only
// follows the claims that the owner made by hand.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.Once(ctx); err != nil && ctx.Err() == nil {
			w.failures.Failed(w.o.Log, "looking for bounties failed", err)
		} else {
			w.failures.Recovered(w.o.Log, "looking for bounties works again")
		}
		if beat.Sleep(ctx, w.o.Interval, w.hint) {
			beat.Sleep(ctx, min(hintPause, w.o.Interval), nil)
		}
	}
	return nil
}

// Once checks the open claims, then makes new ones as the rules allow. A claim that
// cannot be checked does not keep it from the rest.
func (w *Watcher) Once(ctx context.Context) error {
	if next := w.next.Swap(nil); next != nil {
		w.o, w.ruleless = *next, false
	}
	open, err := w.o.Store.OpenClaims(ctx)
	if err != nil {
		return err
	}
	var failed error
	left := 0
	for _, c := range open {
		still, err := w.check(ctx, c)
		if f, ok := errors.AsType[*order.Failure](err); err != nil && (!ok || f.Class == order.Wait || ctx.Err() != nil) {
			return err
		}
		failed = errors.Join(failed, err)
		if still {
			left++
		}
	}
	return errors.Join(failed, w.claim(ctx, left))
}

// claim makes new claims as the rules allow, next to those that are open.
func (w *Watcher) claim(ctx context.Context, left int) error {
	if len(w.o.Rules) == 0 {
		if w.ruleless {
			return nil
		}
		w.ruleless = true
		return w.o.Store.SetAlert(order.AlertOwner, "") // an earlier configuration had some
	}
	if missing, err := w.o.Store.OwnerMissing(ctx); err != nil || missing {
		if missing && !w.ownerless {
			w.ownerless = true
			w.o.Log.Warn(noOwner, "hint", "set agent.owner_wallet in the configuration, then run "+order.Command("agent sync"))
			err = w.o.Store.SetAlert(order.AlertOwner, noOwner)
		}
		return err
	}
	w.ownerless = false
	for _, r := range w.o.Rules {
		if w.o.Paused != nil && w.o.Paused(ctx, r.Service) {
			continue
		}
		var err error
		if left, err = w.apply(ctx, r, left); err != nil {
			return err
		}
	}
	return nil
}

// apply claims bounties that match the rule while fewer than MaxOpen claims are
// open. It returns the new number of open claims.
func (w *Watcher) apply(ctx context.Context, r Rule, open int) (int, error) {
	if open >= w.o.MaxOpen {
		return open, nil
	}
	if _, backlog, err := w.o.Store.PendingSends(ctx); err != nil || backlog >= w.o.MaxBacklog {
		return open, err
	}
	list, err := w.o.Market.Bounties(ctx, atelier.BountyQuery{Category: r.Category, MinBudget: r.MinBudget, Limit: 50})
	if err != nil {
		return open, err
	}
	for _, b := range list {
		if open >= w.o.MaxOpen {
			break
		}
		// The marketplace has filtered the list, but a claim is a promise to work for
		// the budget, so every condition is checked again.
		if b.Category != r.Category || b.Budget < r.MinBudget || b.Status != "open" || !b.ExpiresAt.IsZero() && time.Now().After(b.ExpiresAt) {
			continue
		}
		if w.o.Blocked != nil && w.o.Blocked(b.Poster) {
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
				w.o.Log.Warn("bounty claim refused", "bounty", b.ID, "error", err, "hint", f.Hint)
				continue
			}
			return open, err
		}
		w.o.Log.Info("bounty claimed", "bounty", b.ID, "budget", "$"+b.Budget.String(), "service", r.Service)
		open++
	}
	return open, nil
}

// Claim claims a bounty. The intent is durable before the request is sent, so a
// claim that is interrupted is completed later. After an error other than a refusal
// the claim stays open and Once sends it again.
func (w *Watcher) Claim(ctx context.Context, c order.Claim) error {
	if err := w.o.Store.IntendClaim(c); err != nil {
		return err
	}
	return w.send(ctx, c)
}

// send sends an intended claim. The marketplace accepts one claim of an agent on a
// bounty, so sending it twice is safe: the second is a conflict, which shows that the
// first has arrived.
func (w *Watcher) send(ctx context.Context, c order.Claim) error {
	claimID, err := w.o.Market.ClaimBounty(ctx, c.ID, c.Message)
	f, _ := errors.AsType[*order.Failure](err)
	switch {
	case err == nil, f != nil && f.Code == order.CodeConflict:
		return w.o.Store.ClaimArrived(c.ID, claimID)
	case f != nil && (f.Class == order.Fail || f.Class == order.Hold):
		return errors.Join(err, w.o.Store.RefuseClaim(c.ID, f.Code, f.Error()))
	}
	return err // the next look sends it again
}

// Withdraw takes back a claim that is still open.
func (w *Watcher) Withdraw(ctx context.Context, id string) error {
	c, ok, err := w.o.Store.Claim(ctx, id)
	if err != nil {
		return err
	}
	if !ok || c.State != order.ClaimPending && c.State != order.Claiming {
		return fmt.Errorf("no open claim on bounty %s", id)
	}
	if err := w.o.Market.WithdrawClaim(ctx, id); err != nil {
		return err
	}
	return w.o.Store.EndClaim(id, order.ClaimWithdrawn, "by the owner")
}
