package order

import (
	"encoding/json"
	"time"
)

// Kind is a kind of durable work for an order.
type Kind string

// The kinds of work.
const (
	// KindDelivery generates, uploads and delivers the files of one round.
	KindDelivery Kind = "delivery"
	// KindQuote finds the price of an order and quotes it to the client.
	KindQuote Kind = "quote"
	// KindPiece generates and uploads one piece of a subscription. Its link goes to
	// the client in a message.
	KindPiece Kind = "piece"
	// KindMessage sends one message of the outbox to the client. A reply of the assistant is
	// written first.
	KindMessage Kind = "message"
)

// Stage is a step of a job. The result of each stage is durable before the next
// begins. Each stage counts its own attempts.
type Stage string

// The stages of a delivery, in order. A piece has the first two.
const (
	StageGenerate Stage = "generate"
	StageUpload   Stage = "upload"
	StageDeliver  Stage = "deliver"
)

// The stages of a quote and of a message, each in order. Only a reply of the assistant has
// StageWrite.
const (
	StagePrice Stage = "price"
	StageQuote Stage = "quote"
	StageWrite Stage = "write"
	StageSend  Stage = "send"
)

// Lane is a group of stages that share workers. Generating is slow and limited by
// the owner. Requests to the marketplace are limited by its counts.
type Lane string

// The two lanes.
const (
	LaneGenerate Lane = "generate"
	LaneNetwork  Lane = "network"
)

// Lane returns the workers that run the stage.
func (s Stage) Lane() Lane {
	if s == StageGenerate || s == StagePrice || s == StageWrite {
		return LaneGenerate
	}
	return LaneNetwork
}

// JobState is the state of a job.
type JobState string

// The states of a job.
const (
	JobReady     JobState = "ready"
	JobLeased    JobState = "leased"
	JobHeld      JobState = "held"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Job is the leased work of one worker.
type Job struct {
	ID      int64
	OrderID string
	Kind    Kind
	// Round counts the deliveries of an order from 0. For a piece it is its number,
	// for a message its position in the outbox, for a quote 0.
	Round int
	Stage Stage
	// Attempt counts from 1 within the stage. After a crash or a stop the same
	// attempt is made again.
	Attempt int
	// Token is the fencing token of the lease. Every write about the job names it,
	// and has no effect once the lease is lost.
	Token string
	// AttemptID is the row of the attempt, written with the lease.
	AttemptID int64
	DueAt     time.Time
	CreatedAt time.Time
	// ByOwner: the owner has had the job tried again.
	ByOwner bool
	// Redone: the owner has had its files made again, so what a provider has from
	// before is not used.
	Redone bool
}

// Result is the result of a stage. It is committed in one transaction, under the
// job's fencing token.
type Result struct {
	// Next is the next stage; empty when the job is done.
	Next Stage
	// Artifacts are the files of a generate stage.
	Artifacts []Artifact
	// Delivery is how a deliver stage ended the round; empty otherwise.
	Delivery DeliveryState
	// Redelivery is how a deliver stage ended the redelivery of a round; empty
	// otherwise.
	Redelivery DeliveryState
	// Priced is the price that a price stage found, Quote how a quote stage ended,
	// and Sent how a send stage ended; empty otherwise.
	Priced *Priced
	Quote  QuoteState
	Sent   OutState
	// Draft is the text of the reply that a write stage wrote; empty otherwise.
	Draft string
	// Messages go to the client after the result.
	Messages []NewMessage
	// Hold holds the next stage for the owner; nil lets it run.
	Hold *Failure
	// Note is a remark for the order's timeline.
	Note string
	// Asked is the call of the assistant whose answer the result is. It is closed with the
	// result at its cost; nil for none.
	Asked *Call
	// Cost is what the attempt spent besides the order's calls, which have their own
	// cost.
	Cost USD
	Log  string
}

// Done is a finished attempt, with its Failure, or with its Result if that is nil.
type Done struct {
	Job     Job
	Result  Result
	Failure *Failure
	// RunAt is when a failure of class Retry or Wait is tried again.
	RunAt time.Time
}

// Asked returns the call of the assistant that ends with the attempt; nil for none.
func (d *Done) Asked() *Call {
	if d.Failure != nil {
		return d.Failure.Asked
	}
	return d.Result.Asked
}

// Turn is what a worker gets when it reports an attempt and asks for a job.
type Turn struct {
	// Lost: the reported attempt had lost its lease, so only its outcome was
	// recorded.
	Lost bool
	// Job is the next job, or nil if none of the lane is due.
	Job *Job
	// Next is when the lane's next job is due; zero if there is none.
	Next time.Time
}

// Order is an order with what the database adds to the marketplace's facts.
type Order struct {
	Facts
	State State
	Round int
	// Service is the title of the configured service, or empty if there is none.
	Service string
	DueAt   time.Time
	SeenAt  time.Time
	// Code, Reason and Hint say why the order is held or has failed.
	Code         Code
	Reason, Hint string
	// MissingAt is when the marketplace stopped listing it; zero if it lists it.
	MissingAt time.Time
	// ThreadReadAt is when its thread was last read, and ThreadDueAt when it is read next;
	// zero if it was not, or is not.
	ThreadReadAt, ThreadDueAt time.Time
	// ClientApproved: the owner has it worked on whatever the rules for clients say.
	ClientApproved bool
	// Review is what the client said of the work, as far as it has been read.
	Review Review
	// Removed is what of its history is no longer kept.
	Removed Removed
	// Damage names what of the order's row in the database cannot be read, and is zero
	// here; empty for none.
	Damage string
}

// Artifact is one file of a round, checked and stored, or a link that is delivered
// as it is.
type Artifact struct {
	ID      int64
	OrderID string
	Kind    Kind // of its work: a delivery or a piece
	Round   int
	// Take is 1, and grows each time that the owner has the files made again.
	Take     int
	Position int
	// Path is relative to the data folder; empty for an external link.
	Path   string
	Name   string // its name at the marketplace
	Bytes  int64
	SHA256 string
	MIME   string // image/png, video/mp4, ...
	Media  string // the marketplace's media type: image or video
	Width  int
	Height int
	// URL is where the client gets the file; empty until it is uploaded.
	URL string
	// Removed is since when the file is no longer kept; zero while it is.
	Removed time.Time
}

// Take is one making of the files of a round or a piece. The owner, or the assistant's check,
// opens another to have them made again.
type Take struct {
	Kind  Kind
	Round int
	N     int
	// Instructions are the owner's words for the generator, or empty.
	Instructions string
	// FromThese: the pictures of the take before are references of this one.
	FromThese bool
	// ByCheck: the assistant's check has opened it.
	ByCheck bool
	// SameAs is the earlier take whose files it has; 0 if they are made for it.
	SameAs int
	Opened time.Time // zero for the first
	Files  []Artifact
}

// Copies reports whether the files of an earlier take are to become those of this one.
func (t Take) Copies() bool { return t.SameAs > 0 && t.SameAs < t.N && len(t.Files) == 0 }

// Redo is what the owner wants to have made again, and how.
type Redo struct {
	// Piece is the number of one piece of a subscription. 0 means the round, or all pieces
	// that failed.
	Piece        int
	Instructions string
	FromThese    bool
	// Files are the numbers of those that are wrong, from 1, in the order of the last take.
	// None means all. The instructions name them, since a generator makes all files.
	Files []int
}

// DeliveryState is the state of a delivery.
type DeliveryState string

// The states of a delivery. One in state Sending may have reached the marketplace,
// so it is looked for before it is sent again.
const (
	DeliverySending   DeliveryState = "sending"
	DeliveryRefused   DeliveryState = "refused"
	DeliveryConfirmed DeliveryState = "confirmed"
	// DeliveryElsewhere: somebody else delivered the round, and ours was not sent.
	DeliveryElsewhere DeliveryState = "elsewhere"
	// DeliveryWanted and DeliveryDropped: a redelivery that is to be sent, and one
	// that is no longer needed.
	DeliveryWanted  DeliveryState = "wanted"
	DeliveryDropped DeliveryState = "dropped"
)

// Delivery is the durable record of the delivery of one round.
type Delivery struct {
	OrderID string
	Round   int
	State   DeliveryState
	URLs    []string
	// Tries counts the intents to send it.
	Tries  int
	SentAt time.Time
}

// Seen is what a look at one order at the marketplace showed.
type Seen struct {
	Facts Facts
	// At is when the look began. What it shows may be as old as that.
	At time.Time
}

// EncodeStrings returns a list as a JSON array, never null.
func EncodeStrings[S ~string](list []S) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "[]" // strings always marshal
	}
	return string(b)
}
