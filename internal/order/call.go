package order

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"time"
)

// KindReference marks an artifact that is a picture of the client. It is not a kind
// of work.
const KindReference Kind = "reference"

// CallState is the state of a call.
type CallState string

// The states of a call. Started and Submitted are open: a later attempt resumes the
// call where it can.
const (
	// CallStarted: the request is about to be sent, or its answer was lost.
	CallStarted CallState = "calling"
	// CallSubmitted: the provider's job id is known.
	CallSubmitted CallState = "submitted"
	CallDone      CallState = "done"
	CallFailed    CallState = "failed"
	CallRefused   CallState = "refused"
	// CallExpired: the provider no longer has the result.
	CallExpired CallState = "expired"
	// CallUnknown: its outcome is unknown, so it counts as spent.
	CallUnknown CallState = "unknown"
	// CallCancelling and CallCancelled are shown for a submitted and a failed call whose
	// job is not needed any more. They are in no row.
	CallCancelling CallState = "cancelling"
	CallCancelled  CallState = "cancelled"
)

// Shown returns the state as the owner sees it. unwanted: the job is not needed any more.
func (s CallState) Shown(unwanted bool) CallState {
	switch {
	case unwanted && s == CallSubmitted:
		return CallCancelling
	case unwanted && s == CallFailed:
		return CallCancelled
	}
	return s
}

// capRetry is how soon work that waits for the next day tries again: an open call
// may turn out to cost less than its price.
const capRetry = time.Hour

// Call is the durable record of one paid request to a provider.
type Call struct {
	ID        int64
	Generator string
	Key       string // idempotency key, a UUID
	Ticket    string // the provider's job id; empty until it is known
	State     CallState
	Cost      USD // its price until the actual cost is known
	BeganAt   time.Time
	// LateAt is since when its job is done without a result that can be had; zero if it
	// is not.
	LateAt time.Time
	// Attempt is the attempt that began it. The generator works in its folder.
	Attempt int
}

// Purpose is what a call is for.
type Purpose string

// The purposes of calls. All but PurposeMake are calls of the assistant.
const (
	PurposeMake   Purpose = "make"   // a generator makes the files
	PurposePrompt Purpose = "prompt" // the assistant writes the prompt
	PurposeCheck  Purpose = "check"  // the assistant looks at the files
	PurposeQuote  Purpose = "quote"  // the assistant proposes a price
	PurposeReply  Purpose = "reply"  // the assistant drafts a reply to the client
)

// Assistant is the name that the calls of the assistant have in place of a generator's.
const Assistant = "assistant"

// MostCut is how often the same is asked of the assistant while the outcome stays unknown.
const MostCut = 2

// NewCall is a call that is about to be recorded.
type NewCall struct {
	// Agent is the agent's id, which is a part of the key.
	Agent     string
	Generator string
	Price     USD
	Caps      Caps
	// Cancels: the generator can cancel jobs.
	Cancels bool
	// Purpose is PurposeMake if it is empty.
	Purpose Purpose
}

// CallKey returns the idempotency key of a job's call of a generator. n counts the
// calls recorded for the same order, kind, round and generator, from 1. The key is
// derived, so that a provider recognizes a call that a restored database has forgotten.
func CallKey(agent string, j Job, generator string, n int64) string {
	return callKey(fmt.Sprintf("%q %q %q %d %q %d", agent, j.OrderID, j.Kind, j.Round, generator, n))
}

func callKey(name string) string {
	h := sha1.New() // a UUID of version 5 is defined with it
	h.Write(callSpace[:])
	h.Write([]byte(name))
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// callSpace is the namespace of the keys. A change of it would change every key.
var callSpace = [16]byte{0x9c, 0x1d, 0x4e, 0x57, 0x20, 0x6b, 0x4f, 0x0a, 0x8e, 0x35, 0x71, 0xc2, 0xd8, 0x46, 0xb3, 0x0f}

// Caps limit what may be spent; 0 is no limit. A call that would exceed one is not
// made.
type Caps struct {
	Attempt USD
	Order   USD
	// Percent limits an order to a share of its net price.
	Percent int
	// Day limits a day in UTC.
	Day USD
	// Client limits all orders of a client in 30 days. It holds no order that the owner has
	// approved.
	Client USD
}

// Spend is what was spent so far. Open calls count with their price.
type Spend struct {
	Attempt, Order, Day USD
	// Client is that of the client's orders in 30 days; 0 if no limit of it counts.
	Client USD
	// Net is the order's price without the marketplace's fee. It is known if Priced.
	Net    USD
	Priced bool
	// DayUnknown and OrderUnknown: the ledger was restored and lacks calls of today, or
	// of the order.
	DayUnknown, OrderUnknown bool
}

// Allow returns nil if a call of the given price stays within the caps. Its failure
// holds the order, or makes it wait when the cap of the day is reached.
func (c Caps) Allow(s Spend, price USD, now time.Time) *Failure {
	over := func(spent, most USD) bool { return most > 0 && spent+price > most }
	held := func(code Code, what string, spent, most USD) *Failure {
		return Failf(Hold, code, "another call for $%s would exceed the cap %s: $%s is spent, the cap is $%s", price, what, spent, most).
			WithHint("raise the cap in [spending] and run %s; work resumes by itself", Command("reload")).Nothing()
	}
	switch share := max(s.Net, 0) * USD(c.Percent) / 100; {
	case over(s.Attempt, c.Attempt):
		return held(CodeAttemptCap, "of an attempt", s.Attempt, c.Attempt)
	case s.OrderUnknown && (c.Order > 0 || c.Percent > 0):
		return Failf(Hold, CodeRestored, "the ledger was restored, so what was spent on the order is unknown and its cap cannot be kept").
			WithHint("look at your account at the provider; %s makes another call, which is paid for", Command("orders retry", AnyOrder)).Nothing()
	case over(s.Order, c.Order):
		return held(CodeOrderCap, "of an order", s.Order, c.Order)
	case c.Percent > 0 && s.Priced && s.Order+price > share:
		return held(CodeOrderCap, fmt.Sprintf("of %d%% of the order's net price", c.Percent), s.Order, share)
	case over(s.Client, c.Client):
		return Failf(Hold, CodeClientCost, "another call for $%s would exceed what the client's orders may cost in 30 days: $%s is spent, the limit is $%s", price, s.Client, c.Client).
			WithHint("%s works on it nevertheless; or raise clients.max_cost_usd_30d and run %s, and work resumes by itself",
				Command("orders approve", AnyOrder), Command("reload")).Nothing()
	case s.DayUnknown && c.Day > 0:
		return &Failure{
			Class: Wait, Code: CodeDayCap, Charge: ChargeNone, After: min(untilTomorrow(now), capRetry),
			Err:  errors.New("the ledger was restored today, so what was spent today is unknown and today's cap counts as reached"),
			Hint: "work resumes by itself tomorrow (UTC); to resume now, compare your accounts at the providers, then run " + Command("reconcile --accept"),
		}
	case over(s.Day, c.Day):
		return &Failure{
			Class: Wait, Code: CodeDayCap, Charge: ChargeNone, After: min(untilTomorrow(now), capRetry),
			Err:  fmt.Errorf("today's cap on spending is reached: $%s of $%s is spent, and a call costs $%s", s.Day, c.Day, price),
			Hint: "work resumes by itself tomorrow (UTC); to resume now, raise spending.day_usd and run " + Command("reload"),
		}
	}
	return nil
}

// Day returns the start of the day, in UTC, by which spending is counted.
func Day(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

func untilTomorrow(now time.Time) time.Duration { return Day(now).Add(24 * time.Hour).Sub(now) }

// Ended returns how a failed call is closed and what it cost. AfterCall decides
// whether it is closed.
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
	case f.Code == CodeExpired, f.Code == CodeJobLost:
		return CallExpired, g.known(f.Cost)
	}
	return CallFailed, g.known(f.Cost)
}

// known returns the reported cost, else the price.
func (g Call) known(reported USD) USD {
	if reported > 0 {
		return reported
	}
	return g.Cost
}

// Done returns how a call that succeeded is closed and what it cost.
func (g Call) Done(reported USD) (CallState, USD) { return CallDone, g.known(reported) }

// ErrCallClosed is returned for a ticket of a call that is no longer open.
var ErrCallClosed = errors.New("the call is no longer open")
