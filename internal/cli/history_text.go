package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// orderPage shows a History as text.
type orderPage struct {
	*term.Page
	v     view.History
	now   time.Time
	shown shownTexts
}

func (p *orderPage) show() {
	p.showState()
	p.showFields()
	p.showBrief()
	p.showPieces()
	p.showTakes()
	p.showPrompts()
	p.showChecks()
	p.showFiles()
	p.showAttempts()
	p.showCalls()
	p.showDeliveries()
	if len(p.v.Thread.Messages)+len(p.v.Thread.Outbox) > 0 {
		p.Heading("messages")
		showThread(p.Page, p.v.Thread, p.now)
	}
	p.showTimeline()
}

// showState shows the state of the order. If it waits or is held, it shows why
// and until when.
func (p *orderPage) showState() {
	o := p.v.Order
	head := []term.Cell{term.Styled(term.Bold, term.Sanitize(o.ID)), term.Plain("  "), term.Styled(stateStyle(o.State), string(o.State))}
	hint := o.Hint
	switch {
	case o.State == order.StateHeld && o.Code == order.CodeOwner:
		head[2] = term.Plain(view.CancelledByOwner(""))
		hint = "at the marketplace it is still open; " + order.Command("orders retry", o.ID) + " resumes the work"
	case o.State == order.StateFailed && o.Code == order.CodeRefused && hint == "":
		hint = view.NextStep(order.Condition{What: "order", ID: o.ID, Code: order.CodeRefused})
	}
	wait := ""
	if w, ok := p.v.Current(); ok && (o.State == order.StateWorking || o.State == order.StateWaiting) {
		if w.Reason == "" && !o.WindowEndsAt.IsZero() {
			w.Reason = "the client's window is open"
		}
		if wait = waits(w, p.now); wait != "" {
			p.shown.add(w.Reason)
			head = append(head, term.Plain("; "))
		}
	}
	p.Wrap("  ", wait, head...)
	if o.Reason != "" {
		p.Note("  ", p.shown.cell(o.Reason, 500).Text)
	}
	if hint != "" {
		p.Hint("  ", term.Line(hint, 500))
	}
}

// due returns the deadline and, while the order is still to be delivered, the time to it.
func (p *orderPage) due() string {
	switch o := p.v.Order; o.State {
	case order.StateDelivered, order.StateCompleted, order.StateCancelled:
		return words.Clock(o.DueAt)
	default:
		return words.Clock(o.DueAt) + ", " + words.Deadline(p.now, o.DueAt)
	}
}

func (p *orderPage) showFields() {
	o, rows := p.v.Order, [][]term.Cell{}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []term.Cell{term.Styled(term.Dim, name), term.Plain(value)})
		}
	}
	add("service", term.Line(cmp.Or(o.Service, o.ServiceTitle+" (not configured)"), 120))
	if o.PriceUSD != "" {
		add("price", "$"+o.PriceUSD)
	}
	if q := p.v.Quote; q != nil {
		add("quote", fmt.Sprintf("$%s by %s, %s", q.PriceUSD, q.Source, q.State))
	}
	if p.v.CostUSD != order.USD(0).String() {
		add("spent", "$"+p.v.CostUSD)
	}
	add("marketplace", term.Line(string(o.RemoteStatus), 60))
	if o.Round > 0 {
		add("round", fmt.Sprintf("%d, sent back by the client", o.Round))
	}
	add("client", term.Line(o.ClientWallet, 80))
	add("placed", moment(p.now, o.CreatedAt))
	add("due", p.due())
	add("expected", p.v.Expectation.Text(p.now))
	if w := p.v.Work; w != nil {
		add("at work", term.Sanitize(w.Text(p.now)))
	}
	add("window ends", moment(p.now, o.WindowEndsAt))
	add("pieces", p.pieces())
	add("delivered", moment(p.now, o.DeliveredAt))
	add("review ends", moment(p.now, o.ReviewDeadline))
	add("completed", moment(p.now, o.CompletedAt))
	add("not listed since", moment(p.now, o.MissingAt))
	add("paid out", term.Line(o.PayoutTx, 120))
	add("removed", o.Removed())
	add("fingerprint", string(p.v.Fingerprint))
	if o.Rating != nil {
		add("rated", fmt.Sprintf("%d of %d", *o.Rating, order.BestRating))
	}
	p.Table("  ", rows)
}

// pieces describes how many pieces of a subscription the client has asked for.
// It is "" for an order without pieces.
func (p *orderPage) pieces() string {
	switch o := p.v.Order; {
	case o.QuotaTotal != nil && *o.QuotaTotal > 0:
		return fmt.Sprintf("%d asked for, of %d", len(p.v.Pieces), *o.QuotaTotal)
	case !o.WindowEndsAt.IsZero():
		return fmt.Sprintf("%d asked for, without a limit", len(p.v.Pieces))
	}
	return ""
}

func (p *orderPage) showBrief() {
	o := p.v.Order
	p.Heading("brief")
	p.Quote(o.Brief)
	if o.BriefEnglish != "" && o.BriefEnglish != o.Brief {
		p.Heading("brief in English")
		p.Quote(o.BriefEnglish)
	}
	if len(o.BriefSpec) > 0 {
		p.Heading("brief taken apart")
		p.Quote(string(o.BriefSpec))
	}
	if o.Review != "" {
		p.Heading("review")
		p.Quote(o.Review)
	}
	if len(o.Answers) > 0 {
		p.Heading("answers to the service's questions")
		p.Quote(string(o.Answers))
	}
	if links := slices.Concat(o.ReferenceURLs, o.ReferenceImages); len(links) > 0 {
		p.Heading("references")
		p.Quote(strings.Join(links, "\n"))
	}
}

func (p *orderPage) showTimeline() {
	p.Heading("timeline")
	rows := [][]term.Cell{}
	for _, m := range p.v.Timeline {
		rows = append(rows, []term.Cell{
			term.Styled(term.Dim, words.Clock(m.At)), term.Plain(term.Sanitize(m.What)),
			p.shown.cell(p.v.EventText(m), 300),
		})
	}
	p.Table("  ", rows)
}

// shownTexts are the long texts that a page has shown. An error is shown in full
// where it comes first, and by its beginning wherever else it was stored.
type shownTexts []string

const longText = 40

// add adds a text that is shown, and reports whether it was shown before.
func (t *shownTexts) add(text string) (before bool) {
	if len(text) <= longText {
		return false
	}
	if slices.ContainsFunc(*t, func(shown string) bool { return strings.Contains(shown, text) }) {
		return true
	}
	*t = append(*t, text)
	return false
}

// cell returns the text as a cell of at most n characters.
func (t *shownTexts) cell(text string, n int) term.Cell {
	if t.add(text) {
		return term.Styled(term.Dim, term.Line(text, longText))
	}
	return term.Plain(term.Line(text, n))
}
