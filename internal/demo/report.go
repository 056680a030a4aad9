package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// result is the result of a demo in which everything was delivered.
type result struct {
	Orders        []resultOrder             `json:"orders"`
	DeliveredOnce int                       `json:"delivered_exactly_once"`
	Kills         int                       `json:"kills"`
	Restarts      int                       `json:"restarts"`
	CutOff        int                       `json:"orders_in_work_when_killed"`
	Overtaken     int                       `json:"orders_overtaken_by_express"`
	Requests      map[order.RequestKind]int `json:"requests"`
	Refused       int                       `json:"requests_refused"`
	Broken        int                       `json:"requests_broken"` // by --faults
	Quoted        int                       `json:"quotes_paid"`
	SentBack      int                       `json:"deliveries_sent_back"`
	Messages      int                       `json:"messages_to_clients"`
	Thread        []message                 `json:"thread"` // of the order that was sent back
	Seconds       float64                   `json:"seconds"`
	Dir           string                    `json:"dir"`
	Database      string                    `json:"database"`
	Console       string                    `json:"console"` // open while the demo runs
	Log           string                    `json:"log"`
	Try           []string                  `json:"try"`
	calls         []store.RequestCount
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
	text    string  // what was asked for, in one line
}

// report collects the pictures and prints the result.
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

// programName is how a shell starts this program: by its name if it is in the PATH.
func programName() string {
	program, err := os.Executable()
	if err != nil {
		return "atelierd"
	}
	if found, err := exec.LookPath("atelierd"); err == nil && found == program {
		return "atelierd"
	}
	return shellWord(program)
}

func (d *demo) result() (result, error) {
	r := result{
		Kills: d.kills, Restarts: d.starts - 1, CutOff: d.cutOff, Quoted: d.clients.paid, Dir: d.folder.path, Console: "http://" + d.listen.console + "/",
		Log: d.folder.log(), Database: filepath.Join(d.folder.data(), store.FileName), Seconds: time.Since(d.began).Seconds(),
	}
	// Short enough for 80 columns: they are run in the folder.
	database := filepath.Join(filepath.Base(d.folder.data()), store.FileName)
	r.Try = []string{
		"cd " + shellWord(d.folder.path),
		programName() + " orders list --all --config " + filepath.Base(d.folder.config()),
		"sqlite3 " + database + ` "select id, state, price_usd from v_orders"`,
		"sqlite3 " + database + ` "select * from v_attempts"`,
	}
	now := d.snapshot(context.Background())
	defer d.ledger.close()
	if err := verify(now, d.Orders); err != nil {
		return r, err
	}
	r.Overtaken = now.overtaken()
	if err := d.countRequests(&r); err != nil {
		return r, err
	}
	for _, o := range now.orders {
		r.SentBack += o.sentBack
		if err := d.readMessages(&r, o); err != nil {
			return r, err
		}
		file, err := d.collect(o)
		if err != nil {
			return r, err
		}
		r.DeliveredOnce++
		r.Orders = append(r.Orders, resultOrder{
			No: o.no, ID: o.id, Service: o.service, Brief: o.brief,
			Answers: o.answers, Seconds: o.took.Seconds(), File: file, text: o.text(),
		})
	}
	return r, nil
}

// countRequests adds the requests that the daemon sent, and the answers that the
// marketplace broke.
func (d *demo) countRequests(r *result) error {
	status, err := d.ledger.reader.Status(context.Background(), d.began)
	if err != nil {
		return err
	}
	r.calls, r.Requests = status.Requests, map[order.RequestKind]int{}
	for _, c := range r.calls {
		r.Requests[c.Kind] = c.Sent
		r.Refused += c.Refused
	}
	for _, q := range d.market.Requests() {
		if q.Fault != "" {
			r.Broken++
		}
	}
	return nil
}

// readMessages adds the messages about an order. A message that the client got
// twice is an error.
func (d *demo) readMessages(r *result, o progress) error {
	remote, _ := d.market.Order(o.id)
	sent := map[string]bool{}
	for _, m := range remote.Messages {
		if o.id == d.clients.disputed {
			r.Thread = append(r.Thread, message{strings.Replace(m.From, "provider", "agent", 1), m.Content})
		}
		if m.From == "client" {
			continue
		}
		r.Messages++
		if sent[m.Content] {
			return fmt.Errorf("order %d (%s): the client got the message %q twice", o.no, o.id, m.Content)
		}
		sent[m.Content] = true
	}
	return nil
}

// collect links the delivered file into the folder of pictures, under the order's
// number, and returns its path.
func (d *demo) collect(o progress) (string, error) {
	for _, f := range d.market.Files() {
		if f.URL != o.url {
			continue
		}
		if err := os.MkdirAll(d.folder.pictures(), 0o700); err != nil {
			return "", err
		}
		path := filepath.Join(d.folder.pictures(), fmt.Sprintf("%02d%s", o.no, filepath.Ext(f.Path)))
		if err := os.Link(f.Path, path); err != nil {
			return f.Path, nil // the file system has no links; the original serves as well
		}
		return path, nil
	}
	return "", fmt.Errorf("order %d was delivered with a URL that has no file", o.no)
}

// shellWord quotes a text for a shell if it needs quotes.
func shellWord(s string) string {
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 {
		return s
	}
	return shellQuote(s)
}
