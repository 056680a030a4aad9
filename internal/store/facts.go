package store

import (
	"context"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Fact is a small durable fact about the daemon itself.
type Fact struct {
	Name  string
	Value string
	Since time.Time
}

// Fact returns the value of a fact, or "" if there is none.
func (s *Store) Fact(ctx context.Context, name string) (string, error) {
	rows, err := s.read.GetFact(ctx, name)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0], nil
}

// Facts returns all facts, sorted by name.
func (s *Store) Facts(ctx context.Context) ([]Fact, error) {
	rows, err := s.read.ListFacts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Fact, len(rows))
	for i, r := range rows {
		list[i] = Fact{Name: r.Name, Value: r.Value, Since: r.ChangedAt.Time}
	}
	return list, nil
}

// SetFact writes a fact. An empty value removes it.
func (s *Store) SetFact(name, value string) error {
	return s.write("fact", func(t *tx) error {
		if value != "" {
			return t.PutFact(noCancel, query.PutFactParams{Name: name, Value: value, ChangedAt: t.now})
		}
		_, err := t.DeleteFact(noCancel, name)
		return err
	})
}

// SetAlert shows an alert to the owner, in v_attention. An empty text clears it.
func (s *Store) SetAlert(a order.Alert, text string) error {
	return s.SetFact(string(a.Code()), text)
}

// WalletKnown records whether the marketplace has a wallet for payouts. Without
// one it sets an alert: an order that completes then is never paid out.
func (s *Store) WalletKnown(known bool) error {
	value, text := order.WalletSet, ""
	if !known {
		value, text = order.WalletMissing, "no payout wallet is set at the marketplace: what completes is not paid out"
	}
	if err := s.SetFact(order.FactWallet, value); err != nil {
		return err
	}
	return s.SetAlert(order.AlertWallet, text)
}

// The facts about the agent itself.
const (
	factOwner   = "agent.owner"
	factProfile = "agent.differs"
	missing     = "missing"
)

// FactProfileDiffers names the fact that says in which fields the profile differs from
// the configuration.
const FactProfileDiffers = factProfile

// ProfileDiffers records in which fields the profile differs from the configuration;
// empty if in none.
func (s *Store) ProfileDiffers(text string) error { return s.SetFact(factProfile, text) }

// OwnerKnown records whether the agent has an owner at the marketplace. When it gets
// one, the claims that were refused for the lack of it are forgotten, so that their
// bounties are claimed again.
func (s *Store) OwnerKnown(known bool) error {
	return s.write("owner", func(t *tx) error {
		before, err := t.GetFact(noCancel, factOwner)
		if err != nil {
			return err
		}
		value := missing
		if known {
			value = "set"
		}
		if known && !slices.Contains(before, value) {
			if _, err := t.ForgetRefusedClaims(noCancel, order.CodeForbidden); err != nil {
				return err
			}
			if _, err := t.DeleteFact(noCancel, string(order.AlertOwner.Code())); err != nil {
				return err
			}
		}
		return t.PutFact(noCancel, query.PutFactParams{Name: factOwner, Value: value, ChangedAt: t.now})
	})
}

// OwnerMissing reports whether the agent is known to have no owner, without whom the
// marketplace refuses claims on bounties.
func (s *Store) OwnerMissing(ctx context.Context) (bool, error) {
	values, err := s.read.GetFact(ctx, factOwner)
	return slices.Contains(values, missing), err
}

// RunNow makes the jobs that wait with one of the codes due now, and those whose running
// attempt ends with it.
func (s *Store) RunNow(codes ...order.Code) error {
	return s.write("run_now", func(t *tx) error {
		t.changed.Generate, t.changed.Network = true, true
		for _, code := range codes {
			if err := t.runNow(code); err != nil {
				return err
			}
		}
		return nil
	})
}

// factEnded and a code name the fact that has the leases that were held when the wait for
// the code last ended.
const factEnded = "ended."

// runNow makes the jobs that wait with the code due now. An attempt may have found just
// before that it has to wait, and commit that after: it finds its lease in the fact.
func (t *tx) runNow(code order.Code) error {
	leases, err := t.LeaseTokens(noCancel)
	if err != nil {
		return err
	}
	if err := t.PutFact(noCancel, query.PutFactParams{Name: factEnded + string(code), Value: leases, ChangedAt: t.now}); err != nil {
		return err
	}
	for {
		n, err := t.RunNow(noCancel, query.RunNowParams{RunAt: t.now, Code: code})
		if err != nil || n == 0 {
			return err
		}
	}
}

// Note appends an event to the timeline of orderID, or of the daemon if it is empty.
func (s *Store) Note(orderID, kind, text string) error {
	return s.write("event", func(t *tx) error {
		_, err := t.event(orderID, kind, text)
		return err
	})
}

// Services returns our services and their state at the marketplace.
func (s *Store) Services(ctx context.Context) ([]order.Listed, error) {
	rows, err := s.read.ListServices(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]order.Listed, len(rows))
	for i, r := range rows {
		list[i] = order.Listed{
			Title: r.Title, RemoteID: r.RemoteID, State: order.ListedState(r.State),
			Reason: r.Reason, Differs: r.Differs, Since: r.ChangedAt.Time,
		}
	}
	return list, nil
}

// PutService records the state of a service at the marketplace.
func (s *Store) PutService(l order.Listed) error {
	return s.write("service", func(t *tx) error {
		return t.PutService(noCancel, query.PutServiceParams{
			Title: l.Title, RemoteID: l.RemoteID,
			State: string(l.State), Reason: l.Reason, Differs: l.Differs, ChangedAt: t.now,
		})
	})
}
