package intake

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
)

// windowed reports whether the order is the paid window of a subscription that is
// still to be delivered. A round after the first is delivered like any other.
func (v view) windowed() bool {
	return v.known.Round == 0 && !settled(v.known.Delivery) &&
		(v.service.Subscription > 0 || !v.facts.WorkspaceExpiresAt.IsZero())
}

// settled reports whether a round is delivered, by us or by somebody else.
func settled(d order.DeliveryState) bool {
	return d == order.DeliveryConfirmed || d == order.DeliveryElsewhere
}

// decideWindow handles the paid window of a subscription. Its deliver job exists from
// the start. The stage finds out when to deliver, because that depends on the pieces
// and the time.
//
// The end of the window makes the order delivered without any file. So a status of
// delivered ends nothing here: the stage looks at the order first.
func (v view) decideWindow(d order.Decision) order.Decision {
	k := v.known
	if v.service.Subscription == 0 || !v.service.Pieces {
		return v.stop(d, order.StateHeld, v.noPieces())
	}
	if end := v.facts.WorkspaceExpiresAt; end.IsZero() {
		d.DueAfter = v.service.Subscription
	} else {
		d.DueAt = end
	}
	switch k.Job {
	case "":
		d.State, d.Jobs, d.Stage = order.StateWorking, order.JobsOpen, order.StageDeliver
		d.Messages = v.service.message("received", "received")
		return d
	case order.JobCancelled:
		return release(d, "the window is open")
	}
	return v.resume(d, "the window is open")
}

// noPieces is why a window waits for the owner: nothing is made for it.
func (v view) noPieces() hold {
	reason := "it is the paid window of a subscription, and its service makes no pieces"
	if v.facts.Status == order.Delivered {
		reason = "the paid window has ended without a delivery, and without one it is not paid out"
	}
	return hold{
		order.CodeSubscription, reason,
		`set window = "messages" in the service and run ` + order.Command("reload") + `; or write to the client: ` + order.Command("messages --send TEXT", v.facts.ID),
	}
}

// decidePaidAgain handles an order whose round is delivered while its status says
// paid. The payout of another agent's order sets it back to paid, and nobody looks at
// it then. Its files are delivered again, at most order.MaxAgain times.
func (v view) decidePaidAgain(d order.Decision) order.Decision {
	k := v.known
	switch {
	case running(k.Job):
		d.State = order.StateWorking
		return d
	case k.Job == order.JobHeld && releasable(k.Code):
		return release(d, "work resumes")
	case k.Job == order.JobHeld, k.Job == order.JobFailed:
		return v.keep(d) // the owner decides
	case k.Job == order.JobDone && k.Delivery == order.DeliveryConfirmed && v.facts.Status == order.Paid && k.Again < order.MaxAgain:
		d.State, d.Jobs = order.StateWorking, order.JobsAgain
		d.Note = "delivered, and set back to paid: the files are delivered again"
		return d
	}
	return v.stop(d, order.StateHeld, hold{
		order.CodeNotShown, "delivered, but the marketplace still shows it as " + string(v.facts.Status),
		"look at the order at the marketplace; to deliver new files, run " + order.Command("orders resubmit", v.facts.ID),
	})
}

// settledDelivered handles an order that the marketplace shows as delivered and whose
// round is. A redelivery that was to make it so is over.
func (v view) settledDelivered(d order.Decision) order.Decision {
	switch k := v.known; {
	case running(k.Job):
		return v.keep(d) // its stage looks at the order first
	case k.Job == order.JobHeld && k.Code == order.CodeVanished:
		d.State, d.Jobs = order.StateWorking, order.JobsRelease
	case k.AgainFor == order.AgainForOwner && (k.Job == order.JobHeld || k.Job == order.JobFailed):
		return v.keep(d) // the files that the owner replaces wait for the owner
	case live(k.Job):
		d.State, d.Jobs, d.Note = order.StateDelivered, order.JobsDone, "the marketplace shows the delivery"
	default:
		d.State = order.StateDelivered
	}
	return d
}

// ending is what the owner is shown of the windows that end without a delivery, by order.
type ending map[string]string

// endingWindows returns a line about each window that ends soon and for which nothing
// is made. A window without a delivery is not paid out. The decide that it returns
// corrects the lines by what is known of an order: the service that the owner has named,
// and the owner's cancellation.
func (c Catalog) endingWindows(listed []order.Facts, now time.Time) (ending, func(order.Known, order.Facts) order.Decision) {
	lines := ending{}
	for _, f := range listed {
		c.endingWindow(lines, order.Known{}, f, now)
	}
	return lines, func(k order.Known, f order.Facts) order.Decision {
		c.endingWindow(lines, k, f, now)
		return c.Decide(k, f)
	}
}

// endingWindow sets or removes the line about one order.
func (c Catalog) endingWindow(lines ending, k order.Known, f order.Facts, now time.Time) {
	if f.WorkspaceExpiresAt.IsZero() || f.Status != order.Paid && f.Status != order.InProgress {
		return
	}
	delete(lines, f.ID)
	s := c.find(f, k).service
	plan := order.PaidWindow{Length: s.Subscription}.Plan(f.CreatedAt, f.WorkspaceExpiresAt)
	if s.Subscription > 0 && s.Pieces || k.OwnerCancelled || now.Before(plan.Brief) || !now.Before(plan.End) {
		return
	}
	lines[f.ID] = fmt.Sprintf("the window of order %s ends at %s", f.ID, plan.End.UTC().Format(time.RFC3339))
}

// windowsText is what the owner is shown of those windows, or "" if there are none.
func windowsText(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ") + `; without a delivery it is not paid out: set window = "messages" in its service and run ` + order.Command("reload")
}

// asksUntil returns until when messages of the client ask for pieces, or zero where
// nothing says it. The delivery of a window comes before its end and does not end it.
func asksUntil(o order.Order, s Service) (until time.Time, open bool) {
	if s.Subscription == 0 || !s.Pieces {
		return until, false
	}
	until = o.WorkspaceExpiresAt
	switch o.Status {
	case order.Paid, order.InProgress:
		return until, true
	case order.Delivered:
		if until.IsZero() {
			until = o.CreatedAt.Add(s.Subscription)
		}
		return until, true
	}
	return until, false
}
