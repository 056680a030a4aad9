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

// placed is when the orders of these tests were placed.
var placed = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func facts(s order.Status) order.Facts {
	return order.Facts{ID: "ord_1", ServiceID: "svc_1", ServiceTitle: "Pictures", Status: s, CreatedAt: placed}
}

// Shorthand for what our file holds.
func known(s order.State, remote order.Status, job order.JobState, d order.DeliveryState) order.Known {
	return order.Known{Exists: true, State: s, Status: remote, Job: job, Delivery: d}
}

func code(k order.Known, code order.Code) order.Known { k.Code = code; return k }
func round(k order.Known, n int) order.Known          { k.Round = n; return k }

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

func TestWhatFollowsFromWhatTheMarketplaceSays(t *testing.T) {
	t.Parallel()
	working, waiting, isHeld, delivered := order.StateWorking, order.StateWaiting, order.StateHeld, order.StateDelivered
	for _, c := range []struct {
		says  string
		known order.Known
		now   order.Status
		state order.State
		jobs  order.JobsAction
		code  order.Code
		round int
	}{
		// Work that is owed.
		{"a new paid order is worked on", order.Known{}, order.Paid, working, order.JobsOpen, "", 0},
		{"one in progress too", order.Known{}, order.InProgress, working, order.JobsOpen, "", 0},
		{"one that was sent back before we saw it begins with round 1", order.Known{}, order.Disputed, working, order.JobsOpen, "", 1},
		{"a quote that was paid is worked on", known(waiting, order.Quoted, none, nothing), order.Paid, working, order.JobsOpen, "", 0},
		{"a price that was asked for and is paid is worked on", code(known(isHeld, order.PendingQuote, none, nothing), order.CodeQuoteNeeded), order.Paid, working, order.JobsOpen, "", 0},
		{"ready work goes on", known(working, order.Paid, ready, nothing), order.Paid, working, order.JobsKeep, "", 0},
		{"running work goes on", known(working, order.Paid, leased, nothing), order.InProgress, working, order.JobsKeep, "", 0},
		{"work goes on while a send has no answer", known(working, order.Paid, ready, sending), order.Paid, working, order.JobsKeep, "", 0},
		{"and after a send that was refused", known(working, order.Paid, ready, refused), order.Paid, working, order.JobsKeep, "", 0},
		{"what the owner has to settle stays held", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), order.Paid, isHeld, order.JobsKeep, order.CodeFileGone, 0},
		{"what was given up stays given up", code(known(order.StateFailed, order.Paid, failed, nothing), order.CodeRefused), order.Paid, order.StateFailed, order.JobsKeep, order.CodeRefused, 0},
		{"an order that comes back is worked on again", code(known(isHeld, order.Paid, held, nothing), order.CodeVanished), order.Paid, working, order.JobsRelease, "", 0},
		{"so is one whose service was configured", code(known(isHeld, order.Paid, held, nothing), order.CodeNoService), order.Paid, working, order.JobsRelease, "", 0},
		{"one that was cancelled and is open again too", code(known(order.StateCancelled, order.Cancelled, closed, nothing), order.CodeCancelled), order.Paid, working, order.JobsRelease, "", 0},
		{"but not what the owner has cancelled", code(known(isHeld, order.Paid, closed, nothing), order.CodeOwner), order.Paid, isHeld, order.JobsKeep, order.CodeOwner, 0},

		// What was delivered.
		{"a confirmed delivery is in review", known(delivered, order.Paid, done, confirmed), order.Delivered, delivered, order.JobsKeep, "", 0},
		{"a delivery under way has to look for itself", known(working, order.Paid, leased, sending), order.Delivered, working, order.JobsKeep, "", 0},
		{"one that was given up on has arrived after all", known(isHeld, order.Paid, held, sending), order.Delivered, delivered, order.JobsDelivered, "", 0},
		{"also if its work had failed", known(order.StateFailed, order.Paid, failed, sending), order.Delivered, delivered, order.JobsDelivered, "", 0},
		{"delivered without us, the work ends", known(working, order.Paid, leased, nothing), order.Delivered, delivered, order.JobsElsewhere, "", 0},
		{"also after a send of ours that was refused", known(isHeld, order.Paid, held, refused), order.Delivered, delivered, order.JobsElsewhere, "", 0},
		{"a delivered order that comes back is looked at", code(known(isHeld, order.Paid, held, sending), order.CodeVanished), order.Delivered, working, order.JobsRelease, "", 0},
		{"a delivered order that is new to us is in review", order.Known{}, order.Delivered, delivered, order.JobsKeep, "", 0},
		{"delivered, but still shown as paid: never a second time", known(delivered, order.Paid, done, confirmed), order.Paid, isHeld, order.JobsKeep, order.CodeNotShown, 0},

		// What was sent back.
		{"a dispute begins the next round", known(delivered, order.Delivered, done, confirmed), order.Disputed, working, order.JobsOpen, "", 1},
		{"a revision too", round(known(delivered, order.Delivered, done, confirmed), 1), order.RevisionRequested, working, order.JobsOpen, "", 2},
		{"also when another hand had delivered", known(delivered, order.Delivered, closed, elsewhere), order.Disputed, working, order.JobsOpen, "", 1},
		{"but not for ever", round(known(delivered, order.Delivered, done, confirmed), 2), order.Disputed, isHeld, order.JobsKeep, order.CodeRoundCap, 2},
		{"the work of the round goes on", round(known(working, order.Disputed, leased, nothing), 1), order.Disputed, working, order.JobsKeep, "", 1},
		{"a send given up on, and yet sent back, had arrived", known(isHeld, order.Paid, held, sending), order.Disputed, delivered, order.JobsDelivered, "", 0},
		{"a send under way, and yet sent back, looks for itself", known(working, order.Paid, leased, sending), order.Disputed, working, order.JobsKeep, "", 0},
		{"a later round's send given up on stays with the owner", code(round(known(isHeld, order.Disputed, held, sending), 1), order.CodeUnclear), order.Disputed, isHeld, order.JobsKeep, order.CodeUnclear, 1},

		// What has ended.
		{"cancelled: the work ends", known(working, order.Paid, leased, nothing), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
		{"cancelled: held work ends too", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
		{"cancelled before there was work", known(waiting, order.Quoted, none, nothing), order.Cancelled, order.StateCancelled, order.JobsClose, "", 0},
		{"completed after our delivery", known(delivered, order.Delivered, done, confirmed), order.Completed, order.StateCompleted, order.JobsClose, "", 0},
		{"completed without us: the work ends", known(working, order.Paid, ready, nothing), order.Completed, order.StateCompleted, order.JobsClose, "", 0},

		// What waits for the client, or for us to learn a new word.
		{"a wish for a price is for the owner", order.Known{}, order.PendingQuote, isHeld, order.JobsKeep, order.CodeQuoteNeeded, 0},
		{"a quote waits for the client", order.Known{}, order.Quoted, waiting, order.JobsKeep, "", 0},
		{"an accepted one waits for the money", known(waiting, order.Quoted, none, nothing), order.Accepted, waiting, order.JobsKeep, "", 0},
		{"a step back to a quote stops the work", known(working, order.Paid, leased, nothing), order.Quoted, waiting, order.JobsHold, "", 0},
		{"an unknown word about a new order waits", order.Known{}, "under_moderation", waiting, order.JobsKeep, "", 0},
		{"an unknown word does not stop the work", known(working, order.Paid, leased, nothing), "under_moderation", working, order.JobsKeep, "", 0},
		{"nor does it free what is held", code(known(isHeld, order.Paid, held, nothing), order.CodeFileGone), "under_moderation", isHeld, order.JobsKeep, order.CodeFileGone, 0},
	} {
		d := shop.Decide(c.known, facts(c.now))
		if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code || d.Round != c.round {
			t.Errorf("%s: got %s, jobs %q, code %q, round %d; want %s, jobs %q, code %q, round %d",
				c.says, d.State, d.Jobs, d.Code, d.Round, c.state, c.jobs, c.code, c.round)
		}
		if d.Code != "" && d.Code != c.known.Code && (d.Reason == "" || d.Hint == "") {
			t.Errorf("%s: code %q without a reason (%q) or a hint (%q)", c.says, d.Code, d.Reason, d.Hint)
		}
		if d.Jobs == order.JobsDelivered && c.now.Reopened() {
			continue // the next poll begins the next round
		}
		again := shop.Decide(order.Known{Exists: true, State: d.State, Status: c.now, Round: d.Round, Code: d.Code,
			Job: after(c.known.Job, d.Jobs), Delivery: deliveryAfter(c.known.Delivery, d)}, facts(c.now))
		if again.State != d.State || again.Jobs == d.Jobs && d.Jobs != order.JobsKeep {
			t.Errorf("%s: asked again it says %s, jobs %q, after %s, jobs %q", c.says, again.State, again.Jobs, d.State, d.Jobs)
		}
	}
}

// after is the job that an action leaves behind.
func after(before order.JobState, a order.JobsAction) order.JobState {
	switch a {
	case order.JobsOpen, order.JobsRelease:
		return ready
	case order.JobsClose, order.JobsElsewhere:
		return closed
	case order.JobsDelivered:
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

func TestAnOrderBelongsToTheServiceThatItNames(t *testing.T) {
	t.Parallel()
	one := intake.Catalog{{Title: "Pictures", Turnaround: time.Hour}}
	for _, c := range []struct {
		says      string
		catalog   intake.Catalog
		id, title string
		service   string
		code      order.Code
	}{
		{"by its id, whatever the title says", shop, "svc_1", "Renamed", "Pictures", ""},
		{"by its title", shop, "", "  pictures ", "Pictures", ""},
		{"by its title when the id is unknown", shop, "svc_9", "Pictures", "Pictures", ""},
		{"to none of several", shop, "svc_9", "Sculptures", "", order.CodeNoService},
		{"to none when it says nothing", shop, "", "", "", order.CodeNoService},
		{"to the only one there is", one, "svc_9", "Sculptures", "Pictures", ""},
		{"to none when there is none", nil, "", "Pictures", "", order.CodeNoService},
		{"a subscription is not delivered", shop, "svc_2", "", "Window", order.CodeSubscription},
	} {
		f := facts(order.Paid)
		f.ServiceID, f.ServiceTitle = c.id, c.title
		d := c.catalog.Decide(order.Known{}, f)
		if d.Service != c.service || d.Code != c.code || (d.Jobs == order.JobsOpen) != (c.code == "") {
			t.Errorf("%s: service %q, code %q, jobs %q", c.says, d.Service, d.Code, d.Jobs)
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

func TestAVanishedOrderStopsWorkThatIsStillToBeDone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		says  string
		known order.Known
		state order.State
		jobs  order.JobsAction
		code  order.Code
	}{
		{"running work stops", known(order.StateWorking, order.Paid, leased, nothing), order.StateHeld, order.JobsHold, order.CodeVanished},
		{"what is held stays held for its own reason", code(known(order.StateHeld, order.Paid, held, nothing), order.CodeFileGone), order.StateHeld, order.JobsKeep, order.CodeFileGone},
		{"what the owner has cancelled stays the owner's", code(known(order.StateHeld, order.Paid, closed, nothing), order.CodeOwner), order.StateHeld, order.JobsKeep, order.CodeOwner},
		{"what was given up stays so", code(known(order.StateFailed, order.Paid, failed, nothing), order.CodeRefused), order.StateFailed, order.JobsKeep, order.CodeRefused},
		{"a delivered order stays delivered", known(order.StateDelivered, order.Delivered, done, confirmed), order.StateDelivered, order.JobsKeep, ""},
		{"a quote stays with the client", known(order.StateWaiting, order.Quoted, none, nothing), order.StateWaiting, order.JobsKeep, ""},
	} {
		d := shop.Vanished(c.known)
		if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code || d.Note == "" {
			t.Errorf("%s: %+v", c.says, d)
		}
	}
}

func TestForeignTextInAReasonIsShort(t *testing.T) {
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

func TestARevisionBeyondTheClientsRightWaitsForTheOwner(t *testing.T) {
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

func TestAnUnknownWordDoesNotEndAQuote(t *testing.T) {
	t.Parallel()
	k := order.Known{Exists: true, State: order.StateWorking, Status: order.PendingQuote, Quoting: ready, Quote: order.QuoteSending}
	if d := shop.Decide(k, facts("under_moderation")); d.Quote != "" {
		t.Errorf("an unknown word makes it %s", d.Quote)
	}
	if d := shop.Decide(k, facts(order.Quoted)); d.Quote != order.QuoteConfirmed {
		t.Errorf("a quote of ours that has arrived is %q", d.Quote)
	}
	k.Quote = order.QuotePriced
	if d := shop.Decide(k, facts(order.Paid)); d.Quote != order.QuoteElsewhere || d.Jobs != order.JobsOpen {
		t.Errorf("an order that was paid without our quote: %+v", d)
	}
}
