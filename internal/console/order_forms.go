package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/view"
)

// This file has the forms of an order besides its approval.

// retry resumes what has stopped, where it stopped.
func (f forms) retry(main bool) form {
	if f.out.can.Retry != nil {
		return form{}
	}
	a := f.act("retry", "Retry")
	a.Busy = "Retrying…"
	if main {
		a.Kind = "main"
	}
	what := "Resumes where it stopped."
	switch f.h.Order.Code {
	case order.CodeOwner:
		a.Button, what = "Resume the work", "Takes your cancellation back and resumes where it stopped."
	case order.CodeDryRun:
		a.Button, what = "Send it now", "Sends what was made to the client, at once. It cannot be taken back."
	case order.CodeRoundCap:
		a.Button, what = "Work on it once more", "Opens another round, with what the client wrote and no instructions of yours."
	}
	a.Effects = []effect{{Text: what}}
	if w, ok := f.h.Current(); ok && w.Stage == order.StageGenerate {
		a.Effects = f.calls(append(a.Effects, effect{Text: "What a provider has made already is taken and costs nothing; else it is made."}))
	} else if f.h.Order.Code != order.CodeOwner {
		a.Effects = append(a.Effects, effect{Text: "Nothing is made again, so it costs nothing."})
	}
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

func (f forms) redo(piece int) *redoForm {
	if piece == 0 && f.out.can.Redo != nil { // that of a piece is possible once it has stopped
		return nil
	}
	r := &redoForm{act: f.act("redo", "Redo"+f.about()), Label: "Redo with instructions", Piece: piece, Most: owner.MaxInstructions}
	r.Busy, r.Off, r.FromThese, r.On = "Redoing…", f.over(), true, "r"
	if piece > 0 {
		r.Name, r.Label = fmt.Sprintf("redo-%d", piece), fmt.Sprintf("Redo piece %d with instructions", piece)
	}
	for _, file := range f.h.Files {
		r.CanStart = r.CanStart || file.Kind != order.KindReference && file.Path != "" && (piece == 0 || file.Round == piece)
	}
	again := f.was.act == "redo" && f.was.piece == piece
	if again {
		r.Text, r.FromThese = f.was.instructions, f.was.fromThese
	}
	if last := f.lastTake(piece); len(last) > 1 {
		for i, file := range last {
			r.Files = append(r.Files, wrongFile{N: i + 1, Name: file.Name, Checked: again && slices.Contains(f.was.files, strconv.Itoa(i+1))})
		}
	}
	var first []effect
	if r.CanStart {
		first = []effect{{Text: "These pictures stay, so that you can compare."}}
	}
	r.Effects = f.calls(first)
	return r
}

// lastTake are the files that were made last for the round, or for a piece.
func (f forms) lastTake(piece int) (files []view.File) {
	kind, round := order.KindPiece, piece
	if piece == 0 {
		kind, round = order.KindDelivery, f.h.Order.Round
	}
	for _, m := range takesOf(f.h, kind) {
		if m.Round == round {
			files = m.Files
		}
	}
	return files
}

// price names a price to the client.
func (f forms) price() form {
	if f.out.can.Quote != nil {
		return form{}
	}
	p := &priceForm{act: f.act("quote", "Ask for this price"), FeePercent: int(100 - f.out.Keeps(100))}
	p.Busy, p.Kind = "Asking…", "main"
	p.Says = fmt.Sprintf("You keep the price less the marketplace's fee, %d %%.", p.FeePercent)
	if f.was.act == "quote" {
		p.Price = f.was.price
	} else if q := f.h.Quote; q != nil {
		p.Price = q.PriceUSD
	}
	if usd, err := owner.ParsePrice(p.Price); err == nil {
		p.Says = f.saysPrice(usd)
	}
	p.Effects = append(requests(f.out.Quote), effect{Text: "Sent once. It cannot be changed or taken back."})
	return form{Price: p}
}

// saysPrice is what a price means.
func (f forms) saysPrice(usd order.USD) string {
	client, _ := money(usd)
	keep, _ := money(f.out.Keeps(usd))
	return fmt.Sprintf("The client sees %s. You keep %s.", client, keep)
}

// assign says which service makes the order.
func (f forms) assign() form {
	if f.out.can.Assign != nil {
		return form{}
	}
	a := &assignForm{act: f.act("assign", "Have this service make it"), Label: "Which service makes it?"}
	a.Busy = "Choosing…"
	if f.h.Order.Code == order.CodeNoService {
		a.Kind = "main"
	}
	for i, s := range f.out.services {
		if s.State == view.ServiceUnconfigured || s.Title == f.h.Order.Service {
			continue
		}
		ch := choice{ID: fmt.Sprintf("service-%d", i), Title: s.Title, Checked: f.was.service == s.Title}
		if s.State == view.ServicePaused || s.Pause != nil {
			ch.Detail = "paused"
		}
		a.Choices = append(a.Choices, ch)
	}
	if len(a.Choices) == 0 {
		return form{}
	}
	a.Effects = []effect{{Text: "Its generator, prompt and rules make the order, and its price for a call is spent. You can choose another one later."}}
	return form{Assign: a}
}

// resubmit has the files of a delivered order made again and replaced.
func (f forms) resubmit() form {
	if f.out.can.Resubmit != nil {
		return form{}
	}
	a := f.act("resubmit", "Make it again"+f.about()+" and replace it")
	a.Busy, a.Off = "Replacing…", f.over()
	a.Effects = f.calls([]effect{{Text: "The client sees the new files instead of the first ones, and has at least 24 hours to look at them. It cannot be taken back once they are there."}})
	return form{Act: &a}
}

// cancel ends our work.
func (f forms) cancel() form {
	if f.out.can.Cancel != nil {
		return form{}
	}
	ch := &cancelForm{act: f.act("cancel", "Cancel our work"), Open: f.was.act == "cancel", Reason: f.was.reason}
	ch.Busy, ch.Kind = "Cancelling…", "grave"
	ch.Effects = []effect{
		{Text: "Nothing more is made or sent."},
		{Text: "At the marketplace the order stays open, and the client is not told."},
	}
	if amount(f.h.CostUSD) > 0 {
		text, _ := money(f.h.CostUSD)
		ch.Effects = append(ch.Effects, effect{Text: "The", Strong: text, Rest: " spent are gone."})
	}
	ch.Effects = append(ch.Effects, effect{Text: "“Resume the work” undoes it."})
	return form{Cancel: ch}
}

// fillers are the beginnings of messages that come with the console.
var fillers = []Reply{
	{"On it", "Thank you, I have read it and am on it."},
	{"Ask back", "So that it becomes as you want it: could you tell me more about "},
	{"Beyond the order", "That goes beyond this order. Please place another one for it, and I begin at once."},
}

// replies are the beginnings of messages about the order: the owner's, or those that come
// with the console. A link to one opens the page self with its text in the box, and a press
// puts it there without leaving. Neither sends anything.
func (f forms) replies(self string) (list []filler) {
	all := fillers
	if f.c.Replies != nil {
		if own := f.c.Replies(f.h); len(own) > 0 {
			all = own
		}
	}
	and := "?"
	if strings.Contains(self, "?") {
		and = "&"
	}
	for i, r := range all {
		r.Text = strings.Map(visible, r.Text)
		list = append(list, filler{r, fmt.Sprintf("%s%sreply=%d#write", self, and, i+1)})
	}
	return list
}

// readThread has the daemon read the thread again; nil if it is not read any more.
func (f forms) readThread() *act {
	if f.h.Thread.NextRead.IsZero() {
		return nil
	}
	a := f.act("read", "Read it now")
	a.Busy = "Asking…"
	return &a
}

// draftOf returns the assistant's draft that waits for the owner, or "".
func draftOf(h view.History) (text string) {
	for _, m := range h.Thread.Outbox {
		if m.State == order.OutDraft && m.Text != "" {
			text = m.Text
		}
	}
	return text
}

// reply writes to the client, on the page self; nil while the marketplace takes no messages.
func (f forms) reply(self string) *replyForm {
	if f.out.can.Reply != nil {
		return nil
	}
	r := &replyForm{act: f.act("reply", "Send"), Most: atelier.MaxMessage, Text: f.was.text, Templates: f.replies(self)}
	if n, err := strconv.Atoi(f.v.URL.Query().Get("reply")); err == nil && n > 0 && n <= len(r.Templates) && r.Text == "" {
		r.Text = r.Templates[n-1].Text
	}
	if f.out.can.Draft == nil {
		discard := f.act("discard", "Discard the draft")
		discard.Busy = "Discarding…"
		r.Discard = &discard
		if r.Text == "" {
			r.Text = strings.Map(visible, draftOf(f.h))
		}
		r.Effects = append(r.Effects, effect{Text: "The assistant’s draft. Send it as it is, or change it."})
	}
	r.Effects = append(r.Effects, effect{Text: "Goes to the client at once and cannot be taken back."})
	r.Effects = append(r.Effects, requests(f.out.Message)...)
	r.Effects = append(r.Effects, effect{Text: fmt.Sprintf("Up to %s characters.", thousands(atelier.MaxMessage))})
	return r
}
