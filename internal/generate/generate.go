// Package generate defines what a generator is: the interface, its requests and
// results, and the breaker that pauses a failing generator. The generators are in
// the packages below: exec runs the owner's program, provider calls services over
// HTTP, and canvas paints patterns. Package gentest holds the tests that each of
// them must pass.
//
// It must not know the marketplace, the database, the queue or the configuration
// file. Whether a file is what the service promises is for others to judge.
package generate

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"atelierd/internal/order"
)

const (
	// MaxFiles is the most files that one result may hold.
	MaxFiles = 20
	// MaxFileBytes is the most bytes of one file. The marketplace's guide says
	// 50 MB.
	MaxFileBytes = 50 << 20
)

// RunningExt ends the name of the record of a running program. It lies next to the
// output folder and has its name.
const RunningExt = ".pid"

// Generator makes the files for one round of an order.
type Generator interface {
	// Generate blocks until the work is done, has failed, or ctx has ended. On
	// success the result names at least one file or a URL. Every error is an
	// *order.Failure: Fail with order.CodeRefused when the order is refused for
	// good, Hold when the owner has to fix something, Retry when another attempt
	// may succeed, Stopped when ctx was cancelled. Its Cost and Log are set as far
	// as they are known. Generate may be called concurrently. A call to a program or a
	// service takes its limit from beat.Timeout, so that a long one is no hang.
	Generate(ctx context.Context, req Request) (Result, error)
	// Check reports whether the generator can work at all. It is cheap, spends
	// nothing and writes nothing. Its error is an *order.Failure of class Hold with
	// a Hint, or Stopped when ctx was cancelled.
	Check(ctx context.Context) error
}

// Request is what a generator learns of an order. All its text comes from
// strangers, except the owner's instructions.
type Request struct {
	OrderID string
	// Round is 0 for the first delivery and grows with each revision.
	Round int
	// Piece is the number of the piece of a subscription, from 1, and Ask is the
	// message that asks for it. For any other work they are 0 and empty.
	Piece int
	Ask   string
	// Attempt counts from 1. After a crash the same attempt runs again with the
	// same OutputDir.
	Attempt int
	Brief   string
	// BriefEnglish is the marketplace's translation of the brief, and BriefSpec the
	// brief taken apart: a JSON array or object. Both are empty when not said.
	BriefEnglish    string
	BriefSpec       json.RawMessage
	ReferenceURLs   []string
	ReferenceImages []string
	// RequirementAnswers is a JSON array or object, or nil.
	RequirementAnswers   json.RawMessage
	Messages             []Message
	Service              Service
	PreviousDeliverables []string
	// Instructions are what the owner wants done differently in this take, or empty, and
	// PreviousTakes what was made for the same work before. Neither is for clients.
	Instructions  string
	PreviousTakes []Take
	// Problems are what the assistant's check has found wrong with the take before. A model
	// wrote them from the texts of others.
	Problems []string
	// Prompt says in one text what to make. The service's template writes it from
	// the wish, the answers, the client's objections and the instructions. Programs may use it or the
	// fields above. Providers get nothing else.
	Prompt string
	// References are the client's pictures that could be fetched.
	References []Reference
	// Made lists the files for a check to look at. It is nil for a generator.
	Made []string
	// Notes are remarks on the request, such as a missing reference.
	Notes []string
	// Call is the record of the call that this run makes or resumes.
	Call Call `json:"-"`
	// OutputDir is the absolute folder of this attempt, created if it does not
	// exist. Files that are in it already stay and count.
	OutputDir string
}

// Wish returns what the client wants: Ask, or else the brief.
func (r Request) Wish() string { return cmp.Or(r.Ask, r.Brief) }

// Reference is a picture that the client linked to, fetched and checked.
type Reference struct {
	Path string // absolute and outside OutputDir; read only
	MIME string // image/png, ...
	URL  string // where it came from
}

// Take is one making of the files of the same work.
type Take struct {
	Number       int    `json:"take"`
	Instructions string `json:"instructions"`
	// Files are the paths of those that are still there, and URLs the links of those that
	// were uploaded.
	Files []string `json:"files,omitempty"`
	URLs  []string `json:"urls,omitempty"`
}

// Call is the durable record of one call of a generator, which may cost money. It
// is written before the call, so that no crash can hide the call.
type Call struct {
	// Key is a UUID that stays the same when this call is made again. It serves as
	// an idempotency key where the provider knows one. It is derived from the work, so
	// that a restored database gives the same call the same key.
	Key string
	// Ticket is the provider's id of the job if an earlier run stored one, or
	// empty. A run that has one never submits again.
	Ticket string
	// Resumed: an earlier run may have made the call already.
	Resumed bool
	// Began is when the call was first recorded.
	Began time.Time
	// Submitted makes the provider's id durable. It is called before the first
	// poll. After an error the run must end. It is nil outside the daemon.
	Submitted func(ticket string) error
	// Running is called when the provider says that the job still runs. It is nil
	// outside the daemon.
	Running func()
	// Progress is called with what the generator knows of how far it is. It may be called
	// often and does not block. It is nil if nobody looks.
	Progress func(order.Progress)
	// MakeRoom is called when there is no room on the disk for what was paid for. It
	// reports whether it has made some. It is nil outside the daemon.
	MakeRoom func() bool
}

// Report reports progress, if anybody looks.
func (c Call) Report(p order.Progress) {
	if c.Progress != nil {
		c.Progress(p)
	}
}

// Repeater is a Generator whose call may be made again under the same Key without
// being paid for twice. If it is a Finder too, it is asked for the job first.
type Repeater interface{ Repeats() bool }

// Finder is a Generator whose provider keeps its jobs under the keys of their calls.
// It is asked before a call is made, so that no job is begun twice.
type Finder interface {
	// Find returns the ticket of the job that was begun under the key, or "" if none is
	// known. It costs nothing. Its error is an *order.Failure, as that of Generate is.
	Find(ctx context.Context, key string) (ticket string, err error)
}

// Canceller is a Generator whose provider may cancel jobs that are not wanted any more.
type Canceller interface {
	// Cancels reports whether it can cancel jobs at all.
	Cancels() bool
	// Cancel cancels the job of a ticket if it waits or runs. Nothing is sent for a job
	// that is not known to, because some providers erase what has ended. It costs nothing
	// and may be called again. Its error is an *order.Failure: whether the job still runs
	// is unknown then.
	Cancel(ctx context.Context, ticket string) (order.CancelResult, error)
}

// Local is a Generator whose unfinished calls only the machine knows that began them. No
// other machine can resume one, even with its ticket.
type Local interface{ Local() bool }

// Limited is a Generator that has room for a limited number of calls.
type Limited interface {
	// Room returns nil if another call may begin now. Its error is an *order.Failure that
	// charges nothing. It is asked before a call is recorded.
	Room(ctx context.Context) error
}

// Committer is a Generator that keeps results until they are stored here.
type Committer interface {
	// Committed is called once the result of the ticket's job is durable. It may come a
	// second time, or not at all if the process ends.
	Committed(ctx context.Context, ticket string)
}

// Lister is a Generator whose provider lists its models.
type Lister interface {
	// Listing returns what the list says about the generator's model. It costs nothing.
	// Its error is an *order.Failure.
	Listing(ctx context.Context) (Listing, error)
}

// Listing is what a provider's list says about one model. The zero value says nothing.
type Listing struct {
	// Known: there is a list. Listed: it has the model.
	Known, Listed bool
	// Ends is when the provider shuts the model down, or zero.
	Ends time.Time
}

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

// Service is what the client ordered.
type Service struct {
	Title        string
	Category     string
	Deliverables []string
}

// Result is what a generator made: files, a link, or both.
type Result struct {
	// Files are absolute paths of regular files inside OutputDir, each not empty
	// and of at most MaxFileBytes, in the order of delivery.
	Files []string
	// URL is an absolute http or https link, or empty.
	URL string
	// MediaType is the marketplace's word for what was made (image, video, link,
	// document, code, text), or empty if unknown.
	MediaType string
	// Fetched: the files were fetched from where the provider put them, and the same call
	// can fetch them again.
	Fetched bool
	Cost    order.USD
	// Message is the generator's own remark on its work, or empty.
	Message string
	// Log is the tail of the generator's own log, at most 4 KB.
	Log string
}

// Stopped returns the failure of work that ctx has ended.
func Stopped(ctx context.Context) error {
	return &order.Failure{Class: order.Stopped, Code: order.CodeStopped, Err: context.Cause(ctx)}
}
