package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/view"
)

// Sections are what all pages except Now and Orders show and ask.
type Sections struct {
	// SQL runs statements on the history.
	SQL SQL
	// Desk asks the marketplace and providers.
	Desk Desk
}

// ErrOtherPlan means that a sync would make other changes than the page has shown.
var ErrOtherPlan = errors.New("the plan has changed")

// Desk asks the marketplace, and providers, for an owner who presses a button. Nothing else
// on a page asks them. Its errors are for the owner.
type Desk interface {
	// AskPayout asks the marketplace again to pay out an order.
	AskPayout(ctx context.Context, by order.Actor, id string) error

	// Plan returns what a sync would change, by the listings as they were last read.
	Plan(ctx context.Context) (Plan, error)
	// Compare reads the listings.
	Compare(ctx context.Context, by order.Actor) error
	// Sync reads the listings and changes them. It changes nothing if the plan has another
	// fingerprint; the error is ErrOtherPlan then.
	Sync(ctx context.Context, by order.Actor, fingerprint string) error

	// Tasks returns the bounties as they were last read.
	Tasks() Tasks
	// ReadTasks reads them.
	ReadTasks(ctx context.Context, by order.Actor) error
	// Claim claims one for a service, with a message.
	Claim(ctx context.Context, by order.Actor, c Claim) error

	// Probe asks a generator whether it works, which is free, and begins or ends its pause.
	Probe(ctx context.Context, name string) error
	// Try has a generator make a sample, which Sample shows. It fails if another one has
	// begun since the page was made.
	Try(ctx context.Context, by order.Actor, t Trial) error
	Sample(name string) Sample
}

// Plan is what a sync would change. ReadAt is when the listings were read; zero for never.
type Plan struct {
	view.Plan
	ReadAt      time.Time
	Changes     int
	Fingerprint string
}

// Tasks are bounties. ReadAt is when they were read; zero for never.
type Tasks struct {
	List   []Task
	ReadAt time.Time
}

// Task is a bounty that can be claimed.
type Task struct {
	view.Bounty
	// Services are the titles of those that can do it.
	Services []string
	// Fingerprint stands for what it asks for and what it pays.
	Fingerprint string
}

// Claim is a claim on a bounty with the fingerprint that the page has shown.
type Claim struct{ Bounty, Fingerprint, Service, Message string }

// Trial is a sample to make. Fingerprint is that of the last one, as the page has shown it.
type Trial struct{ Generator, Fingerprint, Prompt string }

// Sample is the last sample of a generator that a page has asked for.
type Sample struct {
	// Fingerprint stands for it, and for none before the first.
	Fingerprint  string
	Began, Ended time.Time
	Prompt       string
	By           order.Actor
	Cost         string // what it counts with
	Files        []string
	Problem      string
}

// sections has the pages besides Now and Orders.
func (c *console) sections(mux *http.ServeMux) {
	mux.Handle("GET /history", c.member(c.history))
	mux.Handle("POST /history", c.member(c.ask))
	mux.Handle("POST /history.csv", c.member(c.askCSV))
	mux.Handle("GET /money", c.member(c.money))
	mux.Handle("GET /money.csv", c.member(c.moneyFile))
	mux.Handle("POST /money/payout", c.member(c.owner(c.askPayout)))
	mux.Handle("GET /inbox", c.member(c.inbox))
	mux.Handle("GET /services", c.member(c.services))
	mux.Handle("POST /services/compare", c.member(c.owner(c.compareServices)))
	mux.Handle("POST /services/sync", c.member(c.owner(c.syncServices)))
	mux.Handle("POST /services/pause", c.member(c.owner(c.pauseService)))
	mux.Handle("POST /services/resume", c.member(c.owner(c.resumeService)))
	mux.Handle("GET /bounties", c.member(c.bounties))
	mux.Handle("POST /bounties/read", c.member(c.owner(c.readBounties)))
	mux.Handle("GET /bounties/{id}", c.member(c.bounty))
	mux.Handle("POST /bounties/{id}", c.member(c.owner(c.claimBounty)))
	mux.Handle("GET /generators", c.member(c.generators))
	mux.Handle("POST /generators/probe", c.member(c.owner(c.probeGenerator)))
	mux.Handle("POST /generators/resume", c.member(c.owner(c.resumeGenerator)))
	mux.Handle("POST /generators/try", c.member(c.owner(c.tryGenerator)))
}

// actor is who acts, in the timeline.
func (v visit) actor() order.Actor { return order.Console(v.who.Name) }

// refused is the note about what was not done.
func refused(err error) note {
	return note{Kind: "bad", Strong: "Nothing was done.", Text: sentence(err.Error())}
}

// acted are the notes about acts that were done. The key is the value of done in the address.
var acted = map[string]note{
	"compare":          {Kind: "good", Strong: "Compared.", Text: "This is what the marketplace lists now."},
	"sync":             {Kind: "good", Strong: "Done.", Text: "The marketplace lists what the plan said."},
	"pause-service":    {Kind: "good", Strong: "Paused.", Text: "Clients still see the service and can order; nothing is made until you resume."},
	"resume-service":   {Kind: "good", Strong: "Resumed.", Text: "Work on the service goes on."},
	"probe":            {Kind: "good", Strong: "Asked.", Text: "The generator works."},
	"resume-generator": {Kind: "good", Strong: "Resumed.", Text: "The generator is used again."},
	"claim":            {Kind: "good", Strong: "Claimed.", Text: "If the client accepts, the order arrives by itself."},
}

// seeOther leads from an act that was done to the page that says so, so that loading it
// again repeats nothing.
func (c *console) seeOther(w http.ResponseWriter, v visit, page, act string) {
	http.Redirect(w, v.Request, page+"?done="+act, http.StatusSeeOther)
}

// done returns the note about the act that the address names, or an empty one.
func (v visit) done() note { return acted[v.URL.Query().Get("done")] }

// askWithin is how long the marketplace or a provider may take. The time for the answer of
// the page is longer.
const askWithin = time.Minute

// asks gives a handler the time to ask the marketplace or a provider.
func asks(w http.ResponseWriter, v visit) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(askWithin + 15*time.Second)) // not every writer has one
	return context.WithTimeout(v.Context(), askWithin)
}
