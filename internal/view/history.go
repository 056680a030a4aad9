package view

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// History is everything about one order.
type History struct {
	Order      Order       `json:"order"`
	Jobs       []Job       `json:"jobs"`
	Files      []File      `json:"files"`
	Takes      []Take      `json:"takes"`   // that the owner or the assistant's check has opened
	Prompts    []Prompt    `json:"prompts"` // that the assistant was to write
	Checks     []TakeCheck `json:"checks"`  // that the assistant was to make
	Attempts   []Attempt   `json:"attempts"`
	Calls      []Call      `json:"calls"` // of generators
	Deliveries []Delivery  `json:"deliveries"`
	// Redeliveries are further deliveries of a round that was delivered.
	Redeliveries []Redelivery `json:"redeliveries"`
	Quote        *Quote       `json:"quote"` // null without one
	Pieces       []Piece      `json:"pieces"`
	Thread       Thread       `json:"thread"`
	Timeline     []Moment     `json:"timeline"`
	// Work is the attempt that runs; null without one.
	Work *Work `json:"work"`
	Expectation
	// Fingerprint names what an owner decides on, for --if.
	Fingerprint order.Fingerprint `json:"fingerprint"`
	CostUSD     string            `json:"cost_usd"`

	Works []store.Work `json:"-"`
}

// Order is what is known of an order.
type Order struct {
	ID              string          `json:"order_id"`
	State           order.State     `json:"state"`
	RemoteStatus    order.Status    `json:"remote_status"`
	Round           int             `json:"round"`
	Code            order.Code      `json:"code"`
	Reason          string          `json:"reason"`
	Hint            string          `json:"hint"`
	Service         string          `json:"service"`
	ServiceID       string          `json:"service_id"`
	ServiceTitle    string          `json:"service_title"`
	PriceUSD        string          `json:"price_usd"`
	FeeUSD          string          `json:"fee_usd"`
	ClientWallet    string          `json:"client_wallet"`
	ClientType      string          `json:"-"`
	Brief           string          `json:"brief"`
	BriefEnglish    string          `json:"brief_english"` // empty without a translation
	BriefSpec       json.RawMessage `json:"brief_spec"`    // null unless the brief was taken apart
	Rating          *int            `json:"rating"`        // null before the client has rated
	Review          string          `json:"review"`
	Answers         json.RawMessage `json:"requirement_answers"` // null without any
	ReferenceURLs   []string        `json:"reference_urls"`
	ReferenceImages []string        `json:"reference_images"`
	Deliverables    []string        `json:"deliverables"`
	PayoutTx        string          `json:"payout_tx"`
	CreatedAt       time.Time       `json:"created_at"`
	SeenAt          time.Time       `json:"seen_at"`
	DueAt           time.Time       `json:"due_at"`
	DeliveredAt     time.Time       `json:"delivered_at,omitzero"`
	ReviewDeadline  time.Time       `json:"review_deadline,omitzero"`
	CompletedAt     time.Time       `json:"completed_at,omitzero"`
	MissingAt       time.Time       `json:"missing_at,omitzero"`
	WindowEndsAt    time.Time       `json:"window_ends_at,omitzero"` // of a subscription
	// What of its history was removed, and when.
	FilesRemovedAt    time.Time `json:"files_removed_at,omitzero"`
	AttemptsRemovedAt time.Time `json:"attempts_removed_at,omitzero"`
	TextsRemovedAt    time.Time `json:"texts_removed_at,omitzero"`
	QuotaTotal        *int      `json:"quota_total"` // null or 0: no limit
	QuotaUsed         *int      `json:"quota_used"`
}

// Quote is the price that the client was asked for.
type Quote struct {
	PriceUSD string           `json:"price_usd"`
	Source   order.Source     `json:"source"`
	State    order.QuoteState `json:"state"`
	Tries    int              `json:"tries"`
	SentAt   time.Time        `json:"sent_at,omitzero"`
}

// Piece is one piece of a subscription.
type Piece struct {
	Number  int            `json:"number"`
	Request string         `json:"request"`
	Job     order.JobState `json:"job_state"`
	Sent    bool           `json:"sent"`
}

// Take is one making of the files of a round or a piece that the owner, or the assistant's
// check, has opened.
type Take struct {
	Kind         order.Kind `json:"kind"`
	Round        int        `json:"round"`
	Take         int        `json:"take"`
	Instructions string     `json:"instructions"`
	FromThese    bool       `json:"from_these"`
	ByCheck      bool       `json:"by_check"`
	SameAs       int        `json:"same_as"` // the take whose files it has; 0 for its own
	OpenedAt     time.Time  `json:"opened_at"`
}

// File is a file of a round, a piece or the client.
type File struct {
	ID        int64      `json:"-"`
	Kind      order.Kind `json:"kind"` // delivery or piece
	Round     int        `json:"round"`
	Take      int        `json:"take"` // the last one counts
	Path      string     `json:"path"` // empty for a link
	Name      string     `json:"name"`
	MediaType string     `json:"media_type"`
	MIME      string     `json:"mime"`
	Bytes     int64      `json:"bytes"`
	Width     int        `json:"width"`
	Height    int        `json:"height"`
	SHA256    string     `json:"sha256"`
	URL       string     `json:"url"` // empty until uploaded
	RemovedAt time.Time  `json:"removed_at,omitzero"`
}

// Job is one job of the order.
type Job struct {
	Kind    order.Kind     `json:"kind"`
	Round   int            `json:"round"`
	Stage   order.Stage    `json:"stage"`
	State   order.JobState `json:"state"`
	Attempt int            `json:"attempt"`
	RunAt   time.Time      `json:"run_at"` // it does not run before
	Code    order.Code     `json:"code"`
	Reason  string         `json:"reason"`
	Hint    string         `json:"hint"`
}

// Attempt is one try of a stage.
type Attempt struct {
	Kind       order.Kind  `json:"kind"`
	Round      int         `json:"round"`
	Stage      order.Stage `json:"stage"`
	Attempt    int         `json:"attempt"`
	Outcome    string      `json:"outcome"`
	Code       order.Code  `json:"code"`
	Error      string      `json:"error"`
	Log        string      `json:"log"`
	CostUSD    string      `json:"cost_usd"`
	StartedAt  time.Time   `json:"started_at"`
	FinishedAt time.Time   `json:"finished_at,omitzero"`
	// Looks is how often waiting work has looked from StartedAt to FinishedAt.
	Looks int `json:"looks"`

	Cost order.USD `json:"-"`
}

// Call is one call of a generator: one paid request to a provider.
type Call struct {
	Kind      order.Kind      `json:"kind"`
	Round     int             `json:"round"`
	Generator string          `json:"generator"`
	Purpose   order.Purpose   `json:"purpose"` // make, or what the assistant did
	State     order.CallState `json:"state"`
	Ticket    string          `json:"ticket"` // the provider's id; empty if it returned none
	CostUSD   string          `json:"cost_usd"`
	BeganAt   time.Time       `json:"began_at"`
	Note      string          `json:"note"`
}

// Delivery is the delivery of a round.
type Delivery struct {
	Round     int                 `json:"round"`
	State     order.DeliveryState `json:"state"`
	URLs      []string            `json:"urls"`
	Tries     int                 `json:"tries"`
	Note      string              `json:"note"`
	SentAt    time.Time           `json:"sent_at"`
	SettledAt time.Time           `json:"settled_at,omitzero"`
}

// Moment is an event of the timeline.
type Moment struct {
	At   time.Time   `json:"at"`
	What string      `json:"what"`
	Text string      `json:"text"`
	By   order.Actor `json:"by,omitempty"` // who acted; empty for the daemon itself
}

// Order reads everything about an order.
func (r Reader) Order(ctx context.Context, id string) (History, error) {
	h, err := r.Store.History(ctx, id)
	if err != nil {
		return History{}, err
	}
	now := r.begin(ctx)
	work, err := now.work(ctx)
	if err != nil {
		return History{}, err
	}
	v := viewHistory(h, now.cfg.DataDir)
	v.Expectation = work.expect(id, h.Order.State)
	if w, ok := work.of(id); ok {
		v.Work = &w
	}
	return v, nil
}

func viewHistory(h store.History, dataDir string) History {
	v := History{
		Order: viewOrder(h), Jobs: []Job{}, Files: []File{}, Takes: []Take{}, Prompts: []Prompt{}, Checks: []TakeCheck{}, Attempts: []Attempt{}, Calls: []Call{},
		Deliveries: []Delivery{}, Redeliveries: []Redelivery{}, Pieces: []Piece{}, Timeline: []Moment{},
		Thread: viewThread(h.Order, h.Messages, h.Outbox, h.Works), Works: h.Works, Fingerprint: h.Fingerprint,
	}
	for _, w := range h.Works {
		v.Jobs = append(v.Jobs, Job(w))
	}
	for _, a := range h.Attempts {
		v.Attempts = append(v.Attempts, Attempt{
			Kind: a.Kind, Round: a.Round, Stage: a.Stage, Attempt: a.Number, Outcome: a.Outcome,
			Code: a.Code, Error: a.Error, Log: a.Log, CostUSD: a.Cost.String(), StartedAt: a.Started, FinishedAt: a.Ended, Looks: a.Looks, Cost: a.Cost,
		})
	}
	v.CostUSD = h.Cost.String()
	for _, c := range h.Calls {
		v.Calls = append(v.Calls, Call{
			Kind: c.Kind, Round: c.Round, Generator: c.Generator, Purpose: c.Purpose, State: c.State, Ticket: c.Ticket,
			CostUSD: c.Cost.String(), BeganAt: c.BeganAt, Note: c.Note,
		})
	}
	for _, a := range h.Artifacts {
		f := File{
			ID: a.ID, Kind: a.Kind, Round: a.Round, Take: a.Take, Name: a.Name, MediaType: a.Media, MIME: a.MIME, Bytes: a.Bytes, Width: a.Width,
			Height: a.Height, SHA256: a.SHA256, URL: a.URL, RemovedAt: a.Removed,
		}
		if a.Path != "" && a.Removed.IsZero() {
			f.Path = filepath.Join(dataDir, a.Path)
		}
		v.Files = append(v.Files, f)
	}
	for _, t := range h.Takes {
		v.Takes = append(v.Takes, Take{t.Kind, t.Round, t.N, t.Instructions, t.FromThese, t.ByCheck, t.SameAs, t.Opened})
	}
	v.addAssist(h)
	for _, d := range h.Deliveries {
		v.Deliveries = append(v.Deliveries, Delivery{
			Round: d.Round, State: d.State, URLs: d.URLs, Tries: d.Tries,
			Note: d.Note, SentAt: d.SentAt, SettledAt: d.Settled,
		})
	}
	for _, r := range h.Redeliveries {
		v.Redeliveries = append(v.Redeliveries, Redelivery{
			Round: r.Round, N: r.N, Why: r.Reason, State: r.State, URLs: r.URLs, Tries: r.Tries,
			Note: r.Note, SentAt: r.SentAt, SettledAt: r.Settled,
		})
	}
	if q := h.Quote; q != nil {
		v.Quote = &Quote{PriceUSD: q.Price.String(), Source: q.Source, State: q.State, Tries: q.Tries, SentAt: q.SentAt}
	}
	for _, p := range h.Pieces {
		v.Pieces = append(v.Pieces, Piece{Number: p.Number, Request: p.Request, Job: p.Job, Sent: p.Sent})
	}
	for _, e := range h.Events {
		v.Timeline = append(v.Timeline, Moment{At: e.At, What: e.Kind, Text: e.Text, By: e.By})
	}
	return v
}

func viewOrder(h store.History) Order {
	o := h.Order
	return Order{
		ID: o.ID, State: o.State, RemoteStatus: o.Status, Round: o.Round, Code: o.Code, Reason: o.Reason,
		Hint: o.Hint, Service: o.Service, ServiceID: o.ServiceID, ServiceTitle: o.ServiceTitle,
		PriceUSD: usd(o.Price), FeeUSD: usd(o.Fee), ClientWallet: o.ClientWallet, ClientType: o.ClientType, Brief: o.Brief,
		BriefEnglish: o.BriefEnglish, BriefSpec: o.BriefSpec, Rating: o.Review.Rating, Review: o.Review.Text,
		Answers: o.Answers, ReferenceURLs: o.ReferenceURLs, ReferenceImages: o.ReferenceImages,
		Deliverables: o.Deliverables, PayoutTx: o.PayoutTx, CreatedAt: o.CreatedAt, SeenAt: o.SeenAt, DueAt: o.DueAt,
		DeliveredAt: o.DeliveredAt, ReviewDeadline: o.ReviewDeadline, CompletedAt: o.CompletedAt, MissingAt: o.MissingAt,
		WindowEndsAt: o.WorkspaceExpiresAt, QuotaTotal: o.QuotaTotal, QuotaUsed: o.QuotaUsed,
		FilesRemovedAt: o.Removed.Files, AttemptsRemovedAt: o.Removed.Attempts, TextsRemovedAt: o.Removed.Texts,
	}
}

// Current returns the job on the delivery of the order's round. Before there is
// one, it returns the job on its price.
func (v History) Current() (store.Work, bool) {
	for _, kind := range []order.Kind{order.KindDelivery, order.KindQuote} {
		for _, w := range v.Works {
			if w.Kind == kind && (w.Round == v.Order.Round || kind == order.KindQuote) {
				return w, true
			}
		}
	}
	return store.Work{}, false
}

// Removed says what of the history is no longer kept.
func (o Order) Removed() string {
	var list []string
	for _, each := range []struct {
		what string
		at   time.Time
	}{{"files", o.FilesRemovedAt}, {"attempts and calls", o.AttemptsRemovedAt}, {"texts and events", o.TextsRemovedAt}} {
		if !each.at.IsZero() {
			list = append(list, each.what+" "+each.at.Format(time.DateOnly))
		}
	}
	return strings.Join(list, ", ")
}

// EventText is the text of an event, with who acted. The store names a message by its number;
// the owner knows it by its template.
func (v History) EventText(m Moment) string {
	for _, out := range v.Thread.Outbox {
		rest, ok := strings.CutPrefix(m.Text, fmt.Sprint("message ", out.Position))
		if ok && (rest == "" || rest[0] == ':') && (strings.HasPrefix(m.What, "message ") || m.What == "held" || m.What == "failed") {
			return "message " + MessageName(out.Reason) + rest
		}
	}
	if m.By != "" {
		return m.Text + " (" + string(m.By) + ")"
	}
	return m.Text
}

// Purpose names what a file, an attempt or a call was for.
func (v History) Purpose(kind order.Kind, round int) string {
	switch kind {
	case order.KindDelivery:
		return fmt.Sprint("round ", round)
	case order.KindReference:
		return string(kind)
	case order.KindMessage:
		for _, m := range v.Thread.Outbox {
			if m.Position == round {
				return "message " + MessageName(m.Reason)
			}
		}
	}
	return fmt.Sprint(kind, " ", round)
}

// TakeName names a take of a round or a piece.
func (v History) TakeName(kind order.Kind, round, take int) string {
	if take <= 1 {
		return v.Purpose(kind, round)
	}
	return fmt.Sprintf("%s, take %d", v.Purpose(kind, round), take)
}

// whyAgain says in words why a round is delivered again.
var whyAgain = map[order.AgainReason]string{
	order.AgainForPaid:  "the marketplace set the order back to paid",
	order.AgainForOwner: "replaced by the owner",
}

// Redelivery is one more delivery of a round.
type Redelivery struct {
	Round     int                 `json:"round"`
	N         int                 `json:"n"` // from 1
	Why       order.AgainReason   `json:"why"`
	State     order.DeliveryState `json:"state"`
	URLs      []string            `json:"urls"`
	Tries     int                 `json:"tries"`
	Note      string              `json:"note"`
	SentAt    time.Time           `json:"sent_at,omitzero"`
	SettledAt time.Time           `json:"settled_at,omitzero"`
}

// Reason says in words why the round is delivered again.
func (r Redelivery) Reason() string { return whyAgain[r.Why] }
