package console

import (
	"fmt"
	"slices"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// This file has what can be done about an order, with what that does and costs.

// takeBackTime is how long an approval can be taken back.
const takeBackTime = 10 * time.Second

// typed is what was typed into a form that was refused, so that it stays typed.
type typed struct {
	act, instructions, price, text, reason, service string
	piece                                           int
	fromThese                                       bool
	files                                           []string
}

// forms makes the forms of an order.
type forms struct {
	c   *console
	v   visit
	h   view.History
	out outlook
	was typed
}

// decide adds to a page what can be done, for owners.
func (c *console) decide(f forms, p *orderPage) {
	if f.v.who.Role != access.Owner {
		p.Reader = "You can look at everything. Approving and writing is for an owner."
		p.Thread.Closed = "Writing is for an owner."
		return
	}
	p.Decide = f.decision()
	p.Thread.Ask = f.readThread()
	p.Thread.Reply = f.reply(orderURL(f.h.Order.ID))
	if p.Thread.Reply == nil {
		p.Thread.Closed = "The marketplace takes no messages about this order now."
	}
	if at := approvedUntil(f.h, c.format.now()); !at.IsZero() {
		p.Notes = append(p.Notes, f.takeBack(at))
	}
}

// approvedUntil is when approved work goes to the client, while that can be taken back.
func approvedUntil(h view.History, now time.Time) (at time.Time) {
	for _, j := range h.Jobs {
		if j.State == order.JobReady && j.Code == order.CodeApproved && j.RunAt.After(now) && j.RunAt.After(at) {
			at = j.RunAt
		}
	}
	return at
}

// takeBack is the bar of an order that was approved seconds ago.
func (f forms) takeBack(at time.Time) orderNote {
	undo := f.act("takeback", "Take it back")
	undo.Busy = "Taking it back…"
	return orderNote{Kind: "good", Head: "Approved.", At: at, Undo: &undo}
}

// act is a button of the order.
func (f forms) act(name, button string) act {
	return act{
		Name: name, Action: orderURL(f.h.Order.ID) + "/" + name, Sign: sign{f.v.token(), string(f.h.Fingerprint)},
		Button: button, Busy: "One moment…",
	}
}

// decision is the card with the forms; nil if nothing can be done.
func (f forms) decision() *decision {
	o := f.h.Order
	d := &decision{}
	code := o.Code
	switch o.State {
	case order.StateHeld, order.StateFailed:
		d.Needs = code != order.CodeOwner
		if d.Reason = o.Reason; code == order.CodeReview && !scoredLow(f.h) || code == order.CodeQuoteNeeded {
			d.Reason = "" // what stands below says it
		}
		say, known := advice[code]
		if d.Do = say; !known {
			d.Hint = o.Hint
		}
	default:
		code = f.pieceCode()
		d.Needs = code != ""
		d.Do = advice[code]
		if w, ok := f.h.Current(); ok && code == "" && w.State == order.JobReady && w.Code != order.CodeApproved && w.RunAt.After(f.c.format.now()) {
			d.Reason, d.Do = w.Reason, "It is tried again by itself."
		}
	}
	f.first(d, code)
	f.others(d)
	if len(d.First)+len(d.Others) == 0 && d.Reason == "" {
		return nil
	}
	if !d.Needs && len(d.First) == 0 {
		d.Title, d.OthersText = "Nothing to decide", "What can be done"
	}
	f.bar(d)
	return d
}

// pieceCode is why a piece waits for the owner; "" if none does.
func (f forms) pieceCode() order.Code {
	for _, j := range f.h.Jobs {
		if j.Kind == order.KindPiece && j.State == order.JobHeld {
			return j.Code
		}
	}
	return ""
}

// first adds the forms for what the order waits for.
func (f forms) first(d *decision, code order.Code) {
	clients := slices.Contains(order.ClientCodes(), code)
	switch {
	case code == "":
	case code == order.CodeReview || clients:
		d.add(f.approve(clients))
		if code == order.CodeReview {
			d.add(f.redos()...)
		}
	case priced[code]:
		d.add(f.price())
	case code == order.CodeNoService:
		d.add(f.assign())
	case remade[code]:
		d.add(f.redos()...)
		d.add(f.retry(false))
	default:
		d.add(f.retry(code != order.CodeOwner))
		if code == order.CodeDryRun {
			d.add(f.redos()...)
		}
	}
}

// add adds forms that there are.
func (d *decision) add(list ...form) {
	for _, each := range list {
		if each != (form{}) {
			d.First = append(d.First, each)
		}
	}
}

// others adds what else can be done.
func (f forms) others(d *decision) {
	has := map[string]bool{}
	for _, each := range d.First {
		has[each.name()] = true
	}
	add := func(name string, make func() form) {
		if has[name] {
			return
		}
		if each := make(); each != (form{}) {
			d.Others = append(d.Others, each)
			d.OthersOpen = d.OthersOpen || f.was.act == name
		}
	}
	if f.h.Order.Code != order.CodeReview && f.pieceCode() != order.CodeReview { // a retry would send what waits for approval
		add("retry", func() form { return f.retry(false) })
	}
	if !has["redo"] {
		for _, each := range f.redos() {
			add("", func() form { return each })
		}
		d.OthersOpen = d.OthersOpen || f.was.act == "redo"
	}
	add("quote", f.price)
	add("assign", f.assign)
	add("resubmit", f.resubmit)
	add("cancel", f.cancel)
}

// name is the action of a form.
func (f form) name() string {
	switch {
	case f.Redo != nil:
		return "redo"
	case f.Price != nil:
		return "quote"
	case f.Assign != nil:
		return "assign"
	case f.Cancel != nil:
		return "cancel"
	case f.Act != nil:
		return f.Act.Name
	}
	return ""
}

// bar links to the forms at the foot of a phone.
func (f forms) bar(d *decision) {
	if !d.Needs {
		return
	}
	names := map[string]string{"approve": "Approve", "redo": "Redo", "quote": "Name a price", "assign": "Choose a service", "retry": "Retry"}
	seen := map[string]bool{}
	for _, each := range d.First {
		name := each.name()
		if text := names[name]; text != "" && !seen[name] {
			seen[name] = true
			id := name
			if each.Redo != nil {
				id = each.Redo.Name
			}
			d.Bar = append(d.Bar, barLink{Href: "#" + id, Text: text})
		}
	}
	slices.Reverse(d.Bar) // the thumb finds the first one at the right
	if n := len(d.Bar); n > 0 {
		d.Bar[n-1].Main = true
	} else {
		d.Bar = []barLink{{Href: "#decide", Text: "Decide", Main: true}}
	}
}

// approve releases what waits. clients: it is the order itself that waits, not what was made.
func (f forms) approve(clients bool) form {
	if f.out.can.Approve != nil {
		return form{}
	}
	a := f.act("approve", "Approve and deliver")
	a.Busy, a.Kind, a.On = "Approving…", "main", "a"
	if clients {
		a.Button = "Work on it all the same"
		a.Effects = f.calls([]effect{{Text: "Your rules for clients do not hold for this order any more."}})
		return form{Act: &a}
	}
	what := "Sends " + allOf(f.out.Files) + " to the client. Costs nothing."
	if w, ok := f.h.Current(); ok && w.Kind == order.KindQuote && f.h.Quote != nil {
		price, _ := money(f.h.Quote.PriceUSD)
		a.Button, what = "Approve the price", "Asks the client for "+price+". Costs nothing."
	} else if len(f.h.Pieces) > 0 {
		a.Button = "Approve and send"
	}
	a.Effects = append([]effect{{Text: what}}, requests(f.out.Approve)...)
	a.Effects = append(a.Effects, effect{Text: "Can be taken back for", Strong: "10 seconds", Rest: ", then no more."})
	return form{Act: &a}
}

// allOf names files: the picture, both pictures, all 5 pictures.
func allOf(n int) string {
	switch n {
	case 0, 1:
		return "the file"
	case 2:
		return "both files"
	}
	return fmt.Sprintf("all %d files", n)
}
