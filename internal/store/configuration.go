package store

import (
	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// The facts about the configuration of the last start.
const (
	factDigest = "configuration"
	factMode   = "mode." // and the title of the service
)

// Configure applies the configuration to work that is under way. Call it at the start and
// at a reload, while nothing that sends is leased. Work that waits for a setting is tried
// again if the configuration is another than before. Made work of a dry run follows the
// mode that its service has now. Where a mode has changed to one that holds made work,
// work that was made before and not sent is held too.
func (s *Store) Configure(c order.Configured) error {
	return s.write("configure", func(t *tx) error {
		if err := t.retrySettings(c.Digest); err != nil {
			return err
		}
		if err := t.applyClients(c.Clients); err != nil {
			return err
		}
		now, strict := map[string]order.Sending{}, map[string]order.Sending{}
		for _, each := range c.Services {
			now[each.Service] = each
			changed, err := t.factChanged(factMode+each.Service, each.Mode)
			if err != nil {
				return err
			}
			if changed {
				strict[each.Service] = each
			}
		}
		if err := t.endDryRuns(now); err != nil {
			return err
		}
		return t.holdMade(strict)
	})
}

// factChanged stores a fact and reports whether it had another value before. A fact
// that was not known has not changed.
func (t *tx) factChanged(name, value string) (bool, error) {
	before, err := t.GetFact(noCancel, name)
	if err != nil || len(before) > 0 && before[0] == value {
		return false, err
	}
	return len(before) > 0, t.PutFact(noCancel, query.PutFactParams{Name: name, Value: value, ChangedAt: t.now})
}

// retrySettings makes the work ready that waits for a setting.
func (t *tx) retrySettings(digest string) error {
	before, err := t.GetFact(noCancel, factDigest)
	if err != nil || digest == "" || len(before) > 0 && before[0] == digest {
		return err
	}
	if err := t.PutFact(noCancel, query.PutFactParams{Name: factDigest, Value: digest, ChangedAt: t.now}); err != nil {
		return err
	}
	held, err := t.HeldFor(noCancel, order.EncodeStrings(order.SettingCodes()))
	if err != nil {
		return err
	}
	for _, j := range held {
		if err := t.resume(j, "the configuration has changed; work resumes"); err != nil {
			return err
		}
	}
	return nil
}

// endDryRuns sends what dry runs have made for services that are in another mode now,
// or holds it for what that mode waits for.
func (t *tx) endDryRuns(now map[string]order.Sending) error {
	held, err := t.HeldFor(noCancel, order.EncodeStrings([]order.Code{order.CodeDryRun}))
	if err != nil {
		return err
	}
	for _, j := range held {
		sending, configured := now[j.Service]
		if !configured {
			continue
		}
		switch hold := sending.Hold(j.Kind); {
		case hold == nil:
			err = t.resume(j, "its service is not in mode dry-run any more; work resumes")
		case hold.Code != j.Code:
			if err = t.resume(j, ""); err == nil {
				err = t.holdNext(jobOf(j), hold.For(j.OrderID))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holdMade holds what is made and not sent for services whose mode has changed.
func (t *tx) holdMade(changed map[string]order.Sending) error {
	if len(changed) == 0 {
		return nil
	}
	ready, err := t.ReadyToSend(noCancel)
	if err != nil {
		return err
	}
	for _, r := range ready {
		j := query.HeldForRow(r)
		if hold := changed[j.Service].Hold(j.Kind); hold != nil {
			if err := t.holdNext(jobOf(j), hold.For(j.OrderID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// resume makes a held job ready, and its order working if it was held with the job.
func (t *tx) resume(j query.HeldForRow, note string) error {
	if err := t.ReleaseJob(noCancel, query.ReleaseJobParams{RunAt: t.now, ChangedAt: t.now, ID: j.ID}); err != nil {
		return err
	}
	if j.Kind == order.KindDelivery || j.Kind == order.KindQuote {
		if err := t.ResumeOrder(noCancel, query.ResumeOrderParams{ChangedAt: t.now, ID: j.OrderID, Code: j.Code}); err != nil {
			return err
		}
	}
	t.changed.lane(j.Stage.Lane())
	if note == "" {
		return nil
	}
	_, err := t.event(j.OrderID, "configuration", note)
	return err
}

func jobOf(j query.HeldForRow) order.Job {
	return order.Job{ID: j.ID, OrderID: j.OrderID, Kind: j.Kind, Round: int(j.Round), Stage: j.Stage}
}
