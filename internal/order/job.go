package order

import (
	"encoding/json"
	"time"
)

// Kind is a sort of durable work owed to an order.
type Kind string

// The kinds of work.
const (
	// KindDelivery makes, uploads and delivers the files of one round.
	KindDelivery Kind = "delivery"
	// KindQuote finds a price for an order and asks the client for it.
	KindQuote Kind = "quote"
	// KindPiece makes and uploads one piece of a subscription, whose link then
	// goes to the client in a message.
	KindPiece Kind = "piece"
	// KindMessage writes one message of the outbox to the client.
	KindMessage Kind = "message"
)

// Stage is a step of a job. The result of each stage is durable before the
// next begins, and attempts are counted for each stage on its own.
type Stage string

// The stages of a delivery, in their order; a piece has the first two.
const (
	StageGenerate Stage = "generate"
	StageUpload   Stage = "upload"
	StageDeliver  Stage = "deliver"
)

// The stages of a quote, in their order, and the one of a message.
const (
	StagePrice Stage = "price"
	StageQuote Stage = "quote"
	StageSend  Stage = "send"
)

// Lane is a group of stages that share workers: making files is slow and
// limited by the owner, talking to the marketplace is limited by its counts.
type Lane string

// The two lanes.
const (
	LaneGenerate Lane = "generate"
	LaneNetwork  Lane = "network"
)

// Lane says which workers run the stage.
func (s Stage) Lane() Lane {
	if s == StageGenerate || s == StagePrice {
		return LaneGenerate
	}
	return LaneNetwork
}

// JobState is where a job stands.
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

// Job is one leased piece of work: what a worker is given.
type Job struct {
	ID      int64
	OrderID string
	Kind    Kind
	// Round counts the deliveries of an order from 0. Of a piece it is its
	// number, of a message its position in the outbox, of a quote 0.
	Round int
	Stage Stage
	// Attempt counts from 1 within the stage. A crash or a stop in mid-work
	// does not raise it; the same attempt is then made again.
	Attempt int
	// Token is the fencing token of this lease. Every write about the job
	// carries it, and finds nothing once the lease is lost.
	Token string
	// AttemptID is the row of this attempt, written with the lease.
	AttemptID int64
	DueAt     time.Time
}

// Result is what a stage has achieved. It is committed in one transaction,
// under the job's fencing token.
type Result struct {
	// Next is the stage that follows; empty when the job is done.
	Next Stage
	// Artifacts are the files a generate stage has made.
	Artifacts []Artifact
	// Delivery says how a deliver stage has settled the round; empty otherwise.
	Delivery DeliveryState
	// Priced is the price that a price stage has found, Quote says how a quote
	// stage has settled, Sent how a send stage has; empty otherwise.
	Priced *Priced
	Quote  QuoteState
	Sent   OutState
	// Messages are messages that follow from the result.
	Messages []NewMessage
	// Hold makes the next stage wait for the owner; nil lets it go on.
	Hold *Failure
	// Note is a remark for the order's timeline.
	Note string
	// Cost is what the attempt has spent besides the generations of the order,
	// which are counted on their own.
	Cost USD
	Log  string
}

// Done is a finished attempt: Result when Failure is nil, else Failure.
type Done struct {
	Job     Job
	Result  Result
	Failure *Failure
	// RunAt is when a failure of class Retry or Wait may be tried again.
	RunAt time.Time
}

// Turn is what a worker gets when it reports one attempt and asks for more.
type Turn struct {
	// Lost: the reported attempt no longer held its lease; nothing of it was
	// recorded but its outcome.
	Lost bool
	// Job is the next job, or nil when none of the lane is due.
	Job *Job
	// Next is when the lane's next job falls due; zero when there is none.
	Next time.Time
}

// Order is what a stage knows of the order it works for.
type Order struct {
	Facts
	State State
	Round int
	// Service is the key of the configured service the order belongs to (its
	// title), or empty when it belongs to none.
	Service string
	DueAt   time.Time
	SeenAt  time.Time
	// Code, Reason and Hint say why it is held or failed.
	Code         Code
	Reason, Hint string
	// MissingAt is since when the marketplace no longer lists it; zero if it does.
	MissingAt time.Time
}

// Artifact is one file of a round, checked and kept on disk, or a link that is
// delivered as it is.
type Artifact struct {
	ID       int64
	OrderID  string
	Kind     Kind // of the work it was made for: a delivery or a piece
	Round    int
	Position int
	// Path is relative to the data folder; empty for an external link.
	Path   string
	Name   string // the file name shown to the marketplace
	Bytes  int64
	SHA256 string
	MIME   string // image/png, video/mp4, ...
	Media  string // the marketplace's media type: image or video
	Width  int
	Height int
	// URL is where the client sees the file: known once uploaded.
	URL string
}

// DeliveryState is how much is known of a delivery.
type DeliveryState string

// The states of a delivery. One that is Sending may or may not have reached
// the marketplace: it is looked for before it is ever sent again.
const (
	DeliverySending   DeliveryState = "sending"
	DeliveryRefused   DeliveryState = "refused"
	DeliveryConfirmed DeliveryState = "confirmed"
	// DeliveryElsewhere: somebody else delivered the order; ours was not sent.
	DeliveryElsewhere DeliveryState = "elsewhere"
)

// Delivery is the durable record of handing over one round.
type Delivery struct {
	OrderID string
	Round   int
	State   DeliveryState
	URLs    []string
	// Tries counts how often the request was about to be sent.
	Tries  int
	SentAt time.Time
}

// Seen is what a look at the marketplace showed of one order.
type Seen struct {
	Facts Facts
	// At is when the look began: an answer can be no newer than that.
	At time.Time
}

// EncodeStrings gives a list as a JSON array, never null.
func EncodeStrings(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "[]" // strings always marshal
	}
	return string(b)
}
