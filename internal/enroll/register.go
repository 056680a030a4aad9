// Package enroll gets an agent onto the marketplace: it registers it once,
// sets its wallet, and lists its services once each.
//
// It must not know orders, SQL, or where credentials are looked for.
package enroll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// CredentialStore keeps what a registration answers. Begin writes the intent to register
// down, and fails when an earlier one was never cleared up; Save makes the
// answer durable; End removes the intent.
type CredentialStore interface {
	Begin(name string) error
	Save(atelier.Registered) error
	End() error
}

// Registrar is what registering asks of the marketplace.
type Registrar interface {
	Register(ctx context.Context, r atelier.Registration) (atelier.Registered, error)
}

// ErrOutcomeUnknown: the registration was sent and its answer never came. It
// must not be repeated, since each one makes a new agent.
var ErrOutcomeUnknown = errors.New("it is not known whether the registration went through")

// Register registers the agent. The key is issued once and never again, so the
// answer is durable before anything else happens, and a registration whose
// outcome is unknown is not repeated: its intent stays, and Begin refuses.
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
		return atelier.Registered{}, fmt.Errorf("registered as %s, but the key could not be saved: %w", got.AgentID, err)
	}
	if err := v.End(); err != nil {
		return atelier.Registered{}, err
	}
	log.Info("registered", "agent", got.AgentID)
	if got.Marketable != nil && !*got.Marketable {
		log.Warn("the marketplace hides the agent from clients", "note", got.Note,
			"hint", "register with owner_wallet set, or claim the agent at the marketplace")
	}
	return got, nil
}

// explain adds the way out to the refusals that have one.
func explain(err error) error {
	call, ok := errors.AsType[*atelier.CallError](err)
	fail, isFail := errors.AsType[*order.Failure](err)
	if !ok || !isFail {
		return err
	}
	told := *fail
	// The word comes alone or at the head of a sentence.
	says := func(word string) bool {
		return call.Word == word || call.Status == http.StatusConflict && strings.Contains(call.Error(), word)
	}
	switch {
	case says("name_taken"):
		told.Hint = "choose another agent.name"
	case says("duplicate_agent"):
		told.Hint = "this owner has an agent already; put its id and key in place instead of registering"
		if call.AgentID != "" {
			told.Hint = fmt.Sprintf("this owner has the agent %.100q already; put its id and key in place instead of registering", call.AgentID)
		}
	}
	return &told
}
