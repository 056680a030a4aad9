package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// OrdersShowCmd shows one order.
type OrdersShowCmd struct {
	Order string `arg:"" help:"The order's id, or the beginning of it." name:"order"`
	JSON  bool   `help:"Print JSON." name:"json"`
}

func (OrdersShowCmd) Help() string {
	return `What the client asked for, what was made, each attempt with its error and cost,
what was delivered, and what happened when. The client's text is shown escaped
and behind a bar.`
}

func (c OrdersShowCmd) Run(p *Program) error {
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
			return term.PrintJSON(p.Stdout, v)
		}
		g := p.Page()
		v.show(g, time.Now())
		return g.Print(p.Stdout)
	})
}

func (v historyView) show(g *term.Page, now time.Time) {
	o, said := v.Order, &told{}
	v.showState(g, now, said)
	rows := [][]term.Cell{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []term.Cell{term.Styled(term.Dim, name), term.Plain(value)})
		}
	}
	service := o.Service
	if service == "" {
		service = o.ServiceTitle + " (not configured)"
	}
	add("service", term.Line(service, 120))
	if o.PriceUSD != "" {
		add("price", "$"+o.PriceUSD)
	}
	if q := v.Quote; q != nil {
		add("quote", fmt.Sprintf("$%s by %s, %s", q.PriceUSD, q.Source, q.State))
	}
	if v.CostUSD != order.USD(0).String() {
		add("spent", "$"+v.CostUSD)
	}
	add("marketplace", term.Line(string(o.RemoteStatus), 60))
	if o.Round > 0 {
		add("round", fmt.Sprintf("%d, sent back by the client", o.Round))
	}
	add("client", term.Line(o.ClientWallet, 80))
	add("placed", moment(now, o.CreatedAt))
	add("due", term.Clock(o.DueAt)+", "+term.Deadline(now, o.DueAt))
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
	add("paid out", term.Line(o.PayoutTx, 120))
	g.Table("  ", rows)
	v.showBrief(g)
	v.showPieces(g, now, said)
	v.showWork(g, now, said)
	if len(v.Thread.Messages)+len(v.Thread.Outbox) > 0 {
		g.Heading("messages")
		v.Thread.show(g, now)
	}
	g.Heading("timeline")
	rows = nil
	for _, m := range v.Timeline {
		rows = append(rows, []term.Cell{term.Styled(term.Dim, term.Clock(m.At)), term.Plain(term.Sanitize(m.What)), said.once(v.moment(m), 300)})
	}
	g.Table("  ", rows)
}

// showState says how the order stands, and if it stands still, why and until when.
func (v historyView) showState(g *term.Page, now time.Time, said *told) {
	o := v.Order
	head := []term.Cell{term.Styled(term.Bold, term.Sanitize(o.ID)), term.Plain("  "), term.Styled(stateStyle(o.State), string(o.State))}
	hint := o.Hint
	switch {
	case o.State == order.StateHeld && o.Code == order.CodeOwner:
		head[2] = term.Plain(byOwner(""))
		hint = "at the marketplace it is still open; " + order.Command("orders retry", o.ID) + " takes the work up again"
	case o.State == order.StateFailed && o.Code == order.CodeRefused && hint == "":
		hint = refusedHint(o.ID)
	}
	wait := ""
	if w, ok := v.work(); ok && (o.State == order.StateWorking || o.State == order.StateWaiting) {
		if w.Reason == "" && !o.WindowEndsAt.IsZero() {
			w.Reason = "the client's window is open" // the end of it was known from the start
		}
		if wait = waits(w, now); wait != "" {
			said.once(w.Reason, 0)
			head = append(head, term.Plain("; "))
		}
	}
	g.Wrap("  ", wait, head...)
	if o.Reason != "" {
		g.Note("  ", said.once(o.Reason, 500).Text)
	}
	if hint != "" {
		g.Hint("  ", term.Line(hint, 500))
	}
}

// work is that on the delivery of the order's round, or, before there is any, on
// its price.
func (v historyView) work() (store.Work, bool) {
	for _, kind := range []order.Kind{order.KindDelivery, order.KindQuote} {
		for _, w := range v.works {
			if w.Kind == kind && (w.Round == v.Order.Round || kind == order.KindQuote) {
				return w, true
			}
		}
	}
	return store.Work{}, false
}

// told is what the page has said so far: a long error is shown where it is met
// first, and not again wherever it was written down.
type told struct{ texts []string }

const (
	asAbove  = "as above"
	longText = 40
)

// once gives the text as a cell of at most n characters.
func (t *told) once(text string, n int) term.Cell {
	if len(text) > longText {
		for _, before := range t.texts {
			if strings.Contains(before, text) {
				return term.Styled(term.Dim, asAbove)
			}
		}
		t.texts = append(t.texts, text)
	}
	return term.Plain(term.Line(text, max(n, 1)))
}

// moment is the text of an entry of the timeline. The store calls a message by its
// number, which says nothing to the owner.
func (v historyView) moment(m momentView) string {
	for _, out := range v.Thread.Outbox {
		rest, ok := strings.CutPrefix(m.Text, fmt.Sprint("message ", out.position))
		if ok && (rest == "" || rest[0] == ':') && (strings.HasPrefix(m.What, "message ") || m.What == "held" || m.What == "failed") {
			return "message " + letterName(out.Reason) + rest
		}
	}
	return m.Text
}

// moment is a time with how far off it is; empty when it is not known.
func moment(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return term.Clock(t) + ", " + term.Relative(now, t)
}

func (v historyView) showBrief(g *term.Page) {
	g.Heading("brief")
	g.Quote(v.Order.Brief)
	if len(v.Order.Answers) > 0 {
		g.Heading("answers to the service's questions")
		g.Quote(string(v.Order.Answers))
	}
	if links := append(v.Order.ReferenceURLs[:len(v.Order.ReferenceURLs):len(v.Order.ReferenceURLs)], v.Order.ReferenceImages...); len(links) > 0 {
		g.Heading("references")
		g.Quote(strings.Join(links, "\n"))
	}
}
