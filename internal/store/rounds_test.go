package store

import (
	"fmt"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestRoundsCountByWhoWroteTheirPrompt(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	rounds := func(p Period) Rounds {
		t.Helper()
		a := accounts(t, s, p)
		r, err := s.Rounds(t.Context(), p)
		if err != nil || r != a.Rounds {
			t.Errorf("%v; %+v, and %+v in the accounts", err, r, a.Rounds)
		}
		return r
	}
	for _, id := range []string{"plain", "written", "window", "noted", "elsewhere", "scored"} {
		paid(t, s, id)
	}
	deliver := func(id string, round int, state string) {
		change(t, s, fmt.Sprintf("INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at) "+
			"VALUES ('%s', %d, '%s', '[]', 1, '2026-11-25T10:00:00.000Z', '2026-11-25T10:00:01.000Z')", id, round, state))
	}
	deliver("plain", 0, "confirmed")
	if r := rounds(Period{}); r != (Rounds{}) {
		t.Errorf("before the assistant was used: %+v", r)
	}
	prompt := func(id string, kind order.Kind, round int, note string) {
		change(t, s, fmt.Sprintf("INSERT INTO prompts (order_id, kind, round, take, prompt, requirements, note, created_at) "+
			"VALUES ('%s', '%s', %d, 1, 'a fox', '[]', '%s', '2026-11-25T09:00:00.000Z')", id, kind, round, note))
	}
	deliver("written", 0, "confirmed")
	deliver("written", 1, "confirmed")
	prompt("written", order.KindDelivery, 0, "")
	prompt("written", order.KindDelivery, 1, "") // two takes of it are one round
	change(t, s, "INSERT INTO prompts SELECT order_id, kind, round, 2, prompt, requirements, note, created_at FROM prompts")
	change(t, s, "UPDATE orders SET round = 1 WHERE id = 'written'")
	deliver("window", 0, "confirmed")
	prompt("window", order.KindPiece, 7, "")
	deliver("noted", 0, "confirmed")
	prompt("noted", order.KindDelivery, 0, "it is down")
	deliver("elsewhere", 0, "elsewhere")
	check := func(id string, score string) {
		change(t, s, fmt.Sprintf("INSERT INTO checks (order_id, kind, round, take, files, score, below, problems, note, checked_at) "+
			"VALUES ('%s', 'delivery', 0, 1, 'sum', %s, 6, '[]', '', '2026-11-25T09:00:00.000Z')", id, score))
	}
	deliver("scored", 0, "confirmed")
	check("scored", "0")
	check("noted", "NULL")
	if r := rounds(Period{}); r != (Rounds{With: SentBack{4, 1}, Without: SentBack{2, 0}}) {
		t.Errorf("%+v", r)
	}
	day := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	if r := rounds(Period{From: day, To: day.AddDate(0, 0, 1)}); r.With.Delivered+r.Without.Delivered != 6 {
		t.Errorf("of the day: %+v", r)
	}
	if r := rounds(Period{To: day}); r != (Rounds{}) {
		t.Errorf("before the day: %+v", r)
	}
}
