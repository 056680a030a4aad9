package console

import (
	"fmt"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/owner"
)

// This file has the forms of an order besides its approval.

// retry resumes what has stopped, where it stopped.
func (f forms) retry(main bool) form {
	o := f.out.Retry
	if !possible(o) {
		return form{}
	}
	a := f.act("retry", "Retry")
	a.Busy, a.Off = "Retrying…", off(o)
	if main {
		a.Kind = "main"
	}
	what := "Goes on where it stopped."
	switch code := f.h.Order.Code; {
	case code == order.CodeOwner:
		a.Button, what = "Take the work up again", "Takes your cancellation back and goes on where it stopped."
	case code == order.CodeDryRun:
		a.Button, what = "Send it now", "Sends what was made to the client, at once. It cannot be taken back."
	case code == order.CodeRoundCap:
		a.Button, what = "Work on it once more", "Opens another round, with what the client wrote and no instructions of yours."
	}
	a.Effects = f.spends(o, []effect{{Text: what}})
	return form{Act: &a}
}

// redos are the forms that have files made again: of the round, or of each piece that can be.
func (f forms) redos() (list []form) {
	if len(f.h.Pieces) == 0 {
		if r := f.redo(0); r != nil {
			list = append(list, form{Redo: r})
		}
		return list
	}
	for _, j := range f.h.Jobs {
		if j.Kind == order.KindPiece && j.State.Stopped() {
			if r := f.redo(j.Round); r != nil {
				list = append(list, form{Redo: r})
			}
		}
	}
	return list
}

func (f forms) redo(piece int) *redo {
	o := f.out.Redo
	if !possible(o) {
		return nil
	}
	r := &redo{act: f.act("redo", "Redo"), Label: "Redo with instructions", Piece: piece, Most: owner.MaxInstructions}
	r.Busy, r.Off, r.FromThese, r.On = "Redoing…", off(o), true, "r"
	if piece > 0 {
		r.Name, r.Label = fmt.Sprintf("redo-%d", piece), fmt.Sprintf("Redo piece %d with instructions", piece)
	}
	if o.Cost > 0 {
		text, _ := money(o.Cost)
		r.Button = "Redo for about " + text
	}
	for _, file := range f.h.Files {
		r.CanStart = r.CanStart || file.Kind != order.KindReference && file.Path != "" && (piece == 0 || file.Round == piece)
	}
	if f.was.act == "redo" && f.was.piece == piece {
		r.Text, r.FromThese = f.was.instructions, f.was.fromThese
	}
	var first []effect
	if r.CanStart {
		first = []effect{{Text: "The pictures before stay, to compare."}}
	}
	r.Effects = f.spends(o, first)
	return r
}

// price names a price to the client.
func (f forms) price() form {
	o := f.out.Quote
	if !possible(o) {
		return form{}
	}
	p := &price{act: f.act("quote", "Ask for this price"), FeePercent: order.FeePercent}
	p.Busy, p.Kind, p.Off = "Asking…", "main", off(o)
	p.Says = fmt.Sprintf("You keep the price less the marketplace's fee, %d %%.", order.FeePercent)
	if f.was.act == "quote" {
		p.Price = f.was.price
	} else if q := f.h.Quote; q != nil {
		p.Price = q.PriceUSD
	}
	if usd, err := owner.ParsePrice(p.Price); err == nil {
		p.Says = saysPrice(usd)
	}
	p.Effects = append(f.requests(o), effect{Text: "Sent once. It cannot be changed or taken back."})
	return form{Price: p}
}

// saysPrice is what a price means.
func saysPrice(usd order.USD) string {
	client, _ := money(usd)
	keep, _ := money(usd - order.Fee(usd, nil, ""))
	return fmt.Sprintf("The client sees %s. You keep %s.", client, keep)
}

// assign says which service makes the order.
func (f forms) assign() form {
	o := f.out.Assign
	if !possible(o) || len(f.out.Services) == 0 {
		return form{}
	}
	a := &assign{act: f.act("assign", "Have this service make it"), Label: "Which service makes it?"}
	a.Busy, a.Off = "Choosing…", off(o)
	if f.h.Order.Code == order.CodeNoService {
		a.Kind = "main"
	}
	for i, s := range f.out.Services {
		ch := choice{ID: fmt.Sprintf("service-%d", i), Title: s.Title, Checked: f.was.service == s.Title}
		if s.Title == f.h.Order.Service {
			continue
		}
		ch.Detail = s.Generator
		if s.Cost > 0 {
			text, _ := money(s.Cost)
			ch.Detail += ", about " + text
		}
		a.Choices = append(a.Choices, ch)
	}
	if len(a.Choices) == 0 {
		return form{}
	}
	a.Effects = []effect{{Text: "Its generator, prompt and rules make the order. You can choose another until something is made."}}
	return form{Assign: a}
}

// resubmit has the files of a delivered order made again and replaced.
func (f forms) resubmit() form {
	o := f.out.Resubmit
	if !possible(o) {
		return form{}
	}
	a := f.act("resubmit", "Make it anew and replace it")
	a.Busy, a.Off = "Replacing…", off(o)
	if o.Cost > 0 {
		text, _ := money(o.Cost)
		a.Button = "Make it anew for about " + text + " and replace it"
	}
	a.Effects = f.spends(o, []effect{{Text: "The client sees the new files instead of the first ones, and has at least 24 hours to look at them. It cannot be taken back once they are there."}})
	return form{Act: &a}
}

// cancel ends our work.
func (f forms) cancel() form {
	o := f.out.Cancel
	if !possible(o) {
		return form{}
	}
	ch := &cancel{act: f.act("cancel", "Cancel our work"), Open: f.was.act == "cancel", Reason: f.was.reason}
	ch.Busy, ch.Kind, ch.Off = "Cancelling…", "grave", off(o)
	ch.Effects = []effect{
		{Text: "Nothing more is made or sent."},
		{Text: "At the marketplace the order stays open, and the client is not told."},
	}
	if amount(f.h.CostUSD) > 0 {
		text, _ := money(f.h.CostUSD)
		ch.Effects = append(ch.Effects, effect{Text: "The", Strong: text, Rest: " spent are gone."})
	}
	ch.Effects = append(ch.Effects, effect{Text: "“Take the work up again” undoes it."})
	return form{Cancel: ch}
}

// reply writes to the client; nil while the marketplace takes no messages.
func (f forms) reply() *reply {
	if !f.h.Order.RemoteStatus.TakesMessages() {
		return nil
	}
	r := &reply{act: f.act("reply", "Send"), Most: atelier.MaxMessage, Text: f.was.text, Key: f.was.key}
	if r.Key == "" {
		r.Key = newKey()
	}
	r.Off = off(f.out.Reply)
	r.Effects = append([]effect{{Text: "Goes to the client at once and cannot be taken back."}}, f.requests(f.out.Reply)...)
	r.Effects = append(r.Effects, effect{Text: fmt.Sprintf("Up to %s characters.", thousands(atelier.MaxMessage))})
	for _, t := range f.out.Templates {
		r.Templates = append(r.Templates, filler{Name: t.Name, Text: t.Text})
	}
	return r
}
