// Package generate turns a brief into files: the Generator interface, the
// back ends behind it, and the registry that names them.
//
// It must not know the marketplace, the database, the queue or the
// configuration file. Whether a file is one that the service promised is for
// others to judge; here it is only made sure that it is an ordinary file in the
// place where it belongs.
package generate

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"atelierd/internal/order"
)

const (
	// MaxFiles is the most that one result may hold.
	MaxFiles = 20
	// MaxFileBytes is the most that one file may have; the marketplace's guide
	// says 50 MB.
	MaxFileBytes = 50 << 20
)

// Generator makes the files of one round of an order.
type Generator interface {
	// Generate blocks until the work is done, has failed, or ctx has ended. On
	// success the result names at least one file or a URL. Every error is an
	// *order.Failure: Fail with the code refused when the order will never be
	// taken, Hold when the owner has to mend something, Retry when another
	// attempt may do better, Stopped when ctx was cancelled. Its Cost and Log
	// are set as far as they are known. Calls may run at the same time.
	Generate(ctx context.Context, req Request) (Result, error)
	// Check says whether the generator can work at all. It is cheap, spends
	// nothing and writes nothing; its error is an *order.Failure of class Hold
	// with a Hint, or Stopped when ctx was cancelled.
	Check(ctx context.Context) error
}

// Request is what a generator is told of an order. All its text is a
// stranger's.
type Request struct {
	OrderID string
	// Round is 0 for the first delivery and rises with each revision.
	Round int
	// Piece is the number, from 1, of the piece of a subscription that is to be
	// made, and Ask the message by which the client asks for it; 0 and empty for
	// any other work.
	Piece int
	Ask   string
	// Attempt counts from 1. After a crash the same attempt is made again, with
	// the same OutputDir.
	Attempt         int
	Brief           string
	ReferenceURLs   []string
	ReferenceImages []string
	// RequirementAnswers is a JSON array or object, or nil.
	RequirementAnswers   json.RawMessage
	Messages             []Message
	Service              Service
	PreviousDeliverables []string
	// Prompt is what to make in one text, written by the service's template from
	// the wish, the answers and what the client has objected to. Programs may use
	// it or the fields above; providers get nothing else.
	Prompt string
	// References are the client's pictures, as far as they could be had.
	References []Reference
	// Made are the files that a check is to look at; nil for a generator.
	Made []string
	// Notes are remarks on the request, such as a reference that is missing.
	Notes []string
	// Call is the record of the call that this run makes or goes on with.
	Call Call
	// OutputDir is the absolute folder of this attempt; it is made when it does
	// not exist. What lies in it already is left there, and counts.
	OutputDir string
}

// Wish is what is to be made: what the client asks for now, or else the brief.
func (r Request) Wish() string { return cmp.Or(r.Ask, r.Brief) }

// Reference is a picture that the client has linked to, fetched and looked at.
type Reference struct {
	Path string // absolute, outside OutputDir; not to be changed
	MIME string // image/png, ...
	URL  string // where it came from
}

// Call is the durable record of one call of a generator, which may cost money.
// It is written before the call, so that no crash can hide it.
type Call struct {
	// Key is a UUID, the same whenever this call is made again: an idempotency
	// key for whoever honours one.
	Key string
	// Ticket is the provider's own id of the job, committed by an earlier run;
	// empty when there is none. A run that has one never submits again.
	Ticket string
	// Resumed says that an earlier run may have made the call already.
	Resumed bool
	// Began is when the call was first recorded.
	Began time.Time
	// Submitted makes the provider's id durable. It is called before the first
	// poll; after an error the run must end. It is nil outside the daemon.
	Submitted func(ticket string) error
}

// Repeater is a Generator whose call may be made again under the same Key
// without being paid for twice.
type Repeater interface{ Repeats() bool }

// Pricer finds the price of an order that asks for a quote.
type Pricer interface {
	// Price blocks until the price is known, has failed, or ctx has ended. Its
	// error is an *order.Failure, as that of Generate is. Fail with the code
	// refused means that the order is not wanted at any price.
	Price(ctx context.Context, req Request) (order.USD, error)
}

// Checker looks at finished work before it is uploaded.
type Checker interface {
	// CheckFiles returns nil when the files may go to the client. Its error is an
	// *order.Failure. Fail with the code refused is a veto of these files.
	CheckFiles(ctx context.Context, req Request, files []string) error
}

// Message is one message of the order's thread.
type Message struct {
	From string
	Text string
	At   time.Time
}

// Service is what was promised to the client.
type Service struct {
	Title        string
	Category     string
	Deliverables []string
}

// Result is what a generator made: files, a link, or both.
type Result struct {
	// Files are absolute paths of ordinary, non-empty files inside OutputDir, of
	// at most MaxFileBytes each, in the order in which they are to be delivered.
	Files []string
	// URL is an absolute http or https link, or empty.
	URL string
	// MediaType is the marketplace's word for what was made (image, video, link,
	// document, code, text), or empty when the generator did not say.
	MediaType string
	Cost      order.USD
	// Message is what the generator has to say about its work; it may be empty.
	Message string
	// Log is the tail of what the generator wrote about itself, at most 4 KB.
	Log string
}

// Stopped returns the failure of work that ctx has ended.
func Stopped(ctx context.Context) error {
	return &order.Failure{Class: order.Stopped, Code: order.CodeStopped, Err: context.Cause(ctx)}
}
