package demo

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// result is what a demo that went well ends with.
type result struct {
	Orders        []resultOrder             `json:"orders"`
	DeliveredOnce int                       `json:"delivered_exactly_once"`
	Kills         int                       `json:"kills"`
	Restarts      int                       `json:"restarts"`
	CutOff        int                       `json:"orders_in_work_when_killed"`
	Overtaken     int                       `json:"orders_overtaken_by_express"`
	Requests      map[order.RequestKind]int `json:"requests"`
	Refused       int                       `json:"requests_refused"`
	Broken        int                       `json:"requests_broken"` // on purpose, by --faults
	Quoted        int                       `json:"quotes_paid"`
	SentBack      int                       `json:"deliveries_sent_back"`
	Messages      int                       `json:"messages_to_clients"`
	Thread        []message                 `json:"thread"` // of the order that was sent back
	Seconds       float64                   `json:"seconds"`
	Dir           string                    `json:"dir"`
	Database      string                    `json:"database"`
	Log           string                    `json:"log"`
	Try           []string                  `json:"try"`
	calls         []store.Calls
}

// message is one entry of a thread.
type message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

type resultOrder struct {
	No      int     `json:"no"`
	ID      string  `json:"order_id"`
	Service string  `json:"service"`
	Brief   string  `json:"brief"`
	Answers string  `json:"requirement_answers,omitempty"`
	Seconds float64 `json:"seconds_to_deliver"`
	File    string  `json:"file"`
	text    string
}

// report collects the pictures and prints how it went.
func (d *demo) report(p *cli.Program) error {
	r, err := d.result()
	if err != nil {
		return err
	}
	if d.JSON {
		return term.PrintJSON(p.Stdout, r)
	}
	g := p.Page()
	r.show(g)
	return g.Print(p.Stdout)
}

func (d *demo) result() (result, error) {
	r := result{Kills: d.kills, Restarts: d.starts - 1, CutOff: d.cut, Dir: d.folder.path, Log: d.folder.log(),
		Database: filepath.Join(d.folder.data(), store.FileName), Requests: map[order.RequestKind]int{},
		Seconds: time.Since(d.began).Seconds()}
	scene := d.look(context.Background())
	defer d.books.close()
	if err := judge(scene, d.Orders); err != nil {
		return r, err
	}
	r.Overtaken = scene.overtaken()
	status, err := d.books.reader.Status(context.Background(), d.began)
	if err != nil {
		return r, err
	}
	r.calls = status.Requests
	for _, c := range r.calls {
		r.Requests[c.Call] = c.Sent
		r.Refused += c.Refused
	}
	for _, q := range d.market.Requests() {
		if q.Fault != "" {
			r.Broken++
		}
	}
	r.Quoted = d.clients.paid
	for _, a := range scene.acts {
		r.SentBack += a.sentBack
		remote, _ := d.market.Order(a.id)
		said := map[string]bool{}
		for _, m := range remote.Messages {
			if a.id == d.clients.disputed {
				r.Thread = append(r.Thread, message{strings.Replace(m.From, "provider", "agent", 1), m.Content})
			}
			if m.From == "client" {
				continue
			}
			r.Messages++
			if said[m.Content] {
				return r, fmt.Errorf("order %d (%s): the client was told twice: %q", a.no, a.id, m.Content)
			}
			said[m.Content] = true
		}
		file, err := d.collect(a)
		if err != nil {
			return r, err
		}
		r.DeliveredOnce++
		r.Orders = append(r.Orders, resultOrder{No: a.no, ID: a.id, Service: a.service, Brief: a.brief,
			Answers: a.answers, Seconds: a.took.Seconds(), File: file, text: a.text()})
	}
	r.Try = []string{
		"sqlite3 " + shellWord(r.Database) + ` "select id, state, seconds_to_deliver from v_orders"`,
		"sqlite3 " + shellWord(r.Database) + ` "select order_id, stage, outcome, seconds from v_attempts where outcome <> 'done'"`,
		"atelierd orders list --config " + shellWord(d.folder.config()),
	}
	return r, nil
}

// collect puts what the client got into the folder of pictures, under the
// order's number, and gives its path.
func (d *demo) collect(a act) (string, error) {
	for _, f := range d.market.Files() {
		if f.URL != a.url {
			continue
		}
		if err := os.MkdirAll(d.folder.pictures(), 0o700); err != nil {
			return "", err
		}
		path := filepath.Join(d.folder.pictures(), fmt.Sprintf("%02d%s", a.no, filepath.Ext(f.Path)))
		if err := os.Link(f.Path, path); err != nil {
			return f.Path, nil // a file system without links; it is as good there
		}
		return path, nil
	}
	return "", fmt.Errorf("order %d was delivered with an address that no file has", a.no)
}

func (r result) show(g *term.Page) {
	g.Linef("\n%s", g.Paint(term.Bold, "delivered"))
	rows := [][]term.Cell{term.Headings("order", "id", "service", "time", "file", "what was asked")}
	for _, o := range r.Orders {
		file := o.File
		if rel, err := filepath.Rel(r.Dir, file); err == nil {
			file = rel
		}
		rows = append(rows, []term.Cell{term.Plain(fmt.Sprintf("%02d", o.No)), term.Plain(o.ID), term.Plain(o.Service),
			term.Plain(fmt.Sprintf("%6s", fmt.Sprintf("%.1fs", o.Seconds))), term.Plain(term.Sanitize(file)), term.Styled(term.Dim, clip(o.text, term.LeastLast))})
	}
	if room := g.Width - tableColumns(rows); g.Width > 0 && room < 0 {
		for i, row := range rows {
			rows[i] = slices.Delete(row, 1, 2) // the id, which is in the database too
		}
	}
	room := cmp.Or(g.Width, 140) - tableColumns(rows) + term.LeastLast
	for i, o := range r.Orders {
		row := rows[i+1]
		row[len(row)-1].Text = clip(o.text, max(room, term.LeastLast))
	}
	g.Table("  ", rows)
	g.Linef("\n%s", g.Paint(term.Green, fmt.Sprintf("delivered exactly once: %d of %d, in %.1fs", r.DeliveredOnce, len(r.Orders), r.Seconds)))
	g.Linef("  killed %s with %s in work, restarted %s", times(r.Kills), counted(r.CutOff, "order"), times(r.Restarts))
	g.Linef("  %s asked for and paid, %s sent back and made again, %s to clients, each once",
		counted(r.Quoted, "quote"), counted(r.SentBack, "picture"), counted(r.Messages, "message"))
	if r.Overtaken > 0 {
		g.Linef("  the express orders overtook %s that came before them", counted(r.Overtaken, "order"))
	}
	if r.Broken > 0 {
		g.Linef("  the marketplace broke or delayed %s", counted(r.Broken, "answer"))
	}
	var calls []string
	total := 0
	for _, c := range r.calls {
		if c.Call == order.RequestRead {
			continue // the marketplace does not count these
		}
		calls = append(calls, fmt.Sprintf("%d %s", c.Sent, c.Call))
		total += c.Sent
	}
	g.Linef("  %d requests, %d refused: %s", total, r.Refused, strings.Join(calls, ", "))
	g.Heading("what was said about order 01")
	for _, m := range r.Thread {
		g.Linef("  %-9s %s", m.From, term.Line(m.Text, 200))
	}
	g.Heading("look around")
	g.Linef("  everything is in %s", term.Sanitize(r.Dir))
	g.Table("  ", [][]term.Cell{
		{term.Plain("pictures/"), term.Styled(term.Dim, "what the clients got")},
		{term.Plain("paint-it"), term.Styled(term.Dim, "the generator of the sketches, to start your own from")},
		{term.Plain("daemon.log"), term.Styled(term.Dim, "what the daemon said, in both of its lives")},
	})
	for _, t := range r.Try {
		g.Linef("\n  %s", term.Sanitize(t))
	}
}

// tableColumns is how wide a table is with its indent.
func tableColumns(rows [][]term.Cell) int {
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(c.Text))
		}
	}
	total := 0
	for _, w := range widths {
		total += w + 2 // the gap; for the first, the indent
	}
	return total
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

// shellWord quotes a text for a shell where that is needed.
func shellWord(s string) string {
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	return shellQuote(s)
}
