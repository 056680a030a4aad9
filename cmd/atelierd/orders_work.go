package main

import (
	"fmt"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file is what `orders show` shows of the work on an order.

func (v historyView) showPieces(g *page, now time.Time, said *told) {
	if len(v.Pieces) > 0 {
		g.heading("pieces")
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
		g.note("  ", fmt.Sprintf("%d  %s", p.Number, state))
		g.quote(p.Request)
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

func (v historyView) showWork(g *page, now time.Time, said *told) {
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
			rows = append(rows, a.row(v.about(a.Kind, a.Round), now, said))
		}
		g.table("  ", rows)
		if last := v.Attempts[len(v.Attempts)-1]; last.Log != "" && last.Error != "" && said.once(strings.TrimSpace(last.Log), 0).text != asAbove {
			g.linef("  what the generator said last:")
			g.quote(last.Log)
		}
	}
	if len(v.Calls) > 0 {
		g.heading("calls of generators")
		rows := [][]cell{headings("for", "generator", "outcome", "began", "cost", "provider's id", "")}
		for _, c := range v.Calls {
			rows = append(rows, []cell{plainCell(about(c.Kind, c.Round)), plainCell(c.Generator), plainCell(string(c.State)),
				plainCell(relative(now, c.BeganAt)), plainCell("$" + c.CostUSD), plainCell(short(c.Ticket, 40)), said.once(c.Note, 200)})
		}
		g.table("  ", rows)
	}
	if len(v.Deliveries) > 0 {
		g.heading("deliveries")
	}
	for _, d := range v.Deliveries {
		times := "once"
		if d.Tries != 1 {
			times = fmt.Sprint(d.Tries, " times")
		}
		g.linef("  round %d  %s %s, sent %s", d.Round, d.State, relative(now, d.SentAt), times)
		if d.Note != "" {
			g.linef("    %s", short(d.Note, 300))
		}
		for _, u := range d.URLs {
			g.linef("    %s", plain(u))
		}
	}
}

func (a attemptView) row(what string, now time.Time, said *told) []cell {
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
	return []cell{plainCell(what), plainCell(string(a.Stage)), plainCell(fmt.Sprint(a.Attempt)),
		{a.Outcome, look}, plainCell(relative(now, a.StartedAt)), plainCell(took), plainCell(cost), said.once(a.Error, 300)}
}
