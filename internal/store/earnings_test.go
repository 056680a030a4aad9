package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/utc"
	"atelierd/internal/testdir"
)

// accounts returns the accounts of a period.
func accounts(t *testing.T, s *Store, p Period) Accounts {
	t.Helper()
	a, err := s.Accounts(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// otherCosts returns what was spent on samples, or on orders that are not completed.
func otherCosts(t *testing.T, s *Store, samples bool) (sum order.USD) {
	t.Helper()
	for _, c := range accounts(t, s, Period{}).Other {
		if (c.Order == "") == samples {
			sum += c.Cost.Cost
		}
	}
	return sum
}

// fill fills a database with orders in every state, each with costs on several days, and
// with samples.
func fill(t *testing.T, s *Store, rng *rand.Rand) {
	t.Helper()
	db := outside(t, s.dir)
	begin := time.Date(2025, 12, 20, 0, 0, 0, 0, time.UTC)
	at := func() time.Time { return begin.Add(time.Duration(rng.Int64N(int64(120 * day)))) }
	book := func(id string) {
		mustExec(t, db, fmt.Sprintf("INSERT OR IGNORE INTO books VALUES (%q, %q, %q, %q, %d, %d, 1)", at().Format(time.DateOnly), id,
			[]string{"delivery", "piece"}[rng.IntN(2)], []string{"", "flux", "studio"}[rng.IntN(3)], 1000*rng.IntN(90), 1000*rng.IntN(2)))
	}
	var list []order.Facts
	for i := range 60 {
		f := facts(fmt.Sprint("o", i), []order.Status{order.Completed, order.Completed, order.Paid, order.Cancelled, order.Delivered}[rng.IntN(5)])
		price := order.USD(rng.IntN(2000)) * order.Dollar / 100
		f.Price, f.ClientWallet, f.CreatedAt = &price, fmt.Sprint("wallet", rng.IntN(4)), at()
		if f.Status == order.Completed {
			f.CompletedAt = at()
			f.PayoutTx = []string{"", "tx"}[rng.IntN(2)]
		}
		list = append(list, f)
	}
	apply(t, s, batch(list...))
	for range 200 {
		book(fmt.Sprint("o", rng.IntN(60)))
	}
	for range 10 {
		mustExec(t, db, fmt.Sprintf("INSERT OR IGNORE INTO books VALUES (%q, '', 'sample', 'flux', %d, 0, 1)", at().Format(time.DateOnly), 1000*rng.IntN(90)))
	}
}

// totals are the sums of accounts.
func totals(list ...Accounts) (sum [6]order.USD) {
	for _, a := range list {
		for _, e := range a.Earned {
			c := e.Cost()
			sum[0], sum[1], sum[2], sum[3] = sum[0]+e.Gross, sum[1]+e.Fee, sum[2]+c.Cost, sum[3]+c.Lost
		}
		for _, c := range a.Other {
			sum[4] += c.Cost.Cost
		}
		for _, usd := range a.Spent {
			sum[5] += usd
		}
	}
	return sum
}

// TestAccountsOfPartsAddUp guards that each order and each cost counts in one period,
// whatever the zone, and that the views say the same.
func TestAccountsOfPartsAddUp(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := openNew(t, Options{})
	fill(t, s, rand.New(rand.NewPCG(seed, 1)))
	whole := totals(accounts(t, s, Period{}))
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("east", 13*3600), time.FixedZone("west", -11*3600)} {
		var months []Accounts
		for m := time.November; m < time.November+8; m++ {
			from, to := time.Date(2025, m, 1, 0, 0, 0, 0, zone), time.Date(2025, m+1, 1, 0, 0, 0, 0, zone)
			months = append(months, accounts(t, s, Period{
				From: from, To: to, First: from.Format(time.DateOnly), Last: to.AddDate(0, 0, -1).Format(time.DateOnly),
			}))
		}
		if got := totals(months...); got != whole || got[0] == 0 || got[4] == 0 {
			t.Errorf("the months in %s add up to %d, all to %d", zone, got, whole)
		}
	}
	if whole[2]+whole[4] != whole[5] {
		t.Errorf("$%s and $%s are of orders and of others, and $%s was spent", whole[2], whole[4], whole[5])
	}
	for i, sql := range []string{
		"SELECT sum(gross_usd) FROM v_earnings", "SELECT sum(fee_usd) FROM v_earnings_daily", "SELECT sum(cost_usd) FROM v_earnings_service", "",
		"SELECT (SELECT sum(cost_usd) FROM v_costs_generator) - (SELECT sum(cost_usd) FROM v_earnings)", "SELECT sum(cost_usd) FROM v_costs_daily",
	} {
		if sql == "" {
			continue
		}
		if got := scan[float64](t, s.reads, sql); math.Abs(got*1e6-float64(whole[i])) > 0.5 {
			t.Errorf("%s is %v, want %s", sql, got, whole[i])
		}
	}
}

// TestThePayoutHasTheDateOnWhichItWasKnown guards that a payout that a poll shows later, or
// no longer, keeps its first date, also after an upgrade.
func TestThePayoutHasTheDateOnWhichItWasKnown(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	show := func(tx string) Earning {
		f := facts("o1", order.Completed)
		f.CompletedAt, f.PayoutTx, f.ClientWallet, f.Raw = placed, tx, "0xABCDEF0123456789abcdef0123456789abcdef01", fmt.Appendf(nil, `{"id":"o1","tx":%q}`, tx)
		apply(t, s, batch(f))
		return accounts(t, s, Period{}).Earned[0]
	}
	if e := show(""); e.Paid || !e.PaidAt.IsZero() || e.Client != "0xabcdef0123456789abcdef0123456789abcdef01" {
		t.Errorf("unpaid it is %+v", e)
	}
	first := show("tx1")
	if first.PaidAt.Before(placed) || first.PayoutTx != "tx1" {
		t.Errorf("paid it is %+v", first)
	}
	if e := show("tx2"); !e.PaidAt.Equal(first.PaidAt) {
		t.Errorf("the date is %v, and was %v", e.PaidAt, first.PaidAt)
	}
	dir := testdir.New(t)
	old := atVersion(t, dir, 29)
	mustExec(t, old, "UPDATE orders SET state = 'completed', completed_at = '"+placed.Format(utc.Layout)+"', payout_tx = 'tx', client_wallet = 'w', raw = '{\"client_agent_id\":\"ext_1\"}', remote_status = 'disputed'")
	old.Close()
	upgraded := openNew(t, Options{Dir: dir})
	e := accounts(t, upgraded, Period{}).Earned[0]
	if !e.PaidAt.Equal(placed) || e.Client != "ext_1" || scan[int](t, upgraded.reads, "SELECT disputes FROM orders") != 1 {
		t.Errorf("after an upgrade it is %+v", e)
	}
}
