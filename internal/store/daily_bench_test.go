package store

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkMoneyAndInbox reads what the pages of both show, next to a million orders that
// have ended.
func BenchmarkMoneyAndInbox(b *testing.B) {
	dir := b.TempDir()
	makeHistory(b, dir)
	s := openNew(b, Options{Dir: dir})
	db := outside(b, dir)
	last := scan[string](b, db, "SELECT max(substr(completed_at, 1, 10)) FROM orders")
	end, err := time.Parse(time.DateOnly, last)
	if err != nil {
		b.Fatal(err)
	}
	first := end.AddDate(0, 0, -29).Format(time.DateOnly)
	mustExec(b, db, "UPDATE orders SET client = 'client ' || abs(random() % 5000) WHERE completed_at >= ?", first)
	mustExec(b, db, `INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at)
		SELECT id, 'm1', 'client', 'client', 'thank you for all of it', completed_at, completed_at FROM orders WHERE completed_at >= ?`, first)
	began := time.Now()
	if left, err := s.AddUpDays(b.Context(), first, last, time.Hour); err != nil || left {
		b.Fatal(left, err)
	}
	b.Logf("a month is added up in %v", time.Since(began))
	for name, read := range map[string]func() error{
		"a month": func() error {
			if _, err := s.Days(b.Context(), first, last); err != nil {
				return err
			}
			for _, by := range []Dimension{DailyServices, DailyGenerators, DailyClients} {
				if _, err := s.SumsBy(b.Context(), by, first, last, 20); err != nil {
					return err
				}
			}
			_, err := s.Payouts(b.Context(), 20)
			return err
		},
		"a day again": func() error { return s.addUpDay(last) },
		"who wrote": func() error {
			if _, err := s.WaitingClients(b.Context(), 200); err != nil {
				return err
			}
			_, err := s.ClientsWrote(b.Context(), Wrote{}, 25)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := read(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
