// Package enroll sets an agent up at the marketplace. It registers the agent once,
// sets its payout wallet, and lists each of its services once.
//
// It must not know orders, SQL, or where credentials are looked for.
package enroll

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
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
	// Refused returns an error if the registration with the print is the one that the
	// marketplace refused last.
	Refused(print string) error
	// NoteRefusal writes that it was refused, and why.
	NoteRefusal(print string, why *order.Failure) error
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
//
// What the marketplace is known to refuse is not sent: registrations are few. One that
// it has refused is not sent again until it is changed, so that a supervisor which
// restarts the daemon does not repeat it.
func Register(ctx context.Context, m Registrar, v CredentialStore, r atelier.Registration, log *slog.Logger) (atelier.Registered, error) {
	print := Fingerprint(r)
	if err := v.Refused(print); err != nil {
		return atelier.Registered{}, err
	}
	if err := v.Begin(r.Name); err != nil {
		return atelier.Registered{}, err
	}
	got, err := m.Register(ctx, r)
	if err != nil {
		if atelier.OutcomeUnknown(err) {
			return atelier.Registered{}, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
		return atelier.Registered{}, errors.Join(refuse(v, print, explain(err)), v.End())
	}
	var failures logonce.Logger
	if err := host.Persist(ctx, func(err error) {
		failures.Failed(log, "the key, which is issued once, cannot be saved; trying again", err, "agent", got.AgentID)
	}, func() error { return v.Save(got) }); err != nil {
		return atelier.Registered{}, fmt.Errorf("registered as %s, but the key was not saved: %w", got.AgentID, err)
	}
	if err := v.End(); err != nil {
		return atelier.Registered{}, err
	}
	log.Info("agent registered", "agent", got.AgentID)
	if got.Marketable != nil && !*got.Marketable {
		// Setup sets the wallets, and warns if the configuration has none.
		log.Debug("the marketplace hides the agent from clients until its wallets are set", "note", got.Note)
	}
	return got, nil
}

// refuse writes down a refusal that would be repeated, and returns it.
func refuse(v CredentialStore, print string, err error) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || errors.Is(err, atelier.ErrNotSent) || f.Class != order.Fail && f.Class != order.Hold {
		return err
	}
	return errors.Join(err, v.NoteRefusal(print, f))
}

// Fingerprint identifies what a registration says.
func Fingerprint(r atelier.Registration) string {
	text, err := json.Marshal(r)
	if err != nil {
		text = []byte(r.Name) // it has texts only
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// explain adds a hint to the refusals that the owner can resolve.
func explain(err error) error {
	call, ok := errors.AsType[*atelier.CallError](err)
	fail, isFail := errors.AsType[*order.Failure](err)
	if !ok || !isFail {
		return err
	}
	with := *fail
	todo := ""
	switch {
	case call.Says("name_taken"):
		todo = "choose another agent.name in the configuration and start again"
	case call.Says("duplicate_agent"):
		// Without an owner this means only the same name and text within the hour,
		// whoever sent them.
		which := "it"
		if call.AgentID != "" {
			which = fmt.Sprintf("the agent %.100q", call.AgentID)
		}
		todo = "if " + which + " is yours, put its id and key in place instead of registering; if not, change agent.name or agent.description and start again"
	}
	with.Hint = strings.TrimSuffix(strings.TrimSpace(call.Recovery), ".")
	if with.Hint != "" && todo != "" {
		with.Hint += "; "
	}
	with.Hint += todo
	if with.Hint == "" {
		with.Hint = fail.Hint
	}
	return &with
}
