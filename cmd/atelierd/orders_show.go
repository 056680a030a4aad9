package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// ordersShowCmd shows one order.
type ordersShowCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (ordersShowCmd) Help() string {
	return `What the client asked for, what was made, each attempt with its error and cost,
what was delivered, and what happened when. The client's text is shown escaped
and behind a bar.`
}

func (c ordersShowCmd) Run(p *program) error {
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) error {
		id, err := findOrder(ctx, st, c.Order)
		if err != nil {
			return err
		}
		h, err := st.History(ctx, id)
		if err != nil {
			return err
		}
		v := viewHistory(h, cfg.DataDir)
		if c.JSON {
			return printJSON(p.stdout, v)
		}
		g := p.newPage()
		v.show(g, time.Now())
		return g.print(p.stdout)
	})
}

// historyView is all that is known of one order, for machines.
type historyView struct {
	Order      orderView        `json:"order"`
	Files      []fileView       `json:"files"`
	Attempts   []attemptView    `json:"attempts"`
	Calls      []generationView `json:"calls"` // of generators
	Deliveries []deliveryView   `json:"deliveries"`
	Quote      *quoteView       `json:"quote"` // null without one
	Pieces     []pieceView      `json:"pieces"`
	Thread     threadView       `json:"thread"`
	Timeline   []momentView     `json:"timeline"`
	CostUSD    string           `json:"cost_usd"`
}

type orderView struct {
	ID              string          `json:"order_id"`
	State           order.State     `json:"state"`
	RemoteStatus    order.Status    `json:"remote_status"`
	Round           int             `json:"round"`
	Code            string          `json:"code"`
	Reason          string          `json:"reason"`
	Hint            string          `json:"hint"`
	Service         string          `json:"service"`
	ServiceID       string          `json:"service_id"`
	ServiceTitle    string          `json:"service_title"`
	PriceUSD        string          `json:"price_usd"`
	FeeUSD          string          `json:"fee_usd"`
	ClientWallet    string          `json:"client_wallet"`
	Brief           string          `json:"brief"`
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
	QuotaTotal      *int            `json:"quota_total"`             // null or 0: no limit
	QuotaUsed       *int            `json:"quota_used"`
}

// quoteView is the price asked for an order.
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

type fileView struct {
	Kind      order.Kind `json:"kind"` // delivery or piece
	Round     int        `json:"round"`
	Path      string     `json:"path"` // empty for a link
	Name      string     `json:"name"`
	MediaType string     `json:"media_type"`
	MIME      string     `json:"mime"`
	Bytes     int64      `json:"bytes"`
	Width     int        `json:"width"`
	Height    int        `json:"height"`
	SHA256    string     `json:"sha256"`
	URL       string     `json:"url"` // empty until uploaded
}

type attemptView struct {
	Kind       order.Kind  `json:"kind"`
	Round      int         `json:"round"`
	Stage      order.Stage `json:"stage"`
	Attempt    int         `json:"attempt"`
	Outcome    string      `json:"outcome"`
	Code       string      `json:"code"`
	Error      string      `json:"error"`
	Log        string      `json:"log"`
	CostUSD    string      `json:"cost_usd"`
	StartedAt  time.Time   `json:"started_at"`
	FinishedAt time.Time   `json:"finished_at,omitzero"`

	cost order.USD
}

// generationView is one call of a generator, and what became of it and its money.
type generationView struct {
	Kind      order.Kind            `json:"kind"`
	Round     int                   `json:"round"`
	Generator string                `json:"generator"`
	State     order.GenerationState `json:"state"`
	Ticket    string                `json:"ticket"` // the provider's id; empty if it gave none
	CostUSD   string                `json:"cost_usd"`
	BeganAt   time.Time             `json:"began_at"`
	Note      string                `json:"note"`
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
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Text string    `json:"text"`
}

func viewHistory(h store.History, dataDir string) historyView {
	o := h.Order
	v := historyView{Files: []fileView{}, Attempts: []attemptView{}, Calls: []generationView{}, Deliveries: []deliveryView{}, Timeline: []momentView{},
		Pieces: []pieceView{}, Thread: viewThread(h.Messages, h.Outbox),
		Order: orderView{ID: o.ID, State: o.State, RemoteStatus: o.Status, Round: o.Round, Code: o.Code, Reason: o.Reason,
			Hint: o.Hint, Service: o.Service, ServiceID: o.ServiceID, ServiceTitle: o.ServiceTitle,
			PriceUSD: price(o.Price, "", ""), FeeUSD: price(o.Fee, "", ""), ClientWallet: o.ClientWallet, Brief: o.Brief,
			Answers: o.Answers, ReferenceURLs: o.ReferenceURLs, ReferenceImages: o.ReferenceImages,
			Deliverables: o.Deliverables, PayoutTx: o.PayoutTx, CreatedAt: o.CreatedAt, SeenAt: o.SeenAt, DueAt: o.DueAt,
			DeliveredAt: o.DeliveredAt, ReviewDeadline: o.ReviewDeadline, CompletedAt: o.CompletedAt, MissingAt: o.MissingAt,
			WindowEndsAt: o.WorkspaceExpiresAt, QuotaTotal: o.QuotaTotal, QuotaUsed: o.QuotaUsed}}
	var cost order.USD
	for _, a := range h.Attempts {
		cost += a.Cost
		v.Attempts = append(v.Attempts, attemptView{Kind: a.Kind, Round: a.Round, Stage: a.Stage, Attempt: a.Number, Outcome: a.Outcome,
			Code: a.Code, Error: a.Error, Log: a.Log, CostUSD: a.Cost.String(), StartedAt: a.Started, FinishedAt: a.Ended, cost: a.Cost})
	}
	v.CostUSD = cost.String()
	for _, c := range h.Generations {
		v.Calls = append(v.Calls, generationView{Kind: c.Kind, Round: c.Round, Generator: c.Generator, State: c.State, Ticket: c.Ticket,
			CostUSD: c.Cost.String(), BeganAt: c.BeganAt, Note: c.Note})
	}
	for _, a := range h.Artifacts {
		f := fileView{Kind: a.Kind, Round: a.Round, Name: a.Name, MediaType: a.Media, MIME: a.MIME, Bytes: a.Bytes, Width: a.Width,
			Height: a.Height, SHA256: a.SHA256, URL: a.URL}
		if a.Path != "" {
			f.Path = filepath.Join(dataDir, a.Path)
		}
		v.Files = append(v.Files, f)
	}
	for _, d := range h.Deliveries {
		v.Deliveries = append(v.Deliveries, deliveryView{Round: d.Round, State: d.State, URLs: d.URLs, Tries: d.Tries,
			Note: d.Note, SentAt: d.SentAt, SettledAt: d.Settled})
	}
	if q := h.Quote; q != nil {
		v.Quote = &quoteView{PriceUSD: q.Price.String(), Source: q.Source, State: q.State, Tries: q.Tries, SentAt: q.SentAt}
	}
	for _, p := range h.Pieces {
		v.Pieces = append(v.Pieces, pieceView{Number: p.Number, Request: p.Request, Job: p.Job, Sent: p.Sent})
	}
	for _, e := range h.Events {
		v.Timeline = append(v.Timeline, momentView{At: e.At, What: e.Kind, Text: e.Text})
	}
	return v
}

func (v historyView) show(g *page, now time.Time) {
	o := v.Order
	g.linef("%s  %s", g.paint(bold, plain(o.ID)), g.paint(stateStyle(o.State), string(o.State)))
	if o.Reason != "" {
		g.linef("  %s", short(o.Reason, 500))
	}
	if o.Hint != "" {
		g.linef("  %s %s", g.paint(dim, "hint:"), short(o.Hint, 500))
	}
	rows := [][]cell{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []cell{{name, dim}, plainCell(value)})
		}
	}
	service := o.Service
	if service == "" {
		service = o.ServiceTitle + " (not configured)"
	}
	add("service", short(service, 120))
	if o.PriceUSD != "" {
		add("price", "$"+o.PriceUSD)
	}
	if q := v.Quote; q != nil {
		add("quote", fmt.Sprintf("$%s by %s, %s", q.PriceUSD, q.Source, q.State))
	}
	if v.CostUSD != order.USD(0).String() {
		add("spent", "$"+v.CostUSD)
	}
	add("marketplace", short(string(o.RemoteStatus), 60))
	if o.Round > 0 {
		add("round", fmt.Sprintf("%d, sent back by the client", o.Round))
	}
	add("client", short(o.ClientWallet, 80))
	add("placed", moment(now, o.CreatedAt))
	add("due", clock(o.DueAt)+", "+deadline(now, o.DueAt))
	add("window ends", moment(now, o.WindowEndsAt))
	if o.QuotaTotal != nil && *o.QuotaTotal > 0 {
		add("pieces", fmt.Sprintf("%d asked for, of %d", len(v.Pieces), *o.QuotaTotal))
	} else if !o.WindowEndsAt.IsZero() {
		add("pieces", fmt.Sprintf("%d asked for, without a limit", len(v.Pieces)))
	}
	add("delivered", moment(now, o.DeliveredAt))
	add("review ends", moment(now, o.ReviewDeadline))
	add("completed", moment(now, o.CompletedAt))
	add("not listed since", moment(now, o.MissingAt))
	add("paid out", short(o.PayoutTx, 120))
	g.table("  ", rows)
	v.showBrief(g)
	v.showPieces(g)
	v.showWork(g, now)
	if len(v.Thread.Messages)+len(v.Thread.Outbox) > 0 {
		g.heading("messages")
		v.Thread.show(g, now)
	}
	g.heading("timeline")
	rows = nil
	for _, m := range v.Timeline {
		rows = append(rows, []cell{{clock(m.At), dim}, plainCell(plain(m.What)), plainCell(short(m.Text, 300))})
	}
	g.table("  ", rows)
}

// moment is a time with how far off it is; empty when it is not known.
func moment(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock(t) + ", " + relative(now, t)
}

func (v historyView) showBrief(g *page) {
	g.heading("brief")
	g.quote(v.Order.Brief)
	if len(v.Order.Answers) > 0 {
		g.heading("answers to the service's questions")
		g.quote(string(v.Order.Answers))
	}
	if links := append(v.Order.ReferenceURLs[:len(v.Order.ReferenceURLs):len(v.Order.ReferenceURLs)], v.Order.ReferenceImages...); len(links) > 0 {
		g.heading("references")
		g.quote(strings.Join(links, "\n"))
	}
}

func (v historyView) showPieces(g *page) {
	if len(v.Pieces) > 0 {
		g.heading("pieces")
	}
	for _, p := range v.Pieces {
		state := string(p.Job)
		if p.Sent {
			state = "sent"
		}
		g.linef("  %d  %s", p.Number, state)
		g.quote(p.Request)
	}
}

// about names what a file or an attempt was for.
func about(kind order.Kind, round int) string {
	switch kind {
	case order.KindDelivery:
		return fmt.Sprint("round ", round)
	case order.KindReference:
		return string(kind)
	}
	return fmt.Sprint(kind, " ", round)
}

func (v historyView) showWork(g *page, now time.Time) {
	if len(v.Files) > 0 {
		g.heading("files")
	}
	for _, f := range v.Files {
		if f.Path == "" {
			g.linef("  %s  %s  link", about(f.Kind, f.Round), plain(f.MediaType))
		} else {
			pixels := ""
			if f.Width > 0 {
				pixels = fmt.Sprintf("%d x %d  ", f.Width, f.Height)
			}
			g.linef("  %s  %s  %s%s", about(f.Kind, f.Round), plain(f.MIME), pixels, size(f.Bytes))
			g.linef("    %s", plain(f.Path))
		}
		if f.URL != "" {
			g.linef("    %s", plain(f.URL))
		}
	}
	if len(v.Attempts) > 0 {
		g.heading("attempts")
		rows := [][]cell{headings("for", "stage", "try", "outcome", "began", "took", "cost", "error")}
		for _, a := range v.Attempts {
			rows = append(rows, a.row(now))
		}
		g.table("  ", rows)
		if last := v.Attempts[len(v.Attempts)-1]; last.Log != "" && last.Error != "" {
			g.linef("  what the generator said last:")
			g.quote(last.Log)
		}
	}
	if len(v.Calls) > 0 {
		g.heading("calls of generators")
		rows := [][]cell{headings("for", "generator", "outcome", "began", "cost", "provider's id", "")}
		for _, c := range v.Calls {
			rows = append(rows, []cell{plainCell(about(c.Kind, c.Round)), plainCell(c.Generator), plainCell(string(c.State)),
				plainCell(relative(now, c.BeganAt)), plainCell("$" + c.CostUSD), plainCell(short(c.Ticket, 40)), plainCell(short(c.Note, 200))})
		}
		g.table("  ", rows)
	}
	if len(v.Deliveries) > 0 {
		g.heading("deliveries")
	}
	for _, d := range v.Deliveries {
		g.linef("  round %d  %s %s, sent %d times", d.Round, d.State, relative(now, d.SentAt), d.Tries)
		if d.Note != "" {
			g.linef("    %s", short(d.Note, 300))
		}
		for _, u := range d.URLs {
			g.linef("    %s", plain(u))
		}
	}
}

func (a attemptView) row(now time.Time) []cell {
	took, look := "-", none
	if !a.FinishedAt.IsZero() {
		took = a.FinishedAt.Sub(a.StartedAt).Round(time.Millisecond).String()
	}
	cost := "-"
	if a.cost != 0 {
		cost = "$" + a.CostUSD
	}
	switch a.Outcome {
	case "done":
		look = green
	case "fail", "hold":
		look = red
	case "retry", "wait", "crashed":
		look = yellow
	}
	return []cell{plainCell(about(a.Kind, a.Round)), plainCell(string(a.Stage)), plainCell(fmt.Sprint(a.Attempt)),
		{a.Outcome, look}, plainCell(relative(now, a.StartedAt)), plainCell(took), plainCell(cost), plainCell(short(a.Error, 300))}
}
