package cli

import (
	"encoding/json"
	"path/filepath"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// historyView is everything about one order. `orders show` prints it.
type historyView struct {
	Order      orderView      `json:"order"`
	Jobs       []jobView      `json:"jobs"`
	Files      []fileView     `json:"files"`
	Takes      []takeView     `json:"takes"` // that the owner has opened
	Attempts   []attemptView  `json:"attempts"`
	Calls      []callView     `json:"calls"` // of generators
	Deliveries []deliveryView `json:"deliveries"`
	// Redeliveries are further deliveries of a round that was delivered.
	Redeliveries []redeliveryView `json:"redeliveries"`
	Quote        *quoteView       `json:"quote"` // null without one
	Pieces       []pieceView      `json:"pieces"`
	Thread       threadView       `json:"thread"`
	Timeline     []momentView     `json:"timeline"`
	// Work is the attempt that runs; null without one.
	Work *workView `json:"work"`
	expectedView
	CostUSD string `json:"cost_usd"`

	works []store.Work
}

type orderView struct {
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

// quoteView is the price that the client was asked for.
type quoteView struct {
	PriceUSD string           `json:"price_usd"`
	Source   order.Source     `json:"source"`
	State    order.QuoteState `json:"state"`
	Tries    int              `json:"tries"`
	SentAt   time.Time        `json:"sent_at,omitzero"`
}

// pieceView is one piece of a subscription.
type pieceView struct {
	Number  int            `json:"number"`
	Request string         `json:"request"`
	Job     order.JobState `json:"job_state"`
	Sent    bool           `json:"sent"`
}

// takeView is one making of the files of a round or a piece that the owner has opened.
type takeView struct {
	Kind         order.Kind `json:"kind"`
	Round        int        `json:"round"`
	Take         int        `json:"take"`
	Instructions string     `json:"instructions"`
	FromThese    bool       `json:"from_these"`
	OpenedAt     time.Time  `json:"opened_at"`
}

type fileView struct {
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

// jobView is one job of the order.
type jobView struct {
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

type attemptView struct {
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

	cost order.USD
}

// callView is one call of a generator: one paid request to a provider.
type callView struct {
	Kind      order.Kind      `json:"kind"`
	Round     int             `json:"round"`
	Generator string          `json:"generator"`
	State     order.CallState `json:"state"`
	Ticket    string          `json:"ticket"` // the provider's id; empty if it returned none
	CostUSD   string          `json:"cost_usd"`
	BeganAt   time.Time       `json:"began_at"`
	Note      string          `json:"note"`
}

type deliveryView struct {
	Round     int                 `json:"round"`
	State     order.DeliveryState `json:"state"`
	URLs      []string            `json:"urls"`
	Tries     int                 `json:"tries"`
	Note      string              `json:"note"`
	SentAt    time.Time           `json:"sent_at"`
	SettledAt time.Time           `json:"settled_at,omitzero"`
}

type momentView struct {
	At   time.Time   `json:"at"`
	What string      `json:"what"`
	Text string      `json:"text"`
	By   order.Actor `json:"by,omitempty"` // who acted; empty for the daemon itself
}

func viewHistory(h store.History, dataDir string) historyView {
	v := historyView{
		Order: viewOrder(h), Jobs: []jobView{}, Files: []fileView{}, Takes: []takeView{}, Attempts: []attemptView{}, Calls: []callView{},
		Deliveries: []deliveryView{}, Redeliveries: []redeliveryView{}, Pieces: []pieceView{}, Timeline: []momentView{},
		Thread: viewThread(h.Messages, h.Outbox, h.Works), works: h.Works,
	}
	for _, w := range h.Works {
		v.Jobs = append(v.Jobs, jobView(w))
	}
	for _, a := range h.Attempts {
		v.Attempts = append(v.Attempts, attemptView{
			Kind: a.Kind, Round: a.Round, Stage: a.Stage, Attempt: a.Number, Outcome: a.Outcome,
			Code: a.Code, Error: a.Error, Log: a.Log, CostUSD: a.Cost.String(), StartedAt: a.Started, FinishedAt: a.Ended, Looks: a.Looks, cost: a.Cost,
		})
	}
	v.CostUSD = h.Cost.String()
	for _, c := range h.Calls {
		v.Calls = append(v.Calls, callView{
			Kind: c.Kind, Round: c.Round, Generator: c.Generator, State: c.State, Ticket: c.Ticket,
			CostUSD: c.Cost.String(), BeganAt: c.BeganAt, Note: c.Note,
		})
	}
	for _, a := range h.Artifacts {
		f := fileView{
			Kind: a.Kind, Round: a.Round, Take: a.Take, Name: a.Name, MediaType: a.Media, MIME: a.MIME, Bytes: a.Bytes, Width: a.Width,
			Height: a.Height, SHA256: a.SHA256, URL: a.URL, RemovedAt: a.Removed,
		}
		if a.Path != "" && a.Removed.IsZero() {
			f.Path = filepath.Join(dataDir, a.Path)
		}
		v.Files = append(v.Files, f)
	}
	for _, t := range h.Takes {
		v.Takes = append(v.Takes, takeView{t.Kind, t.Round, t.N, t.Instructions, t.FromThese, t.Opened})
	}
	for _, d := range h.Deliveries {
		v.Deliveries = append(v.Deliveries, deliveryView{
			Round: d.Round, State: d.State, URLs: d.URLs, Tries: d.Tries,
			Note: d.Note, SentAt: d.SentAt, SettledAt: d.Settled,
		})
	}
	for _, r := range h.Redeliveries {
		v.Redeliveries = append(v.Redeliveries, redeliveryView{
			Round: r.Round, N: r.N, Why: r.Reason, State: r.State, URLs: r.URLs, Tries: r.Tries,
			Note: r.Note, SentAt: r.SentAt, SettledAt: r.Settled,
		})
	}
	if q := h.Quote; q != nil {
		v.Quote = &quoteView{PriceUSD: q.Price.String(), Source: q.Source, State: q.State, Tries: q.Tries, SentAt: q.SentAt}
	}
	for _, p := range h.Pieces {
		v.Pieces = append(v.Pieces, pieceView{Number: p.Number, Request: p.Request, Job: p.Job, Sent: p.Sent})
	}
	for _, e := range h.Events {
		v.Timeline = append(v.Timeline, momentView{At: e.At, What: e.Kind, Text: e.Text, By: e.By})
	}
	return v
}

func viewOrder(h store.History) orderView {
	o := h.Order
	return orderView{
		ID: o.ID, State: o.State, RemoteStatus: o.Status, Round: o.Round, Code: o.Code, Reason: o.Reason,
		Hint: o.Hint, Service: o.Service, ServiceID: o.ServiceID, ServiceTitle: o.ServiceTitle,
		PriceUSD: usd(o.Price), FeeUSD: usd(o.Fee), ClientWallet: o.ClientWallet, Brief: o.Brief,
		BriefEnglish: o.BriefEnglish, BriefSpec: o.BriefSpec, Rating: o.Review.Rating, Review: o.Review.Text,
		Answers: o.Answers, ReferenceURLs: o.ReferenceURLs, ReferenceImages: o.ReferenceImages,
		Deliverables: o.Deliverables, PayoutTx: o.PayoutTx, CreatedAt: o.CreatedAt, SeenAt: o.SeenAt, DueAt: o.DueAt,
		DeliveredAt: o.DeliveredAt, ReviewDeadline: o.ReviewDeadline, CompletedAt: o.CompletedAt, MissingAt: o.MissingAt,
		WindowEndsAt: o.WorkspaceExpiresAt, QuotaTotal: o.QuotaTotal, QuotaUsed: o.QuotaUsed,
		FilesRemovedAt: o.Removed.Files, AttemptsRemovedAt: o.Removed.Attempts, TextsRemovedAt: o.Removed.Texts,
	}
}

// current returns the job on the delivery of the order's round. Before there is
// one, it returns the job on its price.
func (v historyView) current() (store.Work, bool) {
	for _, kind := range []order.Kind{order.KindDelivery, order.KindQuote} {
		for _, w := range v.works {
			if w.Kind == kind && (w.Round == v.Order.Round || kind == order.KindQuote) {
				return w, true
			}
		}
	}
	return store.Work{}, false
}
