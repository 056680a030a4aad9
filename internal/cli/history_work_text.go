package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// This file shows the work on an order: pieces, files, attempts, calls and
// deliveries.

func (p *orderPage) showPieces() {
	if len(p.v.Pieces) > 0 {
		p.Heading("pieces")
	}
	for _, piece := range p.v.Pieces {
		state := string(piece.Job)
		for _, w := range p.v.Works {
			if w.Kind != order.KindPiece || w.Round != piece.Number {
				continue
			}
			if wait := waits(w, p.now); wait != "" {
				state = wait
				p.shown.add(w.Reason)
			}
		}
		if piece.Sent {
			state = "sent"
		}
		p.Note("  ", fmt.Sprintf("%d  %s", piece.Number, state))
		p.Quote(piece.Request)
	}
}

func (p *orderPage) showTakes() {
	if len(p.v.Takes) > 0 {
		p.Heading("takes")
	}
	for _, t := range p.v.Takes {
		from := ""
		if t.FromThese {
			from = "  from the pictures before"
		}
		switch {
		case t.SameAs > 0:
			from += fmt.Sprintf("  opened by the check, with the files of take %d", t.SameAs)
		case t.ByCheck:
			from += "  opened by the check"
		}
		p.Note("  ", p.take(t.Kind, t.Round, t.Take)+from)
		if t.Instructions != "" {
			p.Quote(t.Instructions)
		}
	}
}

// showPrompts shows what the assistant wrote for the generator. A model wrote it from the
// texts of others.
func (p *orderPage) showPrompts() {
	if len(p.v.Prompts) > 0 {
		p.Heading("prompts of the assistant")
	}
	for _, w := range p.v.Prompts {
		p.Note("  ", p.take(w.Kind, w.Round, w.Take))
		if w.Prompt == "" && w.Note == "" {
			p.Linef("    removed with the texts of the order")
			continue
		}
		if w.Prompt == "" {
			p.Linef("    the template was used: %s", term.Line(w.Note, 300))
			continue
		}
		p.Quote(w.Prompt)
		for _, line := range w.Requirements {
			p.Linef("    - %s", term.Line(line, 200))
		}
	}
}

// showChecks shows what the assistant found in the files. A model wrote it.
func (p *orderPage) showChecks() {
	if len(p.v.Checks) > 0 {
		p.Heading("checks of the assistant")
	}
	for _, c := range p.v.Checks {
		p.Linef("  %s  %s", p.take(c.Kind, c.Round, c.Take), term.Line(c.Words, 300))
		for _, line := range c.Problems {
			p.Linef("    - %s", term.Line(line, 200))
		}
	}
}

func (p *orderPage) showFiles() {
	if len(p.v.Files) > 0 {
		p.Heading("files")
	}
	for _, f := range p.v.Files {
		if f.Path == "" && f.RemovedAt.IsZero() {
			p.Linef("  %s  %s  link", p.take(f.Kind, f.Round, f.Take), term.Sanitize(f.MediaType))
		} else {
			pixels := ""
			if f.Width > 0 {
				pixels = fmt.Sprintf("%d x %d  ", f.Width, f.Height)
			}
			p.Linef("  %s  %s  %s%s", p.take(f.Kind, f.Round, f.Take), term.Sanitize(f.MIME), pixels, words.Size(f.Bytes))
			if f.RemovedAt.IsZero() {
				p.Linef("    %s", term.Sanitize(f.Path))
			} else {
				p.Linef("    file removed %s", f.RemovedAt.Format(time.DateOnly))
			}
		}
		if f.URL != "" {
			p.Linef("    %s", term.Sanitize(f.URL))
		}
	}
}

func (p *orderPage) showAttempts() {
	if len(p.v.Attempts) == 0 {
		return
	}
	p.Heading("attempts")
	rows := [][]term.Cell{term.Headings("for", "stage", "try", "outcome", "began", "took", "cost", "error")}
	for _, a := range p.v.Attempts {
		rows = append(rows, p.attempt(a))
	}
	p.Table("  ", rows)
	last := p.v.Attempts[len(p.v.Attempts)-1]
	if last.Log != "" && last.Error != "" && !p.shown.add(strings.TrimSpace(last.Log)) {
		p.Linef("  output of the last attempt:")
		p.Quote(last.Log)
	}
}

func (p *orderPage) attempt(a view.Attempt) []term.Cell {
	took, cost := "-", "-"
	if !a.FinishedAt.IsZero() {
		took = a.FinishedAt.Sub(a.StartedAt).Round(time.Millisecond).String()
	}
	outcome := a.Outcome
	if a.Looks > 1 {
		outcome += fmt.Sprintf(", %d looks", a.Looks)
		took = words.Span(a.FinishedAt.Sub(a.StartedAt))
	}
	if a.Cost != 0 {
		cost = "$" + a.CostUSD
	}
	look := term.None
	switch a.Outcome {
	case "done":
		look = term.Green
	case string(order.Fail), string(order.Hold):
		look = term.Red
	case string(order.Retry), string(order.Wait), "crashed":
		look = term.Yellow
	}
	return []term.Cell{
		term.Plain(p.purpose(a.Kind, a.Round)), term.Plain(string(a.Stage)), term.Plain(fmt.Sprint(a.Attempt)),
		term.Styled(look, outcome), term.Plain(words.Relative(p.now, a.StartedAt)), term.Plain(took), term.Plain(cost),
		p.shown.cell(a.Error, 300),
	}
}

// called returns whom a call was to. The assistant does several things.
func called(c view.Call) string {
	if c.Purpose == order.PurposeMake {
		return c.Generator
	}
	return c.Generator + ", " + string(c.Purpose)
}

func (p *orderPage) showCalls() {
	if len(p.v.Calls) == 0 {
		return
	}
	p.Heading("calls")
	rows := [][]term.Cell{term.Headings("for", "generator", "outcome", "began", "cost", "provider's id", "")}
	tickets := false
	for _, c := range p.v.Calls {
		tickets = tickets || c.Ticket != ""
		rows = append(rows, []term.Cell{
			term.Plain(p.purpose(c.Kind, c.Round)), term.Plain(called(c)), term.Plain(string(c.State)),
			term.Plain(words.Relative(p.now, c.BeganAt)), term.Plain("$" + c.CostUSD), term.Plain(term.Line(c.Ticket, 40)),
			p.shown.cell(c.Note, 200),
		})
	}
	if !tickets {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], 5, 6)
		}
	}
	p.Table("  ", rows)
}

func (p *orderPage) showDeliveries() {
	if len(p.v.Deliveries) > 0 {
		p.Heading("deliveries")
	}
	for _, d := range p.v.Deliveries {
		times := "once"
		if d.Tries != 1 {
			times = fmt.Sprint(d.Tries, " times")
		}
		p.Linef("  round %d  %s %s, sent %s", d.Round, d.State, words.Relative(p.now, d.SentAt), times)
		if d.Note != "" {
			p.Linef("    %s", term.Line(d.Note, 300))
		}
		for _, u := range d.URLs {
			p.Linef("    %s", term.Sanitize(u))
		}
	}
	p.showRedeliveries()
}

func (p *orderPage) showRedeliveries() {
	for _, r := range p.v.Redeliveries {
		p.Linef("  round %d again  %s: %s", r.Round, r.State, r.Reason())
		if r.Note != "" {
			p.Linef("    %s", term.Line(r.Note, 300))
		}
		for _, u := range r.URLs {
			p.Linef("    %s", term.Sanitize(u))
		}
	}
}

// purpose names what an attempt or a call was for.
func (p *orderPage) purpose(kind order.Kind, round int) string {
	return term.Sanitize(p.v.Purpose(kind, round))
}

// take names a take of a round or a piece.
func (p *orderPage) take(kind order.Kind, round, take int) string {
	return term.Sanitize(p.v.TakeName(kind, round, take))
}
