package store

import (
	"context"
	"encoding/json"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
)

// Prompts returns what the assistant wrote for an order.
func (s *Store) Prompts(ctx context.Context, orderID string) (list []order.Prompt, err error) {
	rows, err := s.read.OrderPrompts(ctx, orderID)
	for _, r := range rows {
		p := order.Prompt{Kind: r.Kind, Round: int(r.Round), Take: int(r.Take), Text: r.Prompt, Note: r.Note, At: r.CreatedAt.Time}
		_ = json.Unmarshal([]byte(r.Requirements), &p.Requirements) // a damaged list is none
		list = append(list, p)
	}
	return list, err
}

// PutPrompt stores the prompt of a take, and closes the call that wrote it as done at its
// cost. Without a call, the template is used and Note says why. It fails with class Lost if
// the job's lease is lost.
func (s *Store) PutPrompt(j order.Job, p order.Prompt, c *order.Call) error {
	var generator string
	requirements, err := json.Marshal(append([]string{}, p.Requirements...))
	if err != nil {
		return err
	}
	err = s.write("prompt", func(t *tx) (err error) {
		generator = ""
		if err := t.leaseStands(j); err != nil {
			return err
		}
		if err := t.InsertPrompt(noCancel, query.InsertPromptParams{
			OrderID: j.OrderID, Kind: j.Kind, Round: int64(j.Round), Take: int64(p.Take),
			Prompt: p.Text, Requirements: string(requirements), Note: p.Note, CreatedAt: t.now,
		}); err != nil {
			return err
		}
		if c != nil {
			generator, err = t.closeCall(c.ID, query.CloseCallParams{State: order.CallDone, Cost: c.Cost})
			return err
		}
		_, err = t.event(j.OrderID, "prompt", "the template is used: "+p.Note)
		return err
	})
	if err == nil && c != nil {
		s.callClosed(Closed{Generator: generator, State: order.CallDone, Cost: c.Cost})
	}
	return err
}
