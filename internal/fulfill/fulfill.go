// Package fulfill is what a stage does: generate the files of an order, upload
// them, deliver them; find a price and ask for it; write to the client. Each stage starts from what is durable and can be run
// again after a crash at any point of it.
//
// It must not know SQL, leases, retries or how many orders there are.
package fulfill

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// Store is what the stages need of the database. Its writes are durable when
// they return, and fail with class Lost once the job's lease is gone.
type Store interface {
	Order(ctx context.Context, id string) (order.Order, error)
	Artifacts(ctx context.Context, orderID string, kind order.Kind, round int) ([]order.Artifact, error)
	Delivery(ctx context.Context, orderID string, round int) (order.Delivery, bool, error)
	Uploaded(j order.Job, artifactID int64, url, media string) error
	Intend(j order.Job, urls []string) error
	Withdraw(j order.Job, note string) error

	Quote(ctx context.Context, orderID string) (order.Quote, bool, error)
	IntendQuote(j order.Job) error
	WithdrawQuote(j order.Job, note string) error

	Outgoing(ctx context.Context, orderID string, position int) (order.Outgoing, error)
	IntendMessage(j order.Job, body string) error
	WithdrawMessage(j order.Job, note string) error

	Pieces(ctx context.Context, orderID string) ([]order.Piece, error)

	OpenCalls(ctx context.Context, j order.Job) ([]order.Call, error)
	BeginCall(j order.Job, g order.Call, caps order.Caps) (order.Call, error)
	CallSubmitted(id int64, ticket string) error
	CloseCall(id int64, state order.CallState, cost order.USD, note string) error
	PutReferences(j order.Job, files []order.Artifact) error
	Remark(j order.Job, what string, texts []string) error
	SameFile(ctx context.Context, j order.Job, sha256 string) (inOrder string, err error)
}

// Links fetches what clients link to; *fetch.Client is one.
type Links interface {
	Fetch(ctx context.Context, link string, w io.Writer) (int64, error)
}

// Market is what the stages ask of the marketplace; *atelier.Client is one.
type Market interface {
	Upload(ctx context.Context, orderID string, f atelier.File) (atelier.Uploaded, error)
	Deliver(ctx context.Context, orderID string, pieces []atelier.Deliverable) error
	Order(ctx context.Context, id string) (order.Facts, error)
	Orders(ctx context.Context, statuses []order.Status) (order.Listing, error)
	Messages(ctx context.Context, orderID string) ([]order.Message, error)
	Quote(ctx context.Context, orderID string, price order.USD) error
	SendMessage(ctx context.Context, orderID, text string) error
}

// Budget says how long a call has to wait for a request to be left.
type Budget interface {
	Wait(ctx context.Context, call order.RequestKind) time.Duration
}

// Service is what the stages know of a service on offer.
type Service struct {
	Title        string
	Category     string
	Deliverables []string
	// Generators are the service's generator and, after it, those that stand in for
	// it while it is down.
	Generators []Generator
	// Prompt puts the client's wish into words for the generator; nil is the
	// default.
	Prompt *prompt.Prompt
	// FromLast hands the pictures of the round before to a later one, to be changed.
	FromLast bool
	// Requirements is what the files have to be.
	Requirements Requirements
	// Approval, if it is not nil, is what finished files wait for before they are
	// uploaded: the owner's approval, say. QuoteGate is that of a price.
	Approval      *order.Failure
	QuoteApproval *order.Failure
	// Pricing is how a quote gets its price; nil leaves it to the owner.
	Pricing *Pricing
	// Subscription: a delivery ends the client's paid window. Pieces: each
	// message in that window asks for a piece.
	Subscription bool
	Pieces       bool
	// Quota is how many pieces such an order has where the marketplace does not
	// say; 0 is without limit.
	Quota int
	// Templates are the templates of messages to clients, by name. One that is
	// missing is not sent.
	Templates map[string]*message.Template
}

// messageFor gives the message of a template, if it is on.
func (s Service) messageFor(template, reason string) []order.NewMessage {
	if s.Templates[template] == nil {
		return nil
	}
	return []order.NewMessage{{Reason: reason}}
}

// Options are the settings of a Fulfiller. All but Log, MaxTries, Makers, Caps and
// Links are needed.
type Options struct {
	Store  Store
	Market Market
	Budget Budget
	// Services are the services on offer, by title.
	Services map[string]Service
	// Generators are all configured generators, by name: a job that is under way is
	// gone on with by the one that began it, whatever the service says now.
	Generators map[string]Generator
	// Caps are the most that generators may spend.
	Caps order.Caps
	// Links fetches the pictures that clients link to; nil leaves them alone.
	Links Links
	// Dir is the data folder.
	Dir string
	// SettleWindow is how long a request that got no answer may still take effect at
	// the marketplace. Only a look begun later can show that it did not.
	SettleWindow time.Duration
	// MaxTries is how often one delivery is sent, each time after a look that
	// did not find it, before the owner is asked; 20.
	MaxTries int
	Log      *slog.Logger
}

// Fulfiller runs stages. It holds no state between them.
type Fulfiller struct{ o Options }

// New makes a Fulfiller.
func New(o Options) *Fulfiller {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxTries == 0 {
		o.MaxTries = 20
	}
	if dir, err := filepath.Abs(o.Dir); err == nil {
		o.Dir = dir // programs get absolute paths
	}
	return &Fulfiller{o}
}

// Run runs the job's stage. Its error is an *order.Failure or counts as Retry.
func (f *Fulfiller) Run(ctx context.Context, j order.Job) (order.Result, error) {
	o, err := f.o.Store.Order(ctx, j.OrderID)
	if err != nil {
		return order.Result{}, err
	}
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
		return f.quote(ctx, j)
	case order.StageSend:
		return f.message(ctx, j, o)
	}
	return order.Result{}, order.Failf(order.Hold, order.CodeUnknownStage, "stage %q is unknown to this version", j.Stage)
}

// keyRetry is how long work waits while the key is refused. It goes on at once
// when a poll finds the key accepted.
const keyRetry = 10 * time.Minute

// marketFailure adapts a failure of the marketplace to work in hand: a refused
// key or an outage is not the order's fault, so the work waits it out.
func marketFailure(err error) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		return err
	}
	own := *f
	switch {
	case f.Code == order.CodeKeyRefused:
		own.Class, own.After = order.Wait, keyRetry
	case f.Class == order.Retry && (atelier.OutcomeUnknown(err) || errors.Is(err, atelier.ErrNotSent)):
		own.Outage = true
	}
	return &own
}

// affordable is nil when the call may be sent now, else a failure of class Wait.
func (f *Fulfiller) affordable(ctx context.Context, call order.RequestKind) error {
	wait := f.o.Budget.Wait(ctx, call)
	if wait <= 0 {
		return nil
	}
	return &order.Failure{Class: order.Wait, Code: order.CodeBudget, After: wait,
		Err: fmt.Errorf("no %s request is left in this window", call)}
}

// folder is the folder of a job of an order, below a folder of the data folder.
// An order's id is foreign text: one that is not plainly a name is replaced by
// its hash.
func folder(below, orderID string, kind order.Kind, round int) string {
	name := orderID
	if !plain(orderID) {
		sum := sha256.Sum256([]byte(orderID))
		name = "x-" + hex.EncodeToString(sum[:16])
	}
	letter := map[order.Kind]string{order.KindPiece: "p", order.KindQuote: "q"}[kind]
	return filepath.Join(below, name, fmt.Sprintf("%s%d", cmp.Or(letter, "r"), round))
}

func plain(id string) bool {
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 80 && id[0] != '-'
}
