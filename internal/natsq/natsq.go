// Package natsq carries calls of generators from an agent to workers on other machines, over
// NATS JetStream. It defines the messages, one record for each call, a queue for each route,
// the files of a call, and the list of workers. What a call means is decided by package cluster
// on the agent's side and by package worker on the other.
//
// A record is changed only by compare-and-set on the revision that was read, so no two workers
// make the same call. What was read may be out of date until such a change succeeds.
//
// Opening creates nothing. Setup creates the stream and the buckets.
//
// The package must not know orders, the marketplace, the database or the configuration
// file. It alone imports the client of NATS.
package natsq

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Version is the version of the messages. A worker refuses calls of a newer version.
const Version = 1

// The names of the stream and the buckets.
const (
	StreamJobs    = "GEN"
	BucketState   = "gen_state"
	BucketWorkers = "gen_workers"
)

// BucketIn returns the bucket of the pictures that calls of a route come with, BucketOut that
// of their results. Each route has its own, so that a worker can read only those of its routes.
func BucketIn(route string) string { return "gen_in_" + route }

// BucketOut is described at BucketIn.
func BucketOut(route string) string { return "gen_out_" + route }

// Times and limits of the queue.
const (
	// AckWait is how long after the last sign of a worker its call goes to another one.
	AckWait = time.Minute
	// Beat is how often a worker shows that it works on a call.
	Beat = 10 * time.Second
	// Dead is how long after its last beat the worker of a call counts as dead.
	Dead = 45 * time.Second
	// Keep is how long records and files are kept. A call may be open for days.
	Keep = 30 * 24 * time.Hour
	// present is how long a worker is shown after it was last heard of.
	present = 45 * time.Second
	// MaxCall is the most bytes of a call without its files.
	MaxCall = 1 << 20
)

// State is the state of a call.
type State string

// The states of a call. A call that ended is Done, Failed, Refused, Cancelled or Unknown.
const (
	// Wanted: no worker has begun it.
	Wanted State = "wanted"
	// Calling: a worker makes the paid call. Whoever claims it writes this first.
	Calling State = "calling"
	// Submitted: the provider's id is known.
	Submitted State = "submitted"
	// Stopping: the agent does not need it any more, and asks its worker to cancel it.
	Stopping State = "stopping"
	Done     State = "done"
	Failed   State = "failed"
	Refused  State = "refused"
	// Cancelled: the agent withdrew it before a worker began it.
	Cancelled State = "cancelled"
	// Unknown: its worker is gone, and no other can resume it. A late result still ends it.
	Unknown State = "unknown"
)

// next has the states that may follow each state. One that a worker has lost and finds
// again may be Calling again: its generator makes the same call once.
var next = map[State][]State{
	Wanted:    {Calling, Cancelled},
	Calling:   {Calling, Submitted, Stopping, Done, Failed, Refused, Unknown},
	Submitted: {Submitted, Stopping, Done, Failed, Refused, Unknown},
	Stopping:  {Stopping, Done, Failed, Refused},
	Unknown:   {Submitted, Done, Failed, Refused},
	Done:      {Done},
	Failed:    {Failed},
	Refused:   {Refused},
}

// Ended reports whether no worker works on the call.
func (s State) Ended() bool {
	return slices.Contains([]State{Done, Failed, Refused, Cancelled, Unknown}, s)
}

// Record is the stored state of a call.
type Record struct {
	Version int   `json:"v"`
	State   State `json:"state"`
	// Worker is the name of the worker that has claimed the call.
	Worker string `json:"worker,omitempty"`
	// Local: only the worker that has begun it can resume it, even with a ticket.
	Local bool `json:"local,omitempty"`
	// Ticket is the provider's id.
	Ticket string `json:"ticket,omitempty"`
	// Began is when the worker began the call.
	Began time.Time `json:"began,omitzero"`
	// Note is why a result is not there yet, or empty.
	Note     string         `json:"note,omitempty"`
	Progress order.Progress `json:"progress,omitzero"`
	Result   *Result        `json:"result,omitempty"`
	Failure  *Failure       `json:"failure,omitempty"`
	// Stored: the agent has the result, so its files may be removed.
	Stored bool `json:"stored,omitempty"`
}

// Result is what a call made.
type Result struct {
	Files     []File    `json:"files,omitempty"`
	URL       string    `json:"url,omitempty"`
	MediaType string    `json:"media_type,omitempty"`
	Cost      order.USD `json:"cost,omitempty"`
	Message   string    `json:"message,omitempty"`
	Log       string    `json:"log,omitempty"`
}

// File is a file in a bucket.
type File struct {
	// Object is its name in the bucket, Name the file's own.
	Object string `json:"object"`
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// MIME and URL are those of a picture of the client.
	MIME string `json:"mime,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Failure is an order.Failure on the wire.
type Failure struct {
	Class  order.Class   `json:"class"`
	Code   order.Code    `json:"code"`
	Text   string        `json:"text"`
	Hint   string        `json:"hint,omitempty"`
	After  time.Duration `json:"after,omitempty"`
	Outage bool          `json:"outage,omitempty"`
	Cost   order.USD     `json:"cost,omitempty"`
	Charge order.Charge  `json:"charge,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Log    string        `json:"log,omitempty"`
}

// FailureOf returns the failure for the wire.
func FailureOf(f *order.Failure) *Failure {
	return &Failure{
		Class: f.Class, Code: f.Code, Text: f.Error(), Hint: f.Hint, After: f.After, Outage: f.Outage,
		Cost: f.Cost, Charge: f.Charge, Reason: f.Reason, Log: f.Log,
	}
}

// Failure returns the failure of the wire.
func (f *Failure) Failure() *order.Failure {
	return &order.Failure{
		Class: f.Class, Code: f.Code, Err: errors.New(f.Text), Hint: f.Hint, After: f.After, Outage: f.Outage,
		Cost: f.Cost, Charge: f.Charge, Reason: f.Reason, Log: f.Log,
	}
}

// name matches the names of routes and workers. They are parts of subjects.
var name = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

// ValidName reports whether a route or a worker may have the name.
func ValidName(s string) bool { return name.MatchString(s) }

// token returns a text as a part of a subject, in which a few characters have a meaning.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// The errors of a queue. Any other error means that NATS did not answer.
var (
	// ErrAbsent: there is no record of the call.
	ErrAbsent = errors.New("there is no record of the call")
	// ErrChanged: somebody else has changed the record since it was read.
	ErrChanged = errors.New("somebody else has changed the record")
	// ErrNotSetUp: the stream or a bucket is not there.
	ErrNotSetUp = errors.New("NATS has no stream GEN or lacks a bucket")
	// ErrDamaged: a file is not what was stored.
	ErrDamaged = errors.New("a file in NATS is not what was stored")
)
