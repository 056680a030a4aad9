package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

// This file has the page of one order: what it says of the order. What can be done about it
// is in order_decision.go.

// order builds the page of an order.
func (c *console) order(v visit) (string, frame, error) { return c.orderPage(v, typed{}) }

// orderPage builds the page of an order, with what was typed into a form that was refused.
func (c *console) orderPage(v visit, was typed) (string, frame, error) {
	h, err := c.readOrder(v)
	if err != nil {
		return "", frame{}, err
	}
	out, err := c.outlook(v)
	if err != nil {
		return "", frame{}, err
	}
	p, err := c.describe(v, h)
	if err != nil {
		return "", frame{}, err
	}
	c.decide(forms{c, v, h, out, was}, &p)
	p.shorten(v.URL.Query())
	return "order", frame{Title: term.Line(p.Service, 60) + " " + p.Short, Tab: "orders", Body: p}, nil
}

// readOrder reads the order that the address names.
func (c *console) readOrder(v visit) (view.History, error) {
	id := v.PathValue("id")
	h, err := c.View.Order(v.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && h.Order.ID != id:
		return h, errNotFound
	}
	return h, err
}

// describe says what is known of an order.
func (c *console) describe(v visit, h view.History) (orderPage, error) {
	o := h.Order
	p := orderPage{
		ID: o.ID, Short: shortID(o.ID), Service: cmp.Or(o.Service, o.ServiceTitle, "Order"), State: c.orderState(h),
		Pictures: c.pictures(h, v.URL.Query().Get("before")), Brief: c.theBrief(h), Checks: checked(h), Assist: theAssist(h),
		Sums: sums(h), Facts: facts(h), Thread: c.theThread(h), Attempts: c.theAttempts(h), Sent: deliveries(h),
		Timeline: c.theTimeline(h), Zone: c.format.zoneName(),
	}
	p.Waits = p.State.Kind == "need"
	switch {
	case o.State == order.StateHeld && o.Code != order.CodeOwner, o.State == order.StateWorking, o.State == order.StateFailed:
		p.Due, p.Late = o.DueAt, o.DueAt.Before(c.format.now())
	case o.State == order.StateDelivered:
		p.Ends, p.EndsText = o.ReviewDeadline, "completes in"
	case !o.WindowEndsAt.IsZero() && !o.State.Ended():
		p.Ends, p.EndsText = o.WindowEndsAt, "window ends in"
	}
	if o.Round > 0 {
		p.Rounds = fmt.Sprintf("round %d, sent back %s", o.Round, times(o.Round))
	}
	if w := h.Work; w != nil && o.State == order.StateWorking {
		p.Expected = w.Text(c.format.now())
	}
	next, place, err := c.nextNeed(v, o.ID)
	if err != nil {
		return p, err
	}
	if next != "" {
		p.Next = &onward{Href: next, Text: "Next that needs you, " + place}
	}
	if p.Bars, err = c.bars(v.Context()); err != nil {
		return p, err
	}
	p.Notes, err = c.did(v, h)
	return p, err
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// orderState is the state of an order in words.
func (c *console) orderState(h view.History) state {
	o := h.Order
	switch o.State {
	case order.StateHeld:
		switch o.Code {
		case order.CodeOwner:
			return state{"off", "cancelled by you"}
		case order.CodeReview:
			return state{"need", "made, and waits for your yes"}
		case order.CodeQuoteNeeded:
			return state{"need", "waits for your price"}
		}
		return state{"need", "waits for you: " + o.Code.Words()}
	case order.StateFailed:
		return state{"bad", "failed: " + o.Code.Words()}
	case order.StateDelivered:
		return state{"sent", "with the client"}
	case order.StateCompleted:
		return state{"good", "completed"}
	case order.StateCancelled:
		return state{"off", "cancelled at the marketplace"}
	}
	for _, j := range h.Jobs {
		if j.Kind == order.KindPiece && j.State == order.JobHeld {
			return state{"need", "a piece waits for you: " + j.Code.Words()}
		}
	}
	w, ok := h.Current()
	switch {
	case o.State == order.StateWaiting && (!ok || w.Code == ""):
		return state{"wait", "waits for the client"}
	case !approvedUntil(h, c.format.now()).IsZero():
		return state{"sent", "approved, and goes to the client"}
	case ok && w.State == order.JobReady && w.RunAt.After(c.format.now()):
		why := w.Code.Words()
		if w.Code == "" {
			why = "the next try"
		}
		return state{"wait", "waits " + spanText(w.RunAt.Sub(c.format.now())) + ": " + why}
	case ok:
		return jobState(view.Job{State: w.State, Stage: w.Stage})
	}
	return state{"work", string(o.State)}
}

// theBrief is what the client asks for. Nothing of it can be pressed.
func (c *console) theBrief(h view.History) brief {
	o := h.Order
	b := brief{Text: o.Brief, English: o.BriefEnglish, None: "There is no brief."}
	if !o.TextsRemovedAt.IsZero() {
		b.None = "It is no longer kept."
	}
	if b.English == b.Text {
		b.English = ""
	}
	for _, a := range prompt.Answers(o.Answers) {
		b.Answers = append(b.Answers, answered{cmp.Or(a.Question, "–"), a.Answer})
	}
	had := map[string]bool{}
	for _, f := range h.Files {
		if f.Kind == order.KindReference {
			s := c.shownFile(f, "A picture that the client linked to")
			s.Label = cut(60, nameOf(f.URL))
			b.References = append(b.References, s)
			had[f.URL] = true
		}
	}
	for _, link := range slices.Concat(o.ReferenceURLs, o.ReferenceImages) {
		if !had[link] {
			had[link] = true
			b.Links = append(b.Links, link)
		}
	}
	return b
}

// nameOf is the last part of an address of a client, to be shown as text.
func nameOf(address string) string {
	text, _, _ := strings.Cut(address, "?")
	return text[strings.LastIndex(text, "/")+1:]
}

// checked is what the files of the last take have passed. Files that fail a check are not
// kept.
func checked(h view.History) checks {
	kind := order.KindDelivery
	if len(h.Pieces) > 0 {
		kind = order.KindPiece
	}
	list := takesOf(h, kind)
	if len(list) == 0 {
		return checks{}
	}
	now := list[len(list)-1].Files
	var kinds, sizes []string
	for _, f := range now {
		if f.MIME == "" {
			kinds = append(kinds, "a link, as it is")
			continue
		}
		kinds = append(kinds, tagOf(artifactOf(f))+", whole, not cut off")
		if f.Width > 0 {
			sizes = append(sizes, fmt.Sprintf("%d × %d", f.Width, f.Height))
		}
	}
	lines := []string{plural(len(now), "file", "files")}
	for _, texts := range [][]string{kinds, sizes} {
		slices.Sort(texts)
		lines = append(lines, slices.Compact(texts)...)
	}
	lines = append(lines, "not a file of another order", "without a secret of yours")
	v := checks{Sum: state{"good", fmt.Sprintf("%d of %[1]d passed", len(lines))}}
	for _, l := range lines {
		v.Lines = append(v.Lines, state{"good", l})
	}
	return v
}

// sums are what the order brings.
func sums(h view.History) (list []sum) {
	o := h.Order
	price, fee, spent := o.PriceUSD, feeOf(o), amount(h.CostUSD)
	if price == "" {
		if q := h.Quote; q != nil {
			text, _ := money(q.PriceUSD)
			list = append(list, sum{Name: "Quoted", Amount: text})
		}
		if spent > 0 {
			text, _ := money(-spent)
			list = append(list, sum{Name: "Spent so far", Amount: text})
		}
		return list
	}
	name := "Fee"
	if p := amount(price); p > 0 && fee*100%p == 0 {
		name = fmt.Sprintf("Fee, %d %%", fee*100/p)
	}
	for _, each := range []struct {
		name string
		usd  order.USD
	}{{"Price", amount(price)}, {name, -fee}, {"Spent so far", -spent}, {"You keep", amount(price) - fee - spent}} {
		text, _ := money(each.usd)
		list = append(list, sum{Name: each.name, Amount: text, Total: each.name == "You keep"})
	}
	return list
}

// feeOf is what the marketplace keeps.
func feeOf(o view.Order) order.USD {
	var named *order.USD
	if o.FeeUSD != "" {
		fee := amount(o.FeeUSD)
		named = &fee
	}
	return order.Fee(amount(o.PriceUSD), named, o.ClientType)
}

// facts are what else is known of an order.
func facts(h view.History) (list []fact) {
	o := h.Order
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			list = append(list, fact{Name: name, At: t})
		}
	}
	text := func(name, value string) {
		if value != "" {
			list = append(list, fact{Name: name, Value: value})
		}
	}
	at("Placed", o.CreatedAt)
	at("Due", o.DueAt)
	if q := h.Quote; q != nil {
		price, _ := money(q.PriceUSD)
		text("Quote", price+" by "+string(q.Source)+", "+string(q.State))
	}
	if o.Round > 0 {
		text("Sent back", times(o.Round))
	}
	at("Window ends", o.WindowEndsAt)
	switch {
	case o.QuotaTotal != nil && *o.QuotaTotal > 0:
		text("Pieces", fmt.Sprintf("%d asked for, of %d", len(h.Pieces), *o.QuotaTotal))
	case len(h.Pieces) > 0:
		text("Pieces", fmt.Sprintf("%d asked for", len(h.Pieces)))
	}
	at("Delivered", o.DeliveredAt)
	if o.State == order.StateDelivered {
		at("Completes", o.ReviewDeadline)
	}
	at("Completed", o.CompletedAt)
	at("Not listed since", o.MissingAt)
	if o.Rating != nil {
		text("Rated", fmt.Sprintf("%d of %d", *o.Rating, order.BestRating))
	}
	text("Review", o.Review)
	if o.ClientWallet != "" {
		list = append(list, fact{Name: "Client", Value: middle(o.ClientWallet), Href: "/orders?all=1&client=" + url.QueryEscape(o.ClientWallet)})
	}
	text("Marketplace", strings.ReplaceAll(string(o.RemoteStatus), "_", " "))
	text("Paid out", o.PayoutTx)
	text("Removed", o.Removed())
	return append(list, fact{Name: "Id", Value: o.ID, Mono: true})
}

// attemptLog shows what an attempt wrote.
func (c *console) attemptLog(w http.ResponseWriter, v visit) {
	h, err := c.readOrder(v)
	if err != nil && !errors.Is(err, errNotFound) {
		c.fail(w, v.Request, err)
		return
	}
	n, atoi := strconv.Atoi(v.PathValue("n"))
	if err != nil || atoi != nil || n < 1 || n > len(h.Attempts) {
		c.notFound(w, v)
		return
	}
	a := h.Attempts[n-1]
	c.render(w, v, "order_log", frame{Title: "Log of " + shortID(h.Order.ID), Tab: "orders", Body: logPage{
		Back: orderURL(h.Order.ID), Short: shortID(h.Order.ID), At: a.StartedAt,
		Title: upper(h.Purpose(a.Kind, a.Round)) + ", " + string(a.Stage), Outcome: outcome(a), Error: a.Error, Log: a.Log,
	}})
}

// logPage is what an attempt wrote. Error and Log are foreign.
type logPage struct {
	Back, Short, Title string
	At                 time.Time
	Outcome            state
	Error, Log         string
}
