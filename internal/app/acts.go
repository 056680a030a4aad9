package app

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// This file has what the owner asks the marketplace for, on the command line or on a page.

// Hinted is an error with the next step for the owner.
type Hinted struct {
	Err  error
	Hint string
}

// Error describes the error, without the hint.
func (h *Hinted) Error() string { return h.Err.Error() }

// Unwrap returns the error that the hint is about.
func (h *Hinted) Unwrap() error { return h.Err }

func hintf(err error, format string, args ...any) error {
	return &Hinted{err, fmt.Sprintf(format, args...)}
}

// Pay is a request to pay out an order again.
type Pay struct {
	m  *Market
	id string
}

// Payout looks at an order at the marketplace. It fails if there is nothing to pay out, or
// nowhere to.
func (m *Market) Payout(ctx context.Context, id string) (Pay, error) {
	profile, err := m.Client.Profile(ctx)
	if err != nil {
		return Pay{}, err
	}
	if profile.PayoutWallet == "" && profile.OwnerWallet == "" && m.Config.Agent.PayoutWallet == "" {
		return Pay{}, hintf(errors.New("no payout wallet is set at the marketplace"),
			"set agent.payout_wallet in the configuration, then run %s", order.Command("agent sync"))
	}
	now, err := m.Client.Order(ctx, id)
	if err != nil {
		return Pay{}, err
	}
	switch {
	case now.Status != order.Completed:
		return Pay{}, hintf(fmt.Errorf("order %s is %.40q at the marketplace, and only completed orders are paid out", id, now.Status),
			"%s shows its state", order.Command("orders show", id))
	case now.PayoutTx != "":
		return Pay{}, hintf(fmt.Errorf("order %s is paid out already: %.120q", id, now.PayoutTx),
			"%s shows it once the next complete poll has read it", order.Command("earnings"))
	}
	return Pay{m, id}, nil
}

// Ask sends the request.
func (p Pay) Ask(ctx context.Context) error {
	if err := p.m.Owner.Note(p.id, "payout asked", "asked for again by the owner"); err != nil {
		return err
	}
	err := p.m.Client.RetryPayout(ctx, p.id)
	if atelier.OutcomeUnknown(err) {
		return hintf(fmt.Errorf("the request had no answer: %w", err), "%s looks at the order before it asks again",
			order.Command("earnings retry-payout", p.id))
	}
	if err != nil {
		return errors.Join(err, p.m.Owner.Note(p.id, "payout refused", err.Error()))
	}
	return nil
}

// Plan is what a sync of the services would do.
type Plan struct {
	Steps []enroll.Planned
	View  view.Plan
}

// Changes returns how many services a sync would create or change.
func (p Plan) Changes() (n int) {
	for _, s := range p.Steps {
		if s.Step == enroll.StepCreate || s.Step == enroll.StepChange {
			n++
		}
	}
	return n
}

// Fingerprint stands for what the plan would change, and for what.
func (p Plan) Fingerprint() string {
	sum := sha256.New()
	write := json.NewEncoder(sum)
	for _, s := range p.Steps {
		if s.Step == enroll.StepCreate || s.Step == enroll.StepChange {
			_ = write.Encode([]any{s.Step, s.Title, s.ID, s.Changes, s.Want}) // of plain values
		}
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

// PlanServices compares the services of the configuration with those that are listed.
func (m *Market) PlanServices(ctx context.Context) (Plan, error) {
	there, err := m.Client.Services(ctx)
	if err != nil {
		return Plan{}, err
	}
	return planServices(ctx, m.Config, m.Owner.Store, there)
}

// planServices compares the services with those that are listed there.
func planServices(ctx context.Context, cfg *config.Config, st *store.Store, there []atelier.Service) (Plan, error) {
	known, err := st.Services(ctx)
	if err != nil {
		return Plan{}, err
	}
	facts, err := st.Facts(ctx)
	if err != nil {
		return Plan{}, err
	}
	pauses, err := st.Pauses(ctx)
	if err != nil {
		return Plan{}, err
	}
	plan := enroll.Plan(Offered(cfg), there, known)
	for i, s := range plan {
		if s.Step != enroll.StepForeign && order.OffMarket(pauses, s.Title, time.Now()) {
			plan[i].Step = enroll.StepDelisted
		}
	}
	return Plan{plan, view.NewPlan(cfg, plan, view.PausedGenerators(facts), pauses)}, nil
}

// Sync does what a plan says. A service to be created is stored first, so that a running
// daemon does not create it too.
func (m *Market) Sync(ctx context.Context, p Plan) error {
	for _, s := range p.Steps {
		if err := m.syncService(ctx, s); err != nil {
			return fmt.Errorf("service %q: %w", s.Title, err)
		}
	}
	return nil
}

func (m *Market) syncService(ctx context.Context, s enroll.Planned) error {
	listed := order.Listed{Title: s.Title, RemoteID: s.ID, State: order.ServiceListed}
	switch s.Step {
	case enroll.StepChange:
		if err := m.Client.UpdateService(ctx, s.ID, s.Patch); err != nil {
			return err
		}
	case enroll.StepCreate:
		if err := m.Owner.PutService(order.Listed{Title: s.Title, State: order.ServiceCreating}); err != nil {
			return err
		}
		made, err := m.Client.CreateService(ctx, s.Want)
		if err != nil {
			if atelier.OutcomeUnknown(err) {
				return hintf(err, "%s shows whether it arrived", order.Command("services list"))
			}
			return errors.Join(err, m.Owner.PutService(order.Listed{Title: s.Title, State: order.ServiceWanted}))
		}
		listed.RemoteID = made.ID
	default:
		return nil
	}
	if err := m.Owner.Note("", "owner", "service "+string(s.Step)+": "+s.Title); err != nil {
		return err
	}
	return m.Owner.PutService(listed)
}

// ClaimBounty claims a bounty as the marketplace shows it, for the service that a title
// names: the only one of its category if that is empty. It returns the title of the service.
func (m *Market) ClaimBounty(ctx context.Context, b order.Bounty, service, message string) (title string, err error) {
	if n := atelier.MessageLength(message); n > atelier.MaxPitch {
		return "", &owner.InputError{Err: fmt.Errorf("the message has %d characters; the marketplace takes at most %d", n, atelier.MaxPitch)}
	}
	if b.Status != "open" {
		return "", fmt.Errorf("bounty %s is %.40q and cannot be claimed", b.ID, b.Status)
	}
	if clients := (order.ClientRules{Block: m.Config.Clients.Block}); clients.Blocks("", b.Poster) {
		return "", hintf(fmt.Errorf("the client of bounty %s is blocked: it is in clients.block", b.ID), "take the client out of clients.block, then claim it again")
	}
	if before, ok, err := m.Owner.Claim(ctx, b.ID); err != nil {
		return "", err
	} else if ok && before.State != order.ClaimRefused {
		return "", fmt.Errorf("bounty %s was claimed before; the claim is %s", b.ID, before.State)
	}
	fit := BountyServices(m.Config, b)
	if service != "" {
		fit = slices.DeleteFunc(titles(m.Config), func(title string) bool { return !order.SameTitle(title, service) })
	}
	if len(fit) != 1 {
		return "", &owner.InputError{Err: fmt.Errorf("%d services fit the task; name the one to use with --service TITLE", len(fit))}
	}
	err = m.Watcher.Claim(ctx, order.Claim{Bounty: b, Service: fit[0], Message: message})
	if f, ok := errors.AsType[*order.Failure](err); err == nil || ok && f.Hint != "" {
		return fit[0], err
	}
	return "", hintf(err, "%s shows the state of the claim", order.Command("bounties list"))
}

// BountyServices returns the titles of the services that can do a task.
func BountyServices(cfg *config.Config, b order.Bounty) (fit []string) {
	for _, s := range cfg.Services {
		if s.Category == b.Category && Window(s) == 0 {
			fit = append(fit, s.Title)
		}
	}
	return fit
}

// titles are those of the services on sale.
func titles(cfg *config.Config) (list []string) {
	for _, s := range cfg.Services {
		list = append(list, s.Title)
	}
	return list
}
