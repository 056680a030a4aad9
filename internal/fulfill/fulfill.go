// Package fulfill runs the stages of a job: generate the files of an order, upload
// and deliver them, find a price and quote it, write to the client. Each stage
// starts from what is durable and can run again after a crash at any point.
//
// It must not know SQL, leases, retries or how many orders there are.
package fulfill

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/secret"
)

// Store is what the stages need of the database. Its writes are durable when
// they return, and fail with class Lost once the job's lease is gone.
type Store interface {
	Order(ctx context.Context, id string) (order.Order, error)
	Artifacts(ctx context.Context, orderID string, kind order.Kind, round int) ([]order.Artifact, error)
	// Takes returns the takes of a round or a piece. The last one is made now.
	Takes(ctx context.Context, orderID string, kind order.Kind, round int) ([]order.Take, error)
	Delivery(ctx context.Context, orderID string, round int) (order.Delivery, bool, error)
	Uploaded(j order.Job, artifactID int64, url, media string) error
	// ObjectKey returns the key of a file in a storage of the owner's own. The first time
	// it records the fresh one.
	ObjectKey(j order.Job, a order.Artifact, place, fresh string) (key string, err error)
	Intend(j order.Job, urls []string) error
	Withdraw(j order.Job, note string) error

	// Redelivery returns the redelivery of a round that is not over; ok is false if
	// there is none.
	Redelivery(ctx context.Context, orderID string, round int) (r order.Redelivery, ok bool, err error)
	IntendAgain(j order.Job, r order.Redelivery, urls []string) error
	WithdrawAgain(j order.Job, r order.Redelivery, note string) error

	Quote(ctx context.Context, orderID string) (order.Quote, bool, error)
	// PastOrders returns what completed orders of a service were sold for and have cost.
	PastOrders(ctx context.Context, service string) ([]order.Past, error)
	IntendQuote(j order.Job) error
	WithdrawQuote(j order.Job, note string) error

	Outgoing(ctx context.Context, orderID string, position int) (order.Outgoing, error)
	IntendMessage(j order.Job, body string) error
	WithdrawMessage(j order.Job, note string) error
	// SentAlike returns how many other messages with the same text were sent.
	SentAlike(ctx context.Context, m order.Outgoing) (int, error)
	// ReconciledSince reports whether the ledger was reconciled at the time or later.
	ReconciledSince(ctx context.Context, at time.Time) (bool, error)
	// Thread returns the stored thread, with what webhooks have added. MergeThread
	// adds what a read showed first.
	Thread(ctx context.Context, orderID string) ([]order.Message, error)
	MergeThread(ctx context.Context, orderID string, shown []order.Message) ([]order.Message, error)

	Pieces(ctx context.Context, orderID string) ([]order.Piece, error)
	// AskFromBrief opens piece 1 with the order's brief as the request, once.
	AskFromBrief(j order.Job) error
	// ReadThread makes the thread of an order due to be read now.
	ReadThread(orderID string) error

	// PauseOf returns the pause that keeps work for a service from beginning; ok is false
	// if there is none. BeginCall and IntendQuote keep to it too.
	PauseOf(ctx context.Context, service string) (p order.Pause, ok bool, err error)
	// ClientAhead returns how many orders of the order's client are in work that came before
	// it.
	ClientAhead(ctx context.Context, orderID string) (int, error)

	OpenCalls(ctx context.Context, j order.Job, p order.Purpose) ([]order.Call, error)
	// UnusedCall returns the last call of a job for a purpose if it is done and no attempt has
	// used or rejected what it made. ReopenCall opens it again.
	UnusedCall(ctx context.Context, j order.Job, p order.Purpose) (c order.Call, ok bool, err error)
	ReopenCall(j order.Job, id int64) error
	// CutCalls returns how many calls for a purpose since a time have an unknown outcome.
	CutCalls(ctx context.Context, j order.Job, p order.Purpose, since time.Time) (int, error)
	// Prompts returns what the assistant wrote for an order. PutPrompt stores the prompt of a
	// take, and closes the call that wrote it at its cost; nil if none did.
	Prompts(ctx context.Context, orderID string) ([]order.Prompt, error)
	PutPrompt(j order.Job, p order.Prompt, c *order.Call) error
	// Checks returns what the assistant found in the files of an order. PutCheck stores what
	// it found in those of a take, and closes the call that found it at its cost; nil if none
	// did. OpenNextTake opens the take that follows.
	Checks(ctx context.Context, orderID string) ([]order.Check, error)
	PutCheck(j order.Job, c order.Check, call *order.Call) error
	OpenNextTake(j order.Job, n order.NextTake) error
	BeginCall(j order.Job, c order.NewCall) (order.Call, error)
	CallSubmitted(id int64, ticket string) error
	// CallLate records that the result of a call is late and returns since how long;
	// CallRuns that its job runs.
	CallLate(id int64) (time.Duration, error)
	CallRuns(id int64) error
	// FirstLater returns when the job's generator first could not work; zero if it could.
	FirstLater(ctx context.Context, j order.Job) (time.Time, error)
	CloseCall(id int64, state order.CallState, cost order.USD, note string) error
	PutReferences(j order.Job, files []order.Artifact) error
	Remark(j order.Job, what string, texts []string) error
	SameFile(ctx context.Context, j order.Job, sha256 string) (inOrder string, err error)
}

// Links fetches what clients link to; *fetch.Client implements it.
type Links interface {
	Fetch(ctx context.Context, link string, w io.Writer) (int64, error)
}

// Market is what the stages need of the marketplace; *atelier.Client implements it.
type Market interface {
	Upload(ctx context.Context, orderID string, f atelier.File) (atelier.Uploaded, error)
	Deliver(ctx context.Context, orderID string, pieces []atelier.Deliverable) error
	Order(ctx context.Context, id string) (order.Facts, error)
	OrdersInParts(ctx context.Context, statuses []order.Status, take func(order.Listing) error) error
	Messages(ctx context.Context, orderID string) ([]order.Message, error)
	Quote(ctx context.Context, orderID string, price order.USD) error
	SendMessage(ctx context.Context, orderID, text string) error
}

// Sightings knows where this process has seen orders stand; *intake.Sightings
// implements it.
type Sightings interface {
	Seen(id string, kind order.Kind) order.Sighting
	// Read records what a read of one order showed that began at the given time, Glimpsed
	// the same of a listing, and Silent that a read had no answer.
	Read(f order.Facts, at time.Time)
	Glimpsed(list []order.Facts, at time.Time)
	Silent()
}

// Budget counts the requests to the marketplace.
type Budget interface {
	// Wait returns how long a request has to wait until one is left.
	Wait(ctx context.Context, kind order.RequestKind) time.Duration
}

// Service is what the stages know of a service on offer.
type Service struct {
	Title        string
	Category     string
	Deliverables []string
	// Generators are the service's generator and its fallbacks, which stand in while
	// it is down.
	Generators []Generator
	// Prompt writes the prompt for the generator; nil is the default.
	Prompt *prompt.Prompt
	// PromptBy writes the prompt in place of the template; nil leaves it to that.
	PromptBy *Assistant
	// Check has the assistant look at what was made; nil for no look.
	Check *Check
	// Instructions are the owner's words to the assistant about prices and replies.
	Instructions string
	// Reply is how the assistant answers clients; nil for not at all.
	Reply *Reply
	// FromLast gives the pictures of the last round to the next one, to be changed.
	FromLast     bool
	Requirements Requirements
	// Approval, if it is not nil, holds finished files before they are uploaded.
	// QuoteApproval holds a price before it is quoted.
	Approval      *order.Failure
	QuoteApproval *order.Failure
	// Pricing finds the price of a quote; nil leaves it to the owner.
	Pricing *Pricing
	// Window is how the paid window of a subscription is served; its zero value is a
	// service without one. Pieces: each message in the window asks for a piece.
	Window order.PaidWindow
	Pieces bool
	// Quota is how many pieces a window has unless the marketplace says it; 0 is
	// without limit.
	Quota int
	// Templates are the templates of messages to clients, by name. A message whose
	// template is missing is not sent.
	Templates map[string]*message.Template
	// Storage takes the files in place of the marketplace; nil for the marketplace.
	Storage Storage
}

// messageFor returns the message of a template, if it is on.
func (s Service) messageFor(template, reason string) []order.NewMessage {
	if s.Templates[template] == nil {
		return nil
	}
	return []order.NewMessage{{Reason: reason}}
}

// Options are the settings of a Fulfiller. Log, MaxTries, Generators, Caps and Links
// are optional.
type Options struct {
	Store  Store
	Market Market
	Budget Budget
	// Sightings decides whether a new call may begin; nil lets every call begin.
	Sightings Sightings
	// Agent is the agent's id, from which the keys of calls are derived.
	Agent string
	// Services are the services on offer, by title.
	Services map[string]Service
	// Now returns a service as it is configured now, which may be later than this
	// Fulfiller. What an attempt has made waits for the approval that is wanted now. Nil
	// is the Services.
	Now func(title string) (Service, bool)
	// Generators are all configured generators, by name. An open call is resumed by
	// the generator that began it, even if the service has another one now.
	Generators map[string]Generator
	// Clients returns the owner's rules for clients as they are now; nil is none.
	Clients func() order.ClientRules
	// Caps are the most that generators may spend.
	Caps order.Caps
	// Links fetches the pictures that clients link to; nil fetches none.
	Links Links
	// Shrinker makes the pictures that the assistant looks at; nil shows it only pictures that
	// are small enough.
	Shrinker Shrinker
	// Secrets returns what finds the secrets that nothing sent to a client may contain;
	// nil for none.
	Secrets func() *secret.Redactor
	// Dir is the data folder.
	Dir string
	// Reserve is how many bytes of the disk a paid call takes for its result before it is
	// made; 0 takes none.
	Reserve int64
	// SettleWindow is how long a request without an answer may still take effect at
	// the marketplace. Only a look that begins later can show that it did not.
	SettleWindow time.Duration
	// MaxTries is how often one delivery, quote or message is sent, each time after
	// a look that did not find it, until the order is held; 0 is 20.
	MaxTries int
	// Ready is asked before a new call, and before anything is sent in the agent's name.
	// Until it returns nil that waits with its failure. Nil is always ready.
	Ready func(j order.Job) error
	// Held is asked right before a paid call is sent. After an error it is not.
	Held func() error
	// Compared returns when this process has compared the ledger with the marketplace; zero
	// before that. Nil is zero. What a full thread does not show may have been sent before
	// that and forgotten: a copy of the whole folder may have been put back without a trace.
	Compared func() time.Time
	// Progress is called with how far the work on a job is, often, and does not block; may
	// be nil.
	Progress func(j order.Job, p order.Progress)
	// Shown is called with an order that a listing showed; may be nil.
	Shown func(ctx context.Context, f order.Facts)
	Log   *slog.Logger
}

// Fulfiller runs stages. It keeps no state between them.
type Fulfiller struct{ o Options }

// New returns a Fulfiller.
func New(o Options) *Fulfiller {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Secrets == nil {
		none := secret.NewRedactor(nil)
		o.Secrets = func() *secret.Redactor { return none }
	}
	if o.Held == nil {
		o.Held = func() error { return nil }
	}
	if o.Ready == nil {
		o.Ready = func(order.Job) error { return nil }
	}
	if o.Compared == nil {
		o.Compared = func() time.Time { return time.Time{} }
	}
	if o.Shown == nil {
		o.Shown = func(context.Context, order.Facts) {}
	}
	if o.Progress == nil {
		o.Progress = func(order.Job, order.Progress) {}
	}
	if o.Clients == nil {
		o.Clients = func() order.ClientRules { return order.ClientRules{} }
	}
	if o.Now == nil {
		o.Now = func(title string) (Service, bool) { s, ok := o.Services[title]; return s, ok }
	}
	if o.MaxTries == 0 {
		o.MaxTries = 20
	}
	if dir, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = dir // programs get absolute paths
	}
	return &Fulfiller{o}
}

// Run runs the stage of a job. Its error is an *order.Failure, or means Retry. The
// commands in hints name the order.
func (f *Fulfiller) Run(ctx context.Context, j order.Job) (order.Result, error) {
	o, err := f.o.Store.Order(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, hostsFault(j, err)
	}
	if o.Damage != "" && !j.ByOwner {
		return order.Result{}, order.Failf(order.Hold, order.CodeRowDamaged, "%s", o.Damage).
			WithHint("check the disk; %s works on it with what can be read, %s gives it up",
				order.Command("orders retry", o.ID), order.Command("orders cancel", o.ID))
	}
	if o.TooLarge && (j.Stage == order.StageGenerate || j.Stage == order.StagePrice) {
		return order.Result{}, order.TooLarge(o.ID)
	}
	result, err := f.stage(ctx, j, o)
	err = f.later(ctx, j, o, hostsFault(j, err))
	if fail, ok := errors.AsType[*order.Failure](err); ok {
		return order.Result{}, fail.For(j.OrderID)
	}
	if result.Hold != nil {
		result.Hold = result.Hold.For(j.OrderID)
	}
	return result, err
}

// now returns a service as it is configured now, or as it was if it is no longer.
func (f *Fulfiller) now(s Service) Service {
	if now, ok := f.o.Now(s.Title); ok {
		return now
	}
	return s
}

func (f *Fulfiller) stage(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	switch j.Stage {
	case order.StageGenerate:
		return f.generate(ctx, j, o)
	case order.StageUpload:
		return f.upload(ctx, j, o)
	case order.StageDeliver:
		return f.deliver(ctx, j, o)
	case order.StagePrice:
		return f.price(ctx, j, o)
	case order.StageQuote:
		return f.quote(ctx, j, o)
	case order.StageWrite:
		return f.reply(ctx, j, o)
	case order.StageSend:
		return f.message(ctx, j, o)
	}
	return order.Result{}, order.Failf(order.Hold, order.CodeUnknownStage, "stage %q is unknown to this version", j.Stage).
		WithHint("install the newer version again, then %s", order.Command("orders retry", j.OrderID))
}
