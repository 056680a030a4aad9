package order

import (
	"errors"
	"fmt"
	"time"
)

// KindReference marks a picture of the client's that is kept as an artifact.
// It is no kind of work.
const KindReference Kind = "reference"

// CallState is what is known of one call of a generator.
type CallState string

// The states of a generation. Calling and Submitted are open: what an earlier
// process had in either, a later one goes on with.
const (
	// CallStarted: the call is about to be made, or its answer was lost.
	CallStarted CallState = "calling"
	// CallSubmitted: the provider's id is known.
	CallSubmitted CallState = "submitted"
	CallDone      CallState = "done"
	CallFailed    CallState = "failed"
	CallRefused   CallState = "refused"
	// CallExpired: the provider no longer has the result.
	CallExpired CallState = "expired"
	// CallUnknown: nobody can tell; it counts as spent.
	CallUnknown CallState = "unknown"
)

// capRetry is how soon such work looks again: a call that is still open may turn
// out to have cost less than its price.
const capRetry = time.Hour

// Call is the durable record of one call of a generator.
type Call struct {
	ID        int64
	Generator string
	Key       string // idempotency key, a UUID
	Ticket    string // the provider's id; empty until it is known
	State     CallState
	Cost      USD // its price, until the true cost is known
	BeganAt   time.Time
	// Attempt is the one that began it, whose folder the run works in.
	Attempt int
}

// Caps are the most that may be spent; 0 is no limit. A call that would go
// beyond one is not made.
type Caps struct {
	Attempt USD
	Order   USD
	// Percent is the most for an order as a share of its net price.
	Percent int
	// Day is the most in a day of UTC.
	Day USD
}

// Spend is what was spent so far, open calls with their price.
type Spend struct {
	Attempt, Order, Day USD
	// Net is the order's price without the marketplace's fee, if it is Priced.
	Net    USD
	Priced bool
}

// Allow is nil when a call of the given price stays within the caps. Its
// failure holds the order, or, at the cap of a day, makes it wait for the next.
func (c Caps) Allow(s Spend, price USD, now time.Time) *Failure {
	over := func(spent, most USD) bool { return most > 0 && spent+price > most }
	held := func(code Code, what string, spent, most USD) *Failure {
		return Failf(Hold, code, "another call for $%s would go beyond the cap %s: $%s is spent, the cap is $%s", price, what, spent, most).
			WithHint("raise the cap in [spending] and restart, then `atelierd orders retry`").Nothing()
	}
	switch share := max(s.Net, 0) * USD(c.Percent) / 100; {
	case over(s.Attempt, c.Attempt):
		return held(CodeAttemptCap, "of an attempt", s.Attempt, c.Attempt)
	case over(s.Order, c.Order):
		return held(CodeOrderCap, "of an order", s.Order, c.Order)
	case c.Percent > 0 && s.Priced && s.Order+price > share:
		return held(CodeOrderCap, fmt.Sprintf("of %d%% of the order's net price", c.Percent), s.Order, share)
	case over(s.Day, c.Day):
		return &Failure{Class: Wait, Code: CodeDayCap, Charge: ChargeNone, After: min(untilTomorrow(now), capRetry),
			Err:  fmt.Errorf("today's cap on spending is reached: $%s of $%s is spent, and a call costs $%s", s.Day, c.Day, price),
			Hint: "work goes on by itself tomorrow (UTC), or with a higher spending.day_usd after a restart"}
	}
	return nil
}

// Day is the beginning of the day, in UTC, that spending is counted by.
func Day(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

func untilTomorrow(now time.Time) time.Duration { return Day(now).Add(24 * time.Hour).Sub(now) }

// Ended says how a failed call is written down, and what it has cost of its
// price. It is not open any more unless f says SpentStill.
func (g Call) Ended(f *Failure) (CallState, USD) {
	switch {
	case f.Code == CodeRefused && f.Charge == ChargeNone:
		return CallRefused, f.Cost
	case f.Code == CodeRefused:
		return CallRefused, g.known(f.Cost)
	case f.Charge == ChargeNone:
		return CallFailed, f.Cost
	case f.Charge == ChargeUnknown:
		return CallUnknown, g.known(f.Cost)
	case f.Code == CodeExpired:
		return CallExpired, g.known(f.Cost)
	}
	return CallFailed, g.known(f.Cost)
}

// known is the cost that was told, else the price.
func (g Call) known(told USD) USD {
	if told > 0 {
		return told
	}
	return g.Cost
}

// Done is what a call has cost that has succeeded, told by its maker or not.
func (g Call) Done(told USD) (CallState, USD) { return CallDone, g.known(told) }

// ErrSettled is the answer to a ticket for a call that is no longer open.
var ErrSettled = errors.New("the call is no longer open")
