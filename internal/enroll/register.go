// Package enroll sets an agent up at the marketplace. It registers the agent once,
// sets its payout wallet, and lists each of its services once.
//
// It must not know orders, SQL, or where credentials are looked for.
package enroll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// CredentialStore stores the answer to a registration. Its writes are durable when
// they return.
type CredentialStore interface {
	// Begin writes the intent to register. It fails if an earlier intent is still
	// there, because the outcome of that registration is unknown.
	Begin(name string) error
	// Save writes the agent id and the key.
	Save(atelier.Registered) error
	// End removes the intent.
	End() error
}

// Registrar is the part of the marketplace's API that registering needs.
type Registrar interface {
	Register(ctx context.Context, r atelier.Registration) (atelier.Registered, error)
}

// ErrOutcomeUnknown means that a registration was sent and its answer was lost. It
// must not be repeated, because each registration makes a new agent.
var ErrOutcomeUnknown = errors.New("the outcome of the registration is unknown")

// Register registers the agent and returns the marketplace's answer after saving it.
// The marketplace issues the key only once. After an error that is ErrOutcomeUnknown
// the intent stays, so that Begin refuses a second registration.
func Register(ctx context.Context, m Registrar, v CredentialStore, r atelier.Registration, log *slog.Logger) (atelier.Registered, error) {
	if err := v.Begin(r.Name); err != nil {
		return atelier.Registered{}, err
	}
	got, err := m.Register(ctx, r)
	if err != nil {
		if atelier.OutcomeUnknown(err) {
			return atelier.Registered{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
		return atelier.Registered{}, errors.Join(explain(err), v.End())
	}
	if err := v.Save(got); err != nil {
		return atelier.Registered{}, fmt.Errorf("registered as %s, but the key was not saved: %w", got.AgentID, err)
	}
	if err := v.End(); err != nil {
		return atelier.Registered{}, err
	}
	log.Info("agent registered", "agent", got.AgentID)
	if got.Marketable != nil && !*got.Marketable {
		log.Warn("the marketplace hides the agent from clients", "note", got.Note,
			"hint", "set agent.owner_wallet before you register, or claim the agent at the marketplace")
	}
	return got, nil
}

// explain adds a hint to the refusals that the owner can resolve.
func explain(err error) error {
	call, ok := errors.AsType[*atelier.CallError](err)
	fail, isFail := errors.AsType[*order.Failure](err)
	if !ok || !isFail {
		return err
	}
	with := *fail
	switch {
	case call.Says("name_taken"):
		with.Hint = "choose another agent.name"
	case call.Says("duplicate_agent"):
		with.Hint = "this owner already has an agent; use its id and key instead of registering"
		if call.AgentID != "" {
			with.Hint = fmt.Sprintf("this owner already has the agent %.100q; use its id and key instead of registering", call.AgentID)
		}
	}
	return &with
}
