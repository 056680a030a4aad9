package cli

import (
	"fmt"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

// This file is what `orders show` shows of the work on an order.

func (v historyView) showPieces(g *term.Page, now time.Time, said *told) {
	if len(v.Pieces) > 0 {
		g.Heading("pieces")
	}
	for _, p := range v.Pieces {
		state := string(p.Job)
		for _, w := range v.works {
			if w.Kind != order.KindPiece || w.Round != p.Number {
				continue
			}
			if wait := waits(w, now); wait != "" {
				state = wait
				said.once(w.Reason, 0)
			}
		}
		if p.Sent {
			state = "sent"
		}
		g.Note("  ", fmt.Sprintf("%d  %s", p.Number, state))
		g.Quote(p.Request)
	}
}

// about names what a file or an attempt was for.
func (v historyView) about(kind order.Kind, round int) string {
	if kind == order.KindMessage {
		for _, m := range v.Thread.Outbox {
			if m.position == round {
				return "message " + letterName(m.Reason)
			}
		}
	}
	return about(kind, round)
}

func about(kind order.Kind, round int) string {
	switch kind {
	case order.KindDelivery:
		return fmt.Sprint("round ", round)
	case order.KindReference:
		return string(kind)
	}
	return fmt.Sprint(kind, " ", round)
}

func (v historyView) showWork(g *term.Page, now time.Time, said *told) {
	if len(v.Files) > 0 {
		g.Heading("files")
	}
	for _, f := range v.Files {
		if f.Path == "" {
			g.Linef("  %s  %s  link", about(f.Kind, f.Round), term.Sanitize(f.MediaType))
		} else {
			pixels := ""
			if f.Width > 0 {
				pixels = fmt.Sprintf("%d x %d  ", f.Width, f.Height)
			}
			g.Linef("  %s  %s  %s%s", about(f.Kind, f.Round), term.Sanitize(f.MIME), pixels, term.Size(f.Bytes))
			g.Linef("    %s", term.Sanitize(f.Path))
		}
		if f.URL != "" {
			g.Linef("    %s", term.Sanitize(f.URL))
		}
	}
	if len(v.Attempts) > 0 {
		g.Heading("attempts")
		rows := [][]term.Cell{term.Headings("for", "stage", "try", "outcome", "began", "took", "cost", "error")}
		for _, a := range v.Attempts {
			rows = append(rows, a.row(v.about(a.Kind, a.Round), now, said))
		}
		g.Table("  ", rows)
		if last := v.Attempts[len(v.Attempts)-1]; last.Log != "" && last.Error != "" && said.once(strings.TrimSpace(last.Log), 0).Text != asAbove {
			g.Linef("  what the generator said last:")
			g.Quote(last.Log)
		}
	}
	if len(v.Calls) > 0 {
		g.Heading("calls of generators")
		rows := [][]term.Cell{term.Headings("for", "generator", "outcome", "began", "cost", "provider's id", "")}
		for _, c := range v.Calls {
			rows = append(rows, []term.Cell{term.Plain(about(c.Kind, c.Round)), term.Plain(c.Generator), term.Plain(string(c.State)),
				term.Plain(term.Relative(now, c.BeganAt)), term.Plain("$" + c.CostUSD), term.Plain(term.Line(c.Ticket, 40)), said.once(c.Note, 200)})
		}
		g.Table("  ", rows)
	}
	if len(v.Deliveries) > 0 {
		g.Heading("deliveries")
	}
	for _, d := range v.Deliveries {
		times := "once"
		if d.Tries != 1 {
			times = fmt.Sprint(d.Tries, " times")
		}
		g.Linef("  round %d  %s %s, sent %s", d.Round, d.State, term.Relative(now, d.SentAt), times)
		if d.Note != "" {
			g.Linef("    %s", term.Line(d.Note, 300))
		}
		for _, u := range d.URLs {
			g.Linef("    %s", term.Sanitize(u))
		}
	}
}

func (a attemptView) row(what string, now time.Time, said *told) []term.Cell {
	took, look := "-", term.None
	if !a.FinishedAt.IsZero() {
		took = a.FinishedAt.Sub(a.StartedAt).Round(time.Millisecond).String()
	}
	cost := "-"
	if a.cost != 0 {
		cost = "$" + a.CostUSD
	}
	switch a.Outcome {
	case "done":
		look = term.Green
	case "fail", "hold":
		look = term.Red
	case "retry", "wait", "crashed":
		look = term.Yellow
	}
	return []term.Cell{term.Plain(what), term.Plain(string(a.Stage)), term.Plain(fmt.Sprint(a.Attempt)),
		term.Styled(look, a.Outcome), term.Plain(term.Relative(now, a.StartedAt)), term.Plain(took), term.Plain(cost), said.once(a.Error, 300)}
}
