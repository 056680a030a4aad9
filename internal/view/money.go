package view

import (
	"context"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Money is what was earned and spent in some days, added up. Days are those of UTC, as in
// the books.
type Money struct {
	// First and Last are its days, such as 2026-11-25. First is empty for all.
	First, Last string
	Total       store.Sums
	// Days has each day of the last 30, also those without anything.
	Days []store.Sums
	// Months, Services, Generators and Clients have those with anything.
	Months, Services, Generators, Clients []store.Sums
	// Cap is what generators may cost in a day; 0 is no limit.
	Cap order.USD
	// Adding means that older days are still being added up.
	Adding bool

	// Rounds are those that were delivered; nil without an assistant.
	Rounds        *Rounds
	Payouts       store.Payouts
	WalletMissing bool
}

// The days of Money, and how many orders and clients it lists.
const (
	MoneyDays   = 30
	unpaidShown = 20
	// ClientsShown is how many clients Money has, and none for more than MoneyDays.
	ClientsShown = 20
	groupsShown  = 200
	// addUpWithin is how long reading may add up days that have changed. The rest is for the
	// next reader.
	addUpWithin = time.Second
)

// Money reads what was earned and spent from the first day on; all of it if that is empty.
func (r Reader) Money(ctx context.Context, first string) (m Money, err error) {
	today := order.Day(r.now())
	m.First, m.Last, m.Cap = first, today.Format(time.DateOnly), r.Config().Spending.Day
	month := today.AddDate(0, 0, 1-MoneyDays).Format(time.DateOnly)
	if m.Adding, err = r.Store.AddUpDays(ctx, min(first, month), m.Last, addUpWithin); err != nil {
		return m, err
	}
	if m.Days, err = r.lastDays(ctx, today); err != nil {
		return m, err
	}
	if m.Months, err = r.Store.Months(ctx, first, m.Last); err != nil {
		return m, err
	}
	for _, each := range m.Months {
		m.Total.Add(each)
	}
	for by, into := range map[store.Dimension]*[]store.Sums{store.DailyServices: &m.Services, store.DailyGenerators: &m.Generators} {
		if *into, err = r.Store.SumsBy(ctx, by, first, m.Last, groupsShown); err != nil {
			return m, err
		}
	}
	if first >= month {
		if m.Clients, err = r.Store.SumsBy(ctx, store.DailyClients, first, m.Last, ClientsShown); err != nil {
			return m, err
		}
	}
	if m.Rounds, err = r.rounds(ctx, first); err != nil {
		return m, err
	}
	if m.Payouts, err = r.Store.Payouts(ctx, unpaidShown); err != nil {
		return m, err
	}
	wallet, err := r.Store.Fact(ctx, order.FactWallet)
	m.WalletMissing = wallet == order.WalletMissing
	return m, err
}

// rounds reads the rounds that were delivered from a day (UTC) on.
func (r Reader) rounds(ctx context.Context, first string) (*Rounds, error) {
	from, _ := time.Parse(time.DateOnly, first) // empty is the beginning
	list, err := r.Store.Rounds(ctx, store.Period{From: from})
	if err != nil || list == (store.Rounds{}) {
		return nil, err
	}
	v := newRounds(list)
	return &v, nil
}

// lastDays reads the sums of the last 30 days, each with its day, today last.
func (r Reader) lastDays(ctx context.Context, today time.Time) ([]store.Sums, error) {
	first := today.AddDate(0, 0, 1-MoneyDays)
	have, err := r.Store.Days(ctx, first.Format(time.DateOnly), today.Format(time.DateOnly))
	list := make([]store.Sums, MoneyDays)
	for i := range list {
		list[i].Key = first.AddDate(0, 0, i).Format(time.DateOnly)
		if len(have) > 0 && have[0].Key == list[i].Key {
			list[i], have = have[0], have[1:]
		}
	}
	return list, err
}
