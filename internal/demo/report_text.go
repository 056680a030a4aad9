package demo

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

func (r result) show(g *term.Page) {
	r.showDelivered(g)
	r.showCounts(g)
	g.Heading("messages about order 01")
	for _, m := range r.Thread {
		g.Linef("  %-9s %s", m.From, term.Line(m.Text, 200))
	}
	g.Heading("look around")
	g.Linef("  everything is in %s", term.Sanitize(r.Dir))
	g.Table("  ", [][]term.Cell{
		{term.Plain("pictures/"), term.Styled(term.Dim, "the delivered files")},
		{term.Plain("paint-it"), term.Styled(term.Dim, "the generator of the sketches, as a start for your own")},
		{term.Plain("daemon.log"), term.Styled(term.Dim, "the daemon's log, before and after the kill")},
	})
	g.Linef("")
	for _, t := range r.Try {
		g.Linef("  %s", term.Sanitize(t))
	}
}

// showDelivered shows the delivered orders. On a narrow terminal it leaves out
// their ids, which are in the database too.
func (r result) showDelivered(g *term.Page) {
	g.Linef("\n%s", g.Paint(term.Bold, "delivered"))
	rows := [][]term.Cell{term.Headings("order", "id", "service", "time", "file", "what was asked")}
	for _, o := range r.Orders {
		file := o.File
		if rel, err := filepath.Rel(r.Dir, file); err == nil {
			file = rel
		}
		rows = append(rows, []term.Cell{
			term.Plain(fmt.Sprintf("%02d", o.No)), term.Plain(o.ID), term.Plain(o.Service),
			term.Plain(fmt.Sprintf("%6s", fmt.Sprintf("%.1fs", o.Seconds))), term.Plain(term.Sanitize(file)), term.Styled(term.Dim, term.Clip(o.text, 60)),
		})
	}
	if !g.Fits("  ", rows) {
		for i, row := range rows {
			rows[i] = slices.Delete(row, 1, 2)
		}
	}
	g.Table("  ", rows)
}

func (r result) showCounts(g *term.Page) {
	g.Linef("\n%s", g.Paint(term.Green, fmt.Sprintf("delivered exactly once: %d of %d, in %.1fs", r.DeliveredOnce, len(r.Orders), r.Seconds)))
	note := func(format string, args ...any) { g.Note("  ", fmt.Sprintf(format, args...)) }
	note("killed %s with %s in work, restarted %s", times(r.Kills), counted(r.CutOff, "order"), times(r.Restarts))
	note("%s sent and paid, %s sent back and made again", counted(r.Quoted, "quote"), counted(r.SentBack, "picture"))
	note("%s to clients, each sent once", counted(r.Messages, "message"))
	if r.Overtaken > 0 {
		note("the express orders overtook %s", counted(r.Overtaken, "earlier order"))
	}
	if r.Broken > 0 {
		note("the marketplace broke or delayed %s", counted(r.Broken, "answer"))
	}
	var calls []string
	total := 0
	for _, c := range r.calls {
		if c.Kind == order.RequestRead {
			continue // the marketplace does not count these
		}
		calls = append(calls, fmt.Sprintf("%d %s", c.Sent, c.Kind))
		total += c.Sent
	}
	note("%d requests, %d refused: %s", total, r.Refused, strings.Join(calls, ", "))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return counted(n, "time")
}
