package intake

import (
	"cmp"
	"fmt"
	"time"

	"atelierd/internal/order"
)

// view is one order as the store and the marketplace show it, with the service
// that it is for.
type view struct {
	known   order.Known
	facts   order.Facts
	service Service
	offered bool // the catalog has the service
}

// hold is why an order waits for the owner.
type hold struct {
	code         order.Code
	reason, hint string
}

// Decide returns what follows from what the marketplace shows of an order. It is
// pure, and correct for any state of the store. A poll calls it for every order of
// the listing, so that it catches a change that an earlier poll missed.
func (c Catalog) Decide(k order.Known, f order.Facts) order.Decision {
	m := c.find(f, k)
	d := view{k, f, m.service, m.ok}.decide()
	d.Bounty, d.BountyTitle = m.claim.ID, cmp.Or(f.BountyTitle, m.claim.Title)
	// An unknown status may mean anything, and so leaves the quote alone.
	if live(k.Quoting) && f.Status.Known() && f.Status != order.PendingQuote {
		d.Quote = order.QuoteElsewhere
		if k.Quote == order.QuoteSending && f.Status != order.Cancelled {
			d.Quote = order.QuoteConfirmed
		}
	}
	return d
}

func (v view) decide() order.Decision {
	// A known service is never replaced by none.
	d := order.Decision{Service: cmp.Or(v.service.Title, v.known.Service), DueAt: v.due(), Round: v.known.Round}
	if v.known.OwnerCancelled {
		if !v.clientActed() {
			return v.cancelledByOwner(d)
		}
		d.OwnerOverruled = true
	}
	switch status := v.facts.Status; {
	case status == order.Completed:
		return v.end(d, order.StateCompleted, "the marketplace has completed the order")
	case status == order.Cancelled:
		return v.end(d, order.StateCancelled, "the order was cancelled")
	case status == order.Delivered:
		return v.decideDelivered(d)
	case v.facts.TooLarge && v.begins():
		why := order.TooLarge(v.facts.ID)
		return v.stop(d, order.StateHeld, hold{why.Code, why.Error(), why.Hint})
	case v.blocked():
		return v.decideBlocked(d)
	case status.TakesDelivery():
		return v.decideWork(d)
	case status == order.PendingQuote:
		return v.decideQuote(d)
	case status == order.Quoted, status == order.Accepted:
		return v.stop(d, order.StateWaiting, hold{})
	}
	// The status is newer than this program. Work under way continues, because the
	// deliver stage reads the order again before it sends anything.
	if v.known.Exists {
		return v.keep(d)
	}
	d.State, d.Note = order.StateWaiting, fmt.Sprintf("unknown status %.40q", v.facts.Status)
	return d
}

// begins reports whether work for the order would begin, or continue before its files
// are made. What is made and paid for is delivered.
func (v view) begins() bool {
	switch v.facts.Status {
	case order.PendingQuote:
		return !live(v.known.Quoting)
	case order.Paid, order.InProgress, order.RevisionRequested, order.Disputed:
		made := v.known.Stage == order.StageUpload || v.known.Stage == order.StageDeliver
		return !made && !v.windowed()
	}
	return false
}

// Vanished returns what follows when even a listing of every status does not show
// an order. Its work stops, and continues if the order comes back. The store stops
// pieces and quotes.
func (c Catalog) Vanished(k order.Known) order.Decision {
	v, d, why := view{known: k}, order.Decision{Round: k.Round}, order.Vanished()
	if !running(k.Job) && !running(k.Quoting) {
		// What holds the order, such as the owner's cancellation, must still hold it
		// when it comes back.
		d = v.keep(d)
		d.Note = why.Error()
		return d
	}
	return v.stop(d, order.StateHeld, hold{why.Code, why.Error(), why.Hint})
}

// due is the deadline: the turnaround of the service after the order was placed.
func (v view) due() time.Time {
	turnaround := v.service.Turnaround
	if turnaround <= 0 {
		turnaround = defaultTurnaround
	}
	return v.facts.CreatedAt.Add(turnaround)
}

// keep leaves state and work as they are.
func (v view) keep(d order.Decision) order.Decision {
	d.State, d.Code = v.known.State, v.known.Code
	return d
}

// end closes the work of an order that has ended.
func (v view) end(d order.Decision, s order.State, reason string) order.Decision {
	d.State, d.Reason = s, reason
	if v.known.Exists && (v.known.State != s || live(v.known.Job)) {
		d.Jobs = order.JobsClose // pieces and quotes too, which known does not show
	}
	if v.known.State != s {
		d.Note = reason
	}
	return d
}

// stop puts the order into a state in which no work is done for it.
func (v view) stop(d order.Decision, s order.State, why hold) order.Decision {
	d.State, d.Code, d.Reason, d.Hint = s, why.code, why.reason, why.hint
	if running(v.known.Job) {
		d.Jobs = order.JobsHold
	}
	if v.known.State != s || v.known.Code != why.code {
		d.Note = why.reason
	}
	return d
}

// notOffered holds an order for a service that is not in the catalog. An order that
// waits for the owner already, or has failed, keeps its reason: otherwise files that
// wait for approval would go out once the service is back.
func (v view) notOffered(d order.Decision) order.Decision {
	f := v.facts
	if v.waitsForOwner() {
		return v.keep(d)
	}
	title := cmp.Or(v.known.Service, f.ServiceTitle)
	reason := fmt.Sprintf("it is for the service %.100q, which is not configured", title)
	hint := "add a [[service]] with that title to the configuration and run " + order.Command("reload")
	switch {
	case title == "" && f.BountyID != "":
		reason = fmt.Sprintf("it comes from a bounty of category %.40q, which no or several services have", f.BountyCategory)
		hint = "add a [[service]] of that category to the configuration and run " + order.Command("reload")
	case title == "":
		reason = "it names no service"
		hint = "see what the client asks for: " + order.Command("orders show", f.ID)
	}
	return v.stop(d, order.StateHeld, hold{
		order.CodeNoService, reason,
		hint + ", or name a service of yours: " + order.Command("orders assign", f.ID, "SERVICE"),
	})
}

// waitsForOwner reports whether the order waits for the owner already, or has failed.
func (v view) waitsForOwner() bool {
	k := v.known
	held := k.State == order.StateHeld && (k.Job == order.JobHeld || k.Quoting == order.JobHeld) && !releasable(k.Code)
	return held || k.State == order.StateFailed
}

// decideDelivered handles an order that the marketplace shows as delivered. If the
// delivery of its round is under way with us, the job continues: its deliver stage
// reads the order first and finds out whose delivery it is.
func (v view) decideDelivered(d order.Decision) order.Decision {
	k := v.known
	switch {
	case v.windowed() && v.facts.Shown != order.ShownFiles && !v.offered:
		return v.notOffered(d)
	case v.windowed() && v.facts.Shown != order.ShownFiles:
		return v.decideWindow(d)
	case settled(k.Delivery):
		return v.settledDelivered(d)
	case k.Job == order.JobHeld && k.Code == order.CodeVanished:
		d.State, d.Jobs = order.StateWorking, order.JobsRelease
	case running(k.Job) && k.Stage == order.StageDeliver:
		return v.keep(d)
	case k.Delivery == order.DeliverySending && running(k.Job):
		return v.keep(d)
	case k.Delivery == order.DeliverySending:
		d = arrived(d)
		d.Messages = v.service.message(order.DeliveredTemplate(k.Round))
	case live(k.Job):
		d.State, d.Jobs, d.Reason = order.StateDelivered, order.JobsElsewhere, "the order was delivered elsewhere"
		d.Note = d.Reason
	default:
		d.State = order.StateDelivered
	}
	return d
}

// arrived ends work whose delivery had no answer and has arrived nevertheless.
func arrived(d order.Decision) order.Decision {
	d.State, d.Jobs, d.Note = order.StateDelivered, order.JobsDelivered, "the delivery without an answer had arrived"
	return d
}

// decideWork handles an order whose status asks for a delivery.
func (v view) decideWork(d order.Decision) order.Decision {
	k := v.known
	switch {
	case !v.offered:
		return v.notOffered(d)
	case settled(k.Delivery):
		return v.decideNextRound(d)
	case v.windowed():
		return v.decideWindow(d)
	case k.Delivery == order.DeliverySending && k.Round == 0 && v.facts.Status.Reopened() && !running(k.Job):
		// The client has sent it back, so the delivery that was given up had arrived.
		return arrived(d)
	}
	switch k.Job {
	case "":
		if v.facts.Status.Reopened() && k.Round == 0 {
			// Earlier rounds were delivered before the order was known here.
			d.Round = max(1, v.revisions())
		}
		d.State, d.Jobs = order.StateWorking, order.JobsOpen
		if d.Round == 0 {
			d.Messages = v.service.message("received", "received")
		}
		return d
	case order.JobCancelled:
		return release(d, "the order is open again")
	}
	return v.resume(d, "work resumes")
}

// decideQuote handles an order that waits for a price.
func (v view) decideQuote(d order.Decision) order.Decision {
	switch {
	case !v.offered:
		return v.notOffered(d)
	case running(v.known.Quoting), v.known.Quoting == order.JobHeld && v.known.Code == order.CodeVanished:
		d.State = order.StateWorking
	case v.known.Quoting == order.JobDone:
		return v.stop(d, order.StateHeld, hold{
			order.CodeQuoteNotShown, "quoted, but the marketplace still waits for a quote",
			"look at the order at the marketplace; to quote another price, run " + v.quoteCommand(),
		})
	case v.service.Quotes && v.quoteOpen():
		d.State, d.Jobs = order.StateWorking, order.JobsQuote
	case v.known.Quoting != "" && v.known.Quoting != order.JobCancelled:
		return v.keep(d)
	default:
		return v.stop(d, order.StateHeld, hold{
			order.CodeQuoteNeeded, "the client asks for a price",
			"to quote one, run " + v.quoteCommand(),
		})
	}
	return d
}

// quoteOpen reports whether no price was looked for, or only before the service had
// one, or before the order was cancelled.
func (v view) quoteOpen() bool {
	k := v.known
	unpriced := k.Code == order.CodeQuoteNeeded || k.Code == order.CodeNoService || k.Code == order.CodeOrderTooLarge
	return k.Quoting == "" || k.Quoting == order.JobCancelled || k.Quoting == order.JobHeld && unpriced
}

func (v view) quoteCommand() string { return order.Command("quote", v.facts.ID, "PRICE") }

// resume continues work that exists: a hold that is over is released, and what has
// ended or waits for the owner stays as it is.
func (v view) resume(d order.Decision, note string) order.Decision {
	switch {
	case v.known.Job == order.JobHeld && releasable(v.known.Code):
		return release(d, note)
	case v.known.Job == order.JobHeld, v.known.Job == order.JobFailed, v.known.Job == order.JobDone:
		return v.keep(d)
	}
	d.State = order.StateWorking
	return d
}

func release(d order.Decision, note string) order.Decision {
	d.State, d.Jobs, d.Note = order.StateWorking, order.JobsRelease, note
	return d
}

// decideNextRound handles an order whose round is delivered while its status still
// asks for a delivery: the client has sent it back, or the marketplace does not show
// the delivery.
func (v view) decideNextRound(d order.Decision) order.Decision {
	f, k := v.facts, v.known
	if !f.Status.Reopened() {
		return v.decidePaidAgain(d)
	}
	if most := v.service.Clients.MaxRounds; most > 0 && k.Round+1 >= most && !k.ClientApproved && f.Client() != "" {
		return v.stop(d, order.StateHeld, v.because(order.TooManyRounds(most)))
	}
	if why := v.beyond(); why != "" {
		return v.stop(d, order.StateHeld, hold{
			order.CodeRoundCap, why,
			"to work on it again, run " + order.Command("orders redo", f.ID) + "; or settle it with the client",
		})
	}
	d.Round = k.Round + 1
	d.State, d.Jobs = order.StateWorking, order.JobsOpen
	d.Note = fmt.Sprintf("sent back by the client: round %d begins", d.Round)
	return d
}

// beyond reports why the next round is more than the client may ask for, or "". The
// order's own number decides, because it is what the client has bought. A client who is
// still not content may dispute, and one dispute beyond the number is served.
func (v view) beyond() string {
	f, k := v.facts, v.known
	most, next, disputes := v.service.MaxRounds, k.Round+1, 0
	if f.MaxRevisions != nil {
		most = *f.MaxRevisions
	}
	switch {
	case f.Status == order.RevisionRequested && f.RevisionCount != nil:
		if *f.RevisionCount > most {
			return fmt.Sprintf("the client asks for revision %d and is entitled to %d", *f.RevisionCount, most)
		}
		return ""
	case f.Status == order.Disputed:
		disputes = 1
	}
	if next > most+disputes {
		return fmt.Sprintf("the client has sent it back %d times; max_revisions is %d, and one dispute beyond it is worked on", next, most)
	}
	return ""
}

// revisions returns how many revisions the marketplace counts; 0 if it does not say.
func (v view) revisions() int {
	if v.facts.RevisionCount == nil {
		return 0
	}
	return *v.facts.RevisionCount
}

func live(j order.JobState) bool {
	return j == order.JobReady || j == order.JobLeased || j == order.JobHeld
}

func running(j order.JobState) bool { return j == order.JobReady || j == order.JobLeased }

// releasable reports whether intake itself has set the hold, and so may release it.
func releasable(code order.Code) bool {
	switch code {
	case order.CodeVanished, order.CodeNoService, order.CodeSubscription, order.CodeQuoteNeeded, order.CodeOrderTooLarge,
		order.CodeClientBlocked:
		return true
	}
	return false
}
