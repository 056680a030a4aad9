package intake

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Service is what intake knows of a service that the owner offers.
type Service struct {
	Title string
	// RemoteID is the marketplace's id of it; empty as long as it is not known.
	RemoteID   string
	Turnaround time.Duration
	// Subscription is the length of the window of a weekly or monthly service,
	// which is not one delivery; 0 for any other.
	Subscription time.Duration
	// Pieces: in the window of a subscription, each message of the client asks
	// for a piece. Without it such an order waits for the owner.
	Pieces bool
	// Quota is how many pieces such an order has where the marketplace does not
	// say; 0 is without limit.
	Quota int
	// MaxRounds is how many more rounds a client may ask for.
	MaxRounds int
	// Quotes: there is a price to ask for, so a quote needs no owner.
	Quotes bool
	// Templates are the templates of the messages to clients that are on.
	Templates []string
	// Claims are the bounties that were claimed for the service and may become
	// an order any time.
	Claims []order.Claim
}

// say gives the message of a template, if it is on.
func (s Service) say(template, reason string) []order.NewMessage {
	if slices.Contains(s.Templates, template) {
		return []order.NewMessage{{Reason: reason}}
	}
	return nil
}

// Catalog is the services on offer.
type Catalog []Service

// defaultTurnaround orders work whose service is not known.
const defaultTurnaround = 24 * time.Hour

// find gives the service that an order names by id or title, that it was given
// to before, whose claim on a bounty it fits, or the only one. bounty is that
// claim's; empty without one.
func (c Catalog) find(f order.Facts, before string) (s Service, bounty string, ok bool) {
	for _, s := range c {
		if f.ServiceID != "" && s.RemoteID == f.ServiceID {
			return s, "", true
		}
	}
	for _, title := range []string{f.ServiceTitle, before} {
		for _, s := range c {
			if title != "" && strings.EqualFold(strings.TrimSpace(s.Title), strings.TrimSpace(title)) {
				return s, "", true
			}
		}
	}
	for _, s := range c {
		for _, claim := range s.Claims {
			// The order of a bounty names no service, but repeats its brief and budget.
			if f.ServiceID == "" && f.Brief == claim.Brief && f.Price != nil && *f.Price == claim.Budget {
				return s, claim.ID, true
			}
		}
	}
	if len(c) == 1 {
		return c[0], "", true
	}
	return Service{}, "", false
}

// Decide says what follows from what the marketplace says of an order. It is
// pure, and right for any state of our own: it is asked about every listed
// order at each poll, so that whatever was missed before is mended.
func (c Catalog) Decide(k order.Known, f order.Facts) order.Decision {
	s, bounty, known := c.find(f, k.Service)
	d := c.decide(k, f, s, known)
	d.Bounty = bounty
	// An unknown word may stand for anything, a pending quote too.
	if live(k.Quoting) && f.Status.Known() && f.Status != order.PendingQuote {
		d.Quote = order.QuoteElsewhere
		if k.Quote == order.QuoteSending && f.Status != order.Cancelled {
			d.Quote = order.QuoteConfirmed
		}
	}
	return d
}

func (c Catalog) decide(k order.Known, f order.Facts, s Service, known bool) order.Decision {
	d := order.Decision{Service: s.Title, DueAt: due(f, s), Round: k.Round}
	switch {
	case f.Status == order.Completed:
		return end(d, k, order.StateCompleted, "the marketplace has completed the order")
	case f.Status == order.Cancelled:
		return end(d, k, order.StateCancelled, "the order was cancelled")
	case f.Status == order.Delivered:
		return decideDelivered(d, k, s)
	case f.Status.TakesDelivery():
		return decideWork(d, k, f, s, known)
	case f.Status == order.PendingQuote:
		return decideQuote(d, k, f, s, known)
	case f.Status == order.Quoted, f.Status == order.Accepted:
		return stop(d, order.StateWaiting, k, "", "", "")
	}
	// A status from after this program was written. Work in hand goes on: the
	// order is looked at once more before anything is delivered.
	if k.Exists {
		return keep(d, k)
	}
	d.State, d.Note = order.StateWaiting, fmt.Sprintf("unknown status %.40q", f.Status)
	return d
}

// Vanished says what follows when even a list of every status no longer names
// an order: work stops, and goes on should the order come back.
func (c Catalog) Vanished(k order.Known) order.Decision {
	d := order.Decision{Round: k.Round}
	if !running(k.Job) {
		// What holds it, the owner's word not least, must still hold it when
		// the order comes back.
		d = keep(d, k)
		d.Note = "the marketplace no longer lists the order"
		return d
	}
	return stop(d, order.StateHeld, k, order.CodeVanished, "the marketplace no longer lists the order",
		"look at the order there; work goes on by itself if it comes back")
}

func due(f order.Facts, s Service) time.Time {
	turnaround := s.Turnaround
	if turnaround <= 0 {
		turnaround = defaultTurnaround
	}
	return f.CreatedAt.Add(turnaround)
}

// keep leaves state and work as they are.
func keep(d order.Decision, k order.Known) order.Decision {
	d.State, d.Code = k.State, k.Code
	return d
}

func live(j order.JobState) bool {
	return j == order.JobReady || j == order.JobLeased || j == order.JobHeld
}

func running(j order.JobState) bool { return j == order.JobReady || j == order.JobLeased }

func delivered(k order.Known) bool {
	return k.Delivery == order.DeliveryConfirmed || k.Delivery == order.DeliveryElsewhere
}

func end(d order.Decision, k order.Known, s order.State, reason string) order.Decision {
	d.State, d.Reason = s, reason
	if k.Exists && (k.State != s || live(k.Job)) {
		d.Jobs = order.JobsClose // the pieces and the quote of an order are not in k
	}
	if k.State != s {
		d.Note = reason
	}
	return d
}

// stop puts the order into a state in which nothing is done for it.
func stop(d order.Decision, s order.State, k order.Known, code order.Code, reason, hint string) order.Decision {
	d.State, d.Code, d.Reason, d.Hint = s, code, reason, hint
	if running(k.Job) {
		d.Jobs = order.JobsHold
	}
	if k.State != s || k.Code != code {
		d.Note = reason
	}
	return d
}

// decideDelivered handles an order that the marketplace shows as delivered. If
// its round is still open with us, the job goes on: its deliver stage looks at
// the order first and finds out whose delivery that is.
func decideDelivered(d order.Decision, k order.Known, s Service) order.Decision {
	switch {
	case k.Job == order.JobHeld && k.Code == order.CodeVanished:
		d.State, d.Jobs = order.StateWorking, order.JobsRelease
	case k.Delivery == order.DeliverySending && running(k.Job):
		return keep(d, k)
	case k.Delivery == order.DeliverySending:
		d.State, d.Jobs, d.Note = order.StateDelivered, order.JobsDelivered, "the delivery had arrived after all"
		d.Messages = s.say(order.DeliveredTemplate(k.Round))
	case live(k.Job):
		d.State, d.Jobs, d.Reason = order.StateDelivered, order.JobsElsewhere, "the order was delivered elsewhere"
		d.Note = d.Reason
	default:
		d.State = order.StateDelivered
	}
	return d
}

// decideWork handles an order that a delivery is owed to.
func decideWork(d order.Decision, k order.Known, f order.Facts, s Service, known bool) order.Decision {
	if !known {
		return stop(d, order.StateHeld, k, order.CodeNoService, fmt.Sprintf("it is for the service %.100q, which is not configured", f.ServiceTitle),
			"add a [[service]] of that title to the configuration")
	}
	if delivered(k) {
		return decideAgain(d, k, f, s)
	}
	if s.Subscription > 0 || !f.WorkspaceExpiresAt.IsZero() {
		return decideWindow(d, k, f, s)
	}
	if k.Delivery == order.DeliverySending && k.Round == 0 && f.Status.Reopened() && !running(k.Job) {
		// It was given up on, and yet the client has sent it back.
		d.State, d.Jobs, d.Note = order.StateDelivered, order.JobsDelivered, "the delivery had arrived after all"
		return d
	}
	switch k.Job {
	case "":
		if f.Status.Reopened() && k.Round == 0 {
			d.Round = 1 // the first round was not ours
		}
		d.State, d.Jobs = order.StateWorking, order.JobsOpen
		if d.Round == 0 {
			d.Messages = s.say("received", "received")
		}
	case order.JobCancelled:
		if k.Code == order.CodeOwner {
			return keep(d, k)
		}
		d.State, d.Jobs, d.Note = order.StateWorking, order.JobsRelease, "the order is open again"
	case order.JobHeld:
		if releasable(k.Code) {
			d.State, d.Jobs, d.Note = order.StateWorking, order.JobsRelease, "work goes on"
			return d
		}
		return keep(d, k)
	case order.JobFailed, order.JobDone:
		return keep(d, k)
	default:
		d.State = order.StateWorking
	}
	return d
}

// decideQuote handles an order that wants a price.
func decideQuote(d order.Decision, k order.Known, f order.Facts, s Service, known bool) order.Decision {
	switch {
	case !known:
		return stop(d, order.StateHeld, k, order.CodeNoService, fmt.Sprintf("it is for the service %.100q, which is not configured", f.ServiceTitle),
			"add a [[service]] of that title to the configuration")
	case running(k.Quoting):
		d.State = order.StateWorking
	case k.Quoting == order.JobDone:
		return stop(d, order.StateHeld, k, order.CodeQuoteNotShown, "quoted, but the marketplace still waits for a quote",
			fmt.Sprintf("look at the order there; `atelierd quote %s PRICE` names another price", f.ID))
	case k.Quoting != "":
		return keep(d, k)
	case s.Quotes:
		d.State, d.Jobs = order.StateWorking, order.JobsQuote
	default:
		return stop(d, order.StateHeld, k, order.CodeQuoteNeeded, "the client asks for a price",
			fmt.Sprintf("`atelierd quote %s PRICE` names it", f.ID))
	}
	return d
}

// decideWindow handles the paid window of a subscription. A delivery would end
// it, so there is none before its end, or before the last piece of its quota.
func decideWindow(d order.Decision, k order.Known, f order.Facts, s Service) order.Decision {
	if s.Subscription == 0 || !s.Pieces || f.Status.Reopened() {
		return stop(d, order.StateHeld, k, order.CodeSubscription, "a subscription is a paid window, and a delivery would end it",
			fmt.Sprintf("answer the client at the marketplace, or with `atelierd messages %s --send TEXT`", f.ID))
	}
	if d.RunAt, d.RunAfter = f.WorkspaceExpiresAt, s.Subscription; !d.RunAt.IsZero() {
		d.DueAt, d.RunAfter = d.RunAt, 0
	}
	switch k.Job {
	case "":
		d.State, d.Jobs, d.Stage = order.StateWorking, order.JobsOpen, order.StageDeliver
		d.Messages = s.say("received", "received")
	case order.JobHeld, order.JobCancelled:
		if k.Code == order.CodeOwner || !releasable(k.Code) {
			return keep(d, k)
		}
		d.State, d.Jobs, d.Note = order.StateWorking, order.JobsRelease, "the window is open"
	case order.JobFailed, order.JobDone:
		return keep(d, k)
	default:
		d.State = order.StateWorking
	}
	return d
}

// releasable says whether a hold is of our own making and its cause is gone.
func releasable(code order.Code) bool {
	switch code {
	case order.CodeVanished, order.CodeNoService, order.CodeSubscription, order.CodeQuoteNeeded:
		return true
	}
	return false
}

func anotherRound(id string) string {
	return fmt.Sprintf("`atelierd orders redo %s` works on it once more; or settle it with the client", id)
}

// decideAgain handles an order whose round is delivered and that is owed one
// nevertheless: sent back by the client, or not shown as delivered.
func decideAgain(d order.Decision, k order.Known, f order.Facts, s Service) order.Decision {
	if !f.Status.Reopened() {
		return stop(d, order.StateHeld, k, order.CodeNotShown, "delivered, but the marketplace still shows it as "+string(f.Status),
			"look at the order there; it is not delivered a second time")
	}
	if extra := f.Status == order.RevisionRequested && f.MaxRevisions != nil && f.RevisionCount != nil &&
		*f.RevisionCount > *f.MaxRevisions; extra {
		return stop(d, order.StateHeld, k, order.CodeRoundCap, fmt.Sprintf("the client asks for revision %d, and has a right to %d", *f.RevisionCount, *f.MaxRevisions),
			anotherRound(f.ID))
	}
	if k.Round >= s.MaxRounds {
		return stop(d, order.StateHeld, k, order.CodeRoundCap, fmt.Sprintf("the client has sent it back %d times, which is the most that is worked on unasked", k.Round+1),
			anotherRound(f.ID))
	}
	d.Round = k.Round + 1
	d.State, d.Jobs = order.StateWorking, order.JobsOpen
	d.Note = fmt.Sprintf("sent back by the client: round %d begins", d.Round)
	return d
}
