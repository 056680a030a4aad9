package store

import (
	"errors"
	"testing"
	"time"

	"atelierd/internal/order"
)

// lostBy reports whether err means that the lease is lost.
func lostBy(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && f.Class == order.Lost
}

func TestACheckIsStoredWithTheEndOfItsCall(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	call, err := s.BeginCall(j, order.NewCall{Generator: order.Assistant, Purpose: order.PurposeCheck, Price: 9000})
	if err != nil {
		t.Fatal(err)
	}
	score := 4
	c := order.Check{Kind: j.Kind, Round: j.Round, Take: 1, Files: "sum", Score: &score, Below: 6, Problems: []string{"no fox"}}
	call.Cost = 1200
	foreign := j
	foreign.Token = "another lease"
	if err := s.PutCheck(foreign, c, &call); !lostBy(err) {
		t.Fatalf("without the lease: %v", err)
	}
	if n := count(t, s, "SELECT (SELECT count(*) FROM checks) + (SELECT count(*) FROM calls WHERE state = 'done')"); n != 0 {
		t.Fatalf("without the lease %d rows have changed", n)
	}
	if err := s.PutCheck(j, c, &call); err != nil {
		t.Fatal(err)
	}
	if s.PutCheck(j, c, nil) == nil {
		t.Error("the same files were checked twice")
	}
	list, err := s.Checks(t.Context(), "o1")
	if err != nil || len(list) != 1 || !list[0].Low() || list[0].Words() != "4 of 10, below 6" || len(list[0].Problems) != 1 || list[0].At.IsZero() {
		t.Fatalf("%v, %+v", err, list)
	}
	if n := count(t, s, "SELECT count(*) FROM calls WHERE purpose = 'check' AND state = 'done' AND cost_usd_micros = 1200"); n != 1 {
		t.Errorf("%d calls are done at their cost", n)
	}
	if n := count(t, s, "SELECT count(*) FROM events WHERE kind = 'check' AND text = 'take 1: 4 of 10, below 6: no fox'"); n != 1 {
		t.Errorf("%d events", n)
	}
	completed(t, s, "o1", "tx1", time.Now().Add(-time.Hour))
	change(t, s, "UPDATE jobs SET state = 'done'")
	pruneAll(t, s, "o1", later())
	if n := count(t, s, "SELECT count(*) FROM checks WHERE problems <> '[]' OR note NOT IN ('', 'removed')"); n != 0 {
		t.Errorf("%d checks outlive the texts of their order", n)
	}
}

func TestATakeOfTheCheckKeepsTheFilesBeforeAndTheOwnersWords(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	j := take(t, s, order.LaneGenerate)
	change(t, s, "INSERT INTO takes (order_id, kind, round, take, instructions, created_at) VALUES ('o1', 'delivery', 0, 1, 'less red', '2026-01-02T03:04:05.000Z')")
	next := order.NextTake{Files: []order.Artifact{{Path: "artifacts/a.png", Name: "a.png"}}, Note: "take 2 is made"}
	foreign := j
	foreign.Token = "another lease"
	if err := s.OpenNextTake(foreign, next); !lostBy(err) {
		t.Fatalf("without the lease: %v", err)
	}
	if err := s.OpenNextTake(j, next); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenNextTake(j, order.NextTake{SameAs: 1, Check: &order.Check{Kind: j.Kind, Take: 2, Note: "a cap"}, Note: "take 3 has the files of take 1"}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Takes(t.Context(), "o1", order.KindDelivery, 0)
	if err != nil || len(list) != 3 || len(list[0].Files) != 1 || len(list[1].Files)+len(list[2].Files) != 0 {
		t.Fatalf("%v, %+v", err, list)
	}
	for _, last := range list[1:] {
		if !last.ByCheck || last.Instructions != "less red" || last.Copies() != (last.N == 3) || last.Opened.IsZero() {
			t.Errorf("%+v", last)
		}
	}
	checks, err := s.Checks(t.Context(), "o1")
	if err != nil || len(checks) != 1 || checks[0].Words() != "not made: a cap" {
		t.Errorf("%v, %+v", err, checks)
	}
}
