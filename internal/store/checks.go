package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Checks returns what the assistant found in the files of an order. The last one of a take is
// about the files that it has.
func (s *Store) Checks(ctx context.Context, orderID string) (list []order.Check, err error) {
	rows, err := s.read.OrderChecks(ctx, orderID)
	for _, r := range rows {
		c := order.Check{
			Kind: r.Kind, Round: int(r.Round), Take: int(r.Take), Files: r.Files, Below: int(r.Below), Note: r.Note, At: r.CheckedAt.Time,
		}
		if r.Score != nil {
			score := int(*r.Score)
			c.Score = &score
		}
		_ = json.Unmarshal([]byte(r.Problems), &c.Problems) // a damaged list is none
		list = append(list, c)
	}
	return list, err
}

// PutCheck stores what the assistant found in the files of a take, and closes the call that
// found it as done at its cost. Without a call there is no score, and Note says why. It fails
// with class Lost if the job's lease is lost.
func (s *Store) PutCheck(j order.Job, c order.Check, call *order.Call) error {
	var generator string
	err := s.write("check", func(t *tx) (err error) {
		generator = ""
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.putCheck(j, c); err != nil {
			return err
		}
		if call != nil {
			generator, err = t.closeCall(call.ID, query.CloseCallParams{State: order.CallDone, Cost: call.Cost})
		}
		return err
	})
	if err == nil && call != nil {
		s.callClosed(Closed{Generator: generator, State: order.CallDone, Cost: call.Cost})
	}
	return err
}

// putCheck writes a check, and what it says into the order's timeline.
func (t *tx) putCheck(j order.Job, c order.Check) error {
	problems, err := json.Marshal(append([]string{}, c.Problems...))
	if err != nil {
		return err
	}
	row := query.InsertCheckParams{
		OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: int64(c.Take), Files: c.Files, Below: int64(c.Below),
		Problems: string(problems), Note: c.Note, CheckedAt: t.now,
	}
	if c.Score != nil {
		score := int64(*c.Score)
		row.Score = &score
	}
	if err := t.InsertCheck(noCancel, row); err != nil {
		return err
	}
	text := fmt.Sprintf("take %d: %s", c.Take, c.Words())
	if j.Kind == order.KindPiece {
		text = fmt.Sprintf("piece %d, %s", j.Round, text)
	}
	if len(c.Problems) > 0 {
		text += ": " + strings.Join(c.Problems, "; ")
	}
	_, err = t.event(j.OrderID, "check", text)
	return err
}

// OpenNextTake opens the take that follows the assistant's check: with the files of the take
// before stored, and with the owner's instructions for it. It fails with class Lost if the
// job's lease is lost.
func (s *Store) OpenNextTake(j order.Job, n order.NextTake) error {
	return s.write("take", func(t *tx) error {
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if len(n.Files) > 0 {
			if err := t.putArtifacts(j, n.Files); err != nil {
				return err
			}
		}
		if n.Check != nil {
			if err := t.putCheck(j, *n.Check); err != nil {
				return err
			}
		}
		rows, err := t.ListTakes(noCancel, query.ListTakesParams{OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round)})
		if err != nil {
			return err
		}
		last := query.Take{Take: 1}
		for _, r := range rows {
			last = r
		}
		if err := t.InsertTake(noCancel, query.InsertTakeParams{
			OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: last.Take + 1, Instructions: last.Instructions,
			FromThese: last.FromThese, ByCheck: 1, SameAs: int64(n.SameAs), CreatedAt: t.now,
		}); err != nil {
			return err
		}
		_, err = t.event(j.OrderID, "check", n.Note)
		return err
	})
}
