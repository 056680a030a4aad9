package intake_test

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
)

var shop = intake.Catalog{
	{Title: "Pictures", RemoteID: "svc_1", Turnaround: 2 * time.Hour, MaxRounds: 2},
	{Title: "Window", RemoteID: "svc_2", Subscription: 7 * 24 * time.Hour, MaxRounds: 2},
}

// placed is when the orders of these tests are placed.
var placed = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func facts(s order.Status) order.Facts {
	return order.Facts{ID: "ord_1", ServiceID: "svc_1", ServiceTitle: "Pictures", Status: s, CreatedAt: placed}
}

// known is what the store holds. The constants below are shorthand for its states.
func known(s order.State, remote order.Status, job order.JobState, d order.DeliveryState) order.Known {
	return order.Known{Exists: true, State: s, Status: remote, Job: job, Delivery: d}
}

func code(k order.Known, code order.Code) order.Known { k.Code = code; return k }
func atDeliver(k order.Known) order.Known             { k.Stage = order.StageDeliver; return k }
func again(k order.Known, n int) order.Known          { k.Again = n; return k }
func round(k order.Known, n int) order.Known          { k.Round = n; return k }
func cancelled(k order.Known) order.Known {
	k.OwnerCancelled, k.Code = true, order.CodeOwner
	return k
}

const (
	none      = order.JobState("")
	nothing   = order.DeliveryState("")
	ready     = order.JobReady
	leased    = order.JobLeased
	held      = order.JobHeld
	done      = order.JobDone
	failed    = order.JobFailed
	closed    = order.JobCancelled
	sending   = order.DeliverySending
	refused   = order.DeliveryRefused
	confirmed = order.DeliveryConfirmed
	elsewhere = order.DeliveryElsewhere
)

// decisionCase is one row of the table below: a state of the store and a status of the
// marketplace, and what follows.
type decisionCase struct {
	name   string
	known  order.Known
	status order.Status
	state  order.State
	jobs   order.JobsAction
	code   order.Code
	round  int
}

const (
	working   = order.StateWorking
	waiting   = order.StateWaiting
	isHeld    = order.StateHeld
	delivered = order.StateDelivered
)

var decisionCases = []decisionCase{
	// Statuses that ask for a delivery.
	{"a new paid order is worked on", order.Known{}, order.Paid, working, order.JobsOpen, "", 0},
	{"a new order in progress is worked on", order.Known{}, order.InProgress, working, order.JobsOpen, "", 0},
	{"one that was sent back before we saw it begins with round 1", order.Known{}, order.Disputed, working, order.JobsOpen, "", 1},
	{"a quote that was paid is worked on", known(waiting, order.Quoted, none, nothing), order.Paid, working, order.JobsOpen, "", 0},
	{"a paid order that was held for a price is worked on", code(known(isHeld, order.PendingQuote, none, nothing), order.CodeQuoteNeeded), order.Paid, working, order.JobsOpen, "", 0},
	{"ready work continues", known(working, order.Paid, ready, nothing), order.Paid, working, order.JobsKeep, "", 0},
	{"running work continues", known(working, order.Paid, leased, nothing), order.InProgress, working, order.JobsKeep, "", 0},
	{"work continues while a delivery has no answer", known(working, order.Paid, ready, sending), order.Paid, working, order.JobsKeep, "", 0},
	{"work continues after a delivery that was refused", known(working, order.Paid, ready, refused), order.Paid, working, order.JobsKeep, "", 0},
	{"what the owner has to resolve stays held", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), order.Paid, isHeld, order.JobsKeep, order.CodeFileGone, 0},
	{"what was given up stays given up", code(known(order.StateFailed, order.Paid, failed, nothing), order.CodeRefused), order.Paid, order.StateFailed, order.JobsKeep, order.CodeRefused, 0},
	{"an order that comes back is worked on again", code(known(isHeld, order.Paid, held, nothing), order.CodeVanished), order.Paid, working, order.JobsRelease, "", 0},
	{"an order whose service is now configured is worked on", code(known(isHeld, order.Paid, held, nothing), order.CodeNoService), order.Paid, working, order.JobsRelease, "", 0},
	{"a cancelled order that is open again is worked on", code(known(order.StateCancelled, order.Cancelled, closed, nothing), order.CodeCancelled), order.Paid, working, order.JobsRelease, "", 0},
	{"an order that the owner cancelled is not worked on", cancelled(known(isHeld, order.Paid, closed, nothing)), order.Paid, isHeld, order.JobsKeep, order.CodeOwner, 0},

	// Delivered orders.
	{"a confirmed delivery is in review", known(delivered, order.Paid, done, confirmed), order.Delivered, delivered, order.JobsKeep, "", 0},
	{"a delivery under way reads the order itself", known(working, order.Paid, leased, sending), order.Delivered, working, order.JobsKeep, "", 0},
	{"a delivery that was given up has arrived", known(isHeld, order.Paid, held, sending), order.Delivered, delivered, order.JobsDelivered, "", 0},
	{"a failed order whose delivery has arrived is delivered", known(order.StateFailed, order.Paid, failed, sending), order.Delivered, delivered, order.JobsDelivered, "", 0},
	{"delivered without us, the work ends", known(working, order.Paid, leased, nothing), order.Delivered, delivered, order.JobsElsewhere, "", 0},
	{"delivered elsewhere after our delivery was refused", known(isHeld, order.Paid, held, refused), order.Delivered, delivered, order.JobsElsewhere, "", 0},
	{"a delivered order that comes back is looked at", code(known(isHeld, order.Paid, held, sending), order.CodeVanished), order.Delivered, working, order.JobsRelease, "", 0},
	{"a delivered order that is new to us is in review", order.Known{}, order.Delivered, delivered, order.JobsKeep, "", 0},
	{"a deliver stage under way reads the order itself", atDeliver(known(working, order.Paid, ready, nothing)), order.Delivered, working, order.JobsKeep, "", 0},

	// Orders that fall back to paid after their delivery.
	{"delivered and set back to paid is delivered again", known(delivered, order.Paid, done, confirmed), order.Paid, working, order.JobsAgain, "", 0},
	{"twice at most, then it is held", again(known(delivered, order.Paid, done, confirmed), 2), order.Paid, isHeld, order.JobsKeep, order.CodeNotShown, 0},
	{"only from paid", known(delivered, order.Paid, done, confirmed), order.InProgress, isHeld, order.JobsKeep, order.CodeNotShown, 0},
	{"what somebody else delivered is not delivered by us", known(delivered, order.Paid, closed, elsewhere), order.Paid, isHeld, order.JobsKeep, order.CodeNotShown, 0},
	{"a redelivery under way continues", known(working, order.Paid, leased, confirmed), order.Paid, working, order.JobsKeep, "", 0},
	{"one that the owner cancelled does not", cancelled(known(isHeld, order.Paid, closed, confirmed)), order.Paid, isHeld, order.JobsKeep, order.CodeOwner, 0},
	{"one that is held waits for the owner", code(known(isHeld, order.Paid, held, confirmed), order.CodeNotShown), order.Paid, isHeld, order.JobsKeep, order.CodeNotShown, 0},
	{"one under way reads the order itself", known(working, order.Paid, leased, confirmed), order.Delivered, working, order.JobsKeep, "", 0},
	{"one that is no longer needed ends, and the first stays", code(known(isHeld, order.Paid, held, confirmed), order.CodeNotShown), order.Delivered, delivered, order.JobsDone, "", 0},

	// Orders that were sent back.
	{"a dispute begins the next round", known(delivered, order.Delivered, done, confirmed), order.Disputed, working, order.JobsOpen, "", 1},
	{"a revision begins the next round", round(known(delivered, order.Delivered, done, confirmed), 1), order.RevisionRequested, working, order.JobsOpen, "", 2},
	{"a dispute of a delivery by someone else begins the next round", known(delivered, order.Delivered, closed, elsewhere), order.Disputed, working, order.JobsOpen, "", 1},
	{"one dispute beyond the limit is worked on", round(known(delivered, order.Delivered, done, confirmed), 2), order.Disputed, working, order.JobsOpen, "", 3},
	{"a second dispute beyond the limit is held", round(known(delivered, order.Delivered, done, confirmed), 3), order.Disputed, isHeld, order.JobsKeep, order.CodeRoundCap, 3},
	{"a revision beyond the limit is held", round(known(delivered, order.Delivered, done, confirmed), 2), order.RevisionRequested, isHeld, order.JobsKeep, order.CodeRoundCap, 2},
	{"the work of the round continues", round(known(working, order.Disputed, leased, nothing), 1), order.Disputed, working, order.JobsKeep, "", 1},
	{"a delivery that was given up and is sent back had arrived", known(isHeld, order.Paid, held, sending), order.Disputed, delivered, order.JobsDelivered, "", 0},
	{"a delivery under way that is sent back reads the order itself", known(working, order.Paid, leased, sending), order.Disputed, working, order.JobsKeep, "", 0},
	{"a delivery of a later round that was given up stays held", code(round(known(isHeld, order.Disputed, held, sending), 1), order.CodeUnclear), order.Disputed, isHeld, order.JobsKeep, order.CodeUnclear, 1},

	// Orders that have ended.
	{"cancelled: the work ends", known(working, order.Paid, leased, nothing), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
	{"cancelled: held work ends too", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
	{"cancelled before there was work", known(waiting, order.Quoted, none, nothing), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
	{"completed after our delivery", known(delivered, order.Delivered, done, confirmed), order.Completed, order.StateCompleted, order.JobsClose, "", 0},
	{"completed without us: the work ends", known(working, order.Paid, ready, nothing), order.Completed, order.StateCompleted, order.JobsClose, "", 0},

	// Orders that wait for the client, and unknown statuses.
	{"a request for a price waits for the owner", order.Known{}, order.PendingQuote, isHeld, order.JobsKeep, order.CodeQuoteNeeded, 0},
	{"a quote waits for the client", order.Known{}, order.Quoted, waiting, order.JobsKeep, "", 0},
	{"an accepted one waits for the money", known(waiting, order.Quoted, none, nothing), order.Accepted, waiting, order.JobsKeep, "", 0},
	{"a step back to a quote stops the work", known(working, order.Paid, leased, nothing), order.Quoted, waiting, order.JobsHold, "", 0},
	{"a new order with an unknown status waits", order.Known{}, "under_moderation", waiting, order.JobsKeep, "", 0},
	{"an unknown status does not stop the work", known(working, order.Paid, leased, nothing), "under_moderation", working, order.JobsKeep, "", 0},
	{"an unknown status does not release what is held", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), "under_moderation", isHeld, order.JobsKeep, order.CodeFileGone, 0},
}

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, c := range decisionCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := shop.Decide(c.known, facts(c.status))
			if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code || d.Round != c.round {
				t.Errorf("got %s, jobs %q, code %q, round %d; want %s, jobs %q, code %q, round %d",
					d.State, d.Jobs, d.Code, d.Round, c.state, c.jobs, c.code, c.round)
			}
			if d.Code != "" && d.Code != c.known.Code && (d.Reason == "" || d.Hint == "" || strings.Contains(d.Hint, order.AnyOrder)) {
				t.Errorf("code %q needs a reason (%q) and a hint with the order's commands (%q)", d.Code, d.Reason, d.Hint)
			}
			if d.Jobs == order.JobsDelivered && c.status.Reopened() {
				return // the next poll begins the next round
			}
			// The next poll must find nothing left to do.
			again := shop.Decide(order.Known{
				Exists: true, State: d.State, Status: c.status, Round: d.Round, Code: d.Code,
				Stage: c.known.Stage, Again: c.known.Again, Job: after(c.known.Job, d.Jobs), Delivery: deliveryAfter(c.known.Delivery, d),
				OwnerCancelled: c.known.OwnerCancelled && !d.OwnerOverruled,
			}, facts(c.status))
			if again.State != d.State || again.Jobs == d.Jobs && d.Jobs != order.JobsKeep {
				t.Errorf("decided again: %s, jobs %q, after %s, jobs %q", again.State, again.Jobs, d.State, d.Jobs)
			}
		})
	}
}

// after is the state of the job after an action.
func after(before order.JobState, a order.JobsAction) order.JobState {
	switch a {
	case order.JobsOpen, order.JobsRelease, order.JobsAgain:
		return ready
	case order.JobsClose, order.JobsElsewhere:
		return closed
	case order.JobsDelivered, order.JobsDone:
		return done
	case order.JobsHold:
		return held
	}
	return before
}

func deliveryAfter(before order.DeliveryState, d order.Decision) order.DeliveryState {
	switch d.Jobs {
	case order.JobsOpen:
		return nothing
	case order.JobsDelivered:
		return confirmed
	case order.JobsElsewhere:
		return elsewhere
	}
	return before
}

func TestAnOrderIsForTheServiceThatItNames(t *testing.T) {
	t.Parallel()
	one := intake.Catalog{{Title: "Pictures", Turnaround: time.Hour}}
	for _, c := range []struct {
		name      string
		catalog   intake.Catalog
		id, title string
		service   string
		code      order.Code
	}{
		{"by its id, whatever the title is", shop, "svc_1", "Renamed", "Pictures", ""},
		{"by its title", shop, "", "  pictures ", "Pictures", ""},
		{"by its title when the id is unknown", shop, "svc_9", "Pictures", "Pictures", ""},
		{"to none of several", shop, "svc_9", "Sculptures", "", order.CodeNoService},
		{"to none when it names nothing", shop, "", "", "", order.CodeNoService},
		{"to the only one there is", one, "svc_9", "Sculptures", "Pictures", ""},
		{"to none when there is none", nil, "", "Pictures", "", order.CodeNoService},
		{"a subscription is not delivered", shop, "svc_2", "", "Window", order.CodeSubscription},
	} {
		f := facts(order.Paid)
		f.ServiceID, f.ServiceTitle = c.id, c.title
		d := c.catalog.Decide(order.Known{}, f)
		if d.Service != c.service || d.Code != c.code || (d.Jobs == order.JobsOpen) != (c.code == "") {
			t.Errorf("%s: service %q, code %q, jobs %q", c.name, d.Service, d.Code, d.Jobs)
		}
		if strings.Contains(d.Hint, order.AnyOrder) {
			t.Errorf("%s: the hint does not name the order: %s", c.name, d.Hint)
		}
	}
}

func TestTheDeadlineIsTheTurnaroundAfterTheOrder(t *testing.T) {
	t.Parallel()
	if d := shop.Decide(order.Known{}, facts(order.Paid)); !d.DueAt.Equal(placed.Add(2 * time.Hour)) {
		t.Errorf("due at %s", d.DueAt)
	}
	f := facts(order.Paid)
	f.ServiceID, f.ServiceTitle = "", ""
	if d := shop.Decide(order.Known{}, f); !d.DueAt.Equal(placed.Add(24 * time.Hour)) {
		t.Errorf("of no service it is due at %s", d.DueAt)
	}
}

func TestAVanishedOrderStopsItsUnfinishedWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		known order.Known
		state order.State
		jobs  order.JobsAction
		code  order.Code
	}{
		{"a price that is looked for stops", order.Known{Exists: true, State: order.StateWorking, Status: order.PendingQuote, Quoting: order.JobReady}, order.StateHeld, order.JobsKeep, order.CodeVanished},
		{"running work stops", known(order.StateWorking, order.Paid, leased, nothing), order.StateHeld, order.JobsHold, order.CodeVanished},
		{"what is held stays held for its own reason", code(known(order.StateHeld, order.Paid, held, nothing), order.CodeFileGone), order.StateHeld, order.JobsKeep, order.CodeFileGone},
		{"what the owner has cancelled stays the owner's", code(known(order.StateHeld, order.Paid, closed, nothing), order.CodeOwner), order.StateHeld, order.JobsKeep, order.CodeOwner},
		{"what was given up stays so", code(known(order.StateFailed, order.Paid, failed, nothing), order.CodeRefused), order.StateFailed, order.JobsKeep, order.CodeRefused},
		{"a delivered order stays delivered", known(order.StateDelivered, order.Delivered, done, confirmed), order.StateDelivered, order.JobsKeep, ""},
		{"a quote stays with the client", known(order.StateWaiting, order.Quoted, none, nothing), order.StateWaiting, order.JobsKeep, ""},
	} {
		d := shop.Vanished(c.known)
		if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code || d.Note == "" {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}

func TestForeignTextInAReasonIsShortAndEscaped(t *testing.T) {
	t.Parallel()
	f := facts(order.Paid)
	f.ServiceID, f.ServiceTitle = "", strings.Repeat("\x1b[31m", 1000)
	d := shop.Decide(order.Known{}, f)
	if len(d.Reason) > 900 || strings.Contains(d.Reason, "\x1b") {
		t.Errorf("%d bytes: %.80q", len(d.Reason), d.Reason)
	}
	f.Status = order.Status(strings.Repeat("\x1b", 1000))
	if d := shop.Decide(order.Known{}, f); len(d.Note) > 300 || strings.Contains(d.Note, "\x1b") {
		t.Errorf("%d bytes: %.80q", len(d.Note), d.Note)
	}
}

func TestARevisionBeyondTheClientsLimitIsHeld(t *testing.T) {
	t.Parallel()
	two, three := 2, 3
	f := facts(order.RevisionRequested)
	f.MaxRevisions, f.RevisionCount = &two, &two
	k := known(order.StateDelivered, order.Delivered, done, confirmed)
	if d := shop.Decide(k, f); d.Jobs != order.JobsOpen {
		t.Errorf("the last revision that is free: %+v", d)
	}
	f.RevisionCount = &three
	if d := shop.Decide(k, f); d.Jobs == order.JobsOpen || d.Code != order.CodeRoundCap {
		t.Errorf("one beyond it: %+v", d)
	}
}

// The service allows two rounds more. Orders that were bought with another number keep
// that one.
func TestTheOrdersOwnNumberOfRevisionsDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      order.Status
		most, count *int
		round       int
		opens       bool
	}{
		"its first of none":                       {order.RevisionRequested, new(0), new(1), 0, false},
		"the dispute beyond none":                 {order.Disputed, new(0), nil, 0, true},
		"a second dispute beyond none":            {order.Disputed, new(0), nil, 1, false},
		"its fifth of five":                       {order.RevisionRequested, new(5), new(5), 4, true},
		"its third of five after a dispute":       {order.RevisionRequested, new(5), new(3), 5, true},
		"its sixth of five":                       {order.RevisionRequested, new(5), new(6), 5, false},
		"without a count":                         {order.RevisionRequested, new(5), nil, 4, true},
		"without a count, beyond":                 {order.RevisionRequested, new(5), nil, 5, false},
		"a count without a number of its own":     {order.RevisionRequested, nil, new(2), 1, true},
		"a count beyond the service's own number": {order.RevisionRequested, nil, new(3), 1, false},
	} {
		f := facts(c.status)
		f.MaxRevisions, f.RevisionCount = c.most, c.count
		k := order.Known{Exists: true, State: order.StateDelivered, Status: order.Delivered, Round: c.round, Job: done, Delivery: confirmed}
		if d := shop.Decide(k, f); (d.Jobs == order.JobsOpen) != c.opens || !c.opens && d.Code != order.CodeRoundCap {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestAnUnknownStatusDoesNotEndAQuote(t *testing.T) {
	t.Parallel()
	k := order.Known{Exists: true, State: order.StateWorking, Status: order.PendingQuote, Quoting: ready, Quote: order.QuoteSending}
	if d := shop.Decide(k, facts("under_moderation")); d.Quote != "" {
		t.Errorf("an unknown status makes it %s", d.Quote)
	}
	if d := shop.Decide(k, facts(order.Quoted)); d.Quote != order.QuoteConfirmed {
		t.Errorf("a quote of ours that has arrived is %q", d.Quote)
	}
	k.Quote = order.QuotePriced
	if d := shop.Decide(k, facts(order.Paid)); d.Quote != order.QuoteElsewhere || d.Jobs != order.JobsOpen {
		t.Errorf("an order that was paid without our quote: %+v", d)
	}
}
