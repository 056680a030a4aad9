package store

import (
	"errors"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestAPromptIsStoredWithTheEndOfItsCall(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	c, err := s.BeginCall(j, order.NewCall{Generator: order.Assistant, Purpose: order.PurposePrompt, Price: 9000})
	if err != nil {
		t.Fatal(err)
	}
	if open, err := s.OpenCalls(t.Context(), j, order.PurposeMake); err != nil || len(open) != 0 {
		t.Errorf("%v; a call of the assistant is open as a generator's: %+v", err, open)
	}
	p := order.Prompt{Kind: j.Kind, Round: j.Round, Take: 1, Text: "a fox in ink", Requirements: []string{"one fox", "ink"}}
	foreign := j
	foreign.Token = "another lease"
	c.Cost = 1200
	err = s.PutPrompt(foreign, p, &c)
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Lost {
		t.Fatalf("without the lease: %v", err)
	}
	if n := count(t, s, "SELECT (SELECT count(*) FROM prompts) + (SELECT count(*) FROM calls WHERE state = 'done')"); n != 0 {
		t.Fatalf("without the lease %d rows have changed", n)
	}
	if err := s.PutPrompt(j, p, &c); err != nil {
		t.Fatal(err)
	}
	if s.PutPrompt(j, p, nil) == nil {
		t.Error("a take got a second prompt")
	}
	list, err := s.Prompts(t.Context(), "o1")
	if err != nil || len(list) != 1 || list[0].Text != p.Text || len(list[0].Requirements) != 2 || list[0].At.IsZero() {
		t.Fatalf("%v, %+v", err, list)
	}
	spent, err := s.Spent(t.Context(), "o1", time.Now())
	if err != nil || spent.Order != 1200 || spent.Day != 1200 {
		t.Errorf("%v, %+v", err, spent)
	}
	if cut, err := s.CutCalls(t.Context(), j, order.PurposePrompt, time.Time{}); err != nil || cut != 0 {
		t.Errorf("%v, %d calls were cut", err, cut)
	}
	completed(t, s, "o1", "tx1", time.Now().Add(-time.Hour))
	change(t, s, "UPDATE jobs SET state = 'done'")
	pruneAll(t, s, "o1", later())
	list, err = s.Prompts(t.Context(), "o1")
	if err != nil || len(list) != 1 || list[0].Text != "" || len(list[0].Requirements) != 0 {
		t.Errorf("%v; the text of a prompt outlives those of its order: %+v", err, list)
	}
}
