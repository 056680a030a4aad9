package demo

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// snapshot is the state of every order at one moment.
type snapshot struct {
	orders []progress
	// delivered counts the orders that are delivered by both records, working
	// those that the daemon works on, and painting those whose picture is made.
	delivered, working, painting int
	alive                        bool // whether the daemon runs
	ledgerErr                    error
}

// progress is the state of one order.
type progress struct {
	placed
	stage    string
	style    term.Style
	took     time.Duration // until delivered, or until now
	accepted int           // deliveries that the marketplace has accepted
	sentBack int           // how often the client has sent one back
	quoting  bool          // the client waits for a price, or has one and has not paid yet
	state    order.State   // in the daemon's database; empty until it knows the order
	url      string        // of the delivered file
}

// ledger reads the daemon's database once there is one.
type ledger struct {
	dir    string
	reader *store.Store
}

func (l *ledger) lines(ctx context.Context) (map[string]store.Line, error) {
	if l.reader == nil {
		r, err := store.OpenReader(l.dir)
		if err != nil {
			return nil, err
		}
		l.reader = r
	}
	list, err := l.reader.Orders(ctx, "all", 1000)
	if err != nil {
		return nil, err
	}
	lines := map[string]store.Line{}
	for _, line := range list {
		lines[line.ID] = line
	}
	return lines, nil
}

func (l *ledger) close() {
	if l.reader != nil {
		_ = l.reader.Close() // it has only read
		l.reader = nil
	}
}

// snapshot reads the records of the marketplace and of the daemon. While the
// daemon starts or dies its database may be unreadable for a moment. Only verify
// looks at that error.
func (d *demo) snapshot(ctx context.Context) snapshot {
	s := snapshot{alive: d.daemon != nil}
	lines := map[string]store.Line{}
	if len(d.clients.placed) > 0 {
		lines, s.ledgerErr = d.ledger.lines(ctx)
	}
	now := time.Now()
	for _, p := range d.clients.placed {
		r := records{}
		r.remote, _ = d.market.Order(p.id)
		r.line, r.known = lines[p.id]
		s.add(newProgress(p, r, s.alive, now))
		if r.known && r.line.Attempt > 0 && r.line.Job == order.JobLeased {
			s.working++
			if r.line.Stage == order.StageGenerate {
				s.painting++
			}
		}
	}
	return s
}

func (s *snapshot) add(p progress) {
	s.orders = append(s.orders, p)
	if p.done() {
		s.delivered++
	}
}

// done reports whether both records have the order as delivered.
func (p progress) done() bool { return p.accepted > p.sentBack && p.state == order.StateDelivered }

// records is what the marketplace and the daemon know of an order.
type records struct {
	remote sandbox.Order
	line   store.Line
	known  bool // whether the daemon knows the order
}

func newProgress(o placed, r records, alive bool, now time.Time) progress {
	p := progress{
		placed: o, accepted: len(r.remote.Deliveries), sentBack: r.remote.Round, took: now.Sub(o.at),
		quoting: r.remote.Status == "pending_quote" || r.remote.Status == "quoted",
	}
	if r.known {
		p.state = r.line.State
	}
	if p.accepted > 0 {
		first := r.remote.Deliveries[0]
		p.took = first.At.Sub(o.at)
		if last := r.remote.Deliveries[p.accepted-1]; len(last.URLs) > 0 {
			p.url = last.URLs[0]
		}
	}
	p.stage, p.style = p.describe(r, alive)
	return p
}

// describe returns the stage of the order in a word or two.
func (p progress) describe(r records, alive bool) (string, term.Style) {
	line := r.line
	switch {
	case p.done():
		return "delivered", term.Green
	case !r.known && p.accepted == 0:
		return "placed", term.Dim
	case p.quoting:
		return "quoting", term.Yellow
	case line.State == order.StateHeld || line.State == order.StateFailed:
		return term.Sanitize(string(line.State) + ": " + line.Code.Words()), term.Red
	case line.Job == order.JobLeased && !alive:
		return "cut off", term.Red
	case p.accepted > p.sentBack:
		return "delivering", term.Yellow
	case line.Job != order.JobLeased && line.Stage == order.StageGenerate && line.Attempt == 0:
		return "in line", term.Dim
	}
	word := map[order.Stage]string{
		order.StageGenerate: "painting", order.StageUpload: "uploading",
		order.StageDeliver: "delivering",
	}[line.Stage]
	if word == "" {
		return "paid", term.Dim // the daemon does not know of the payment yet
	}
	if line.Attempt > 1 {
		word = fmt.Sprintf("%s, try %d", word, line.Attempt)
	}
	return word, term.Yellow
}

// verify returns an error unless every order was delivered exactly once, in the
// record of the marketplace and in that of the daemon.
func verify(s snapshot, orders int) error {
	if s.ledgerErr != nil {
		return fmt.Errorf("read the daemon's database: %w", s.ledgerErr)
	}
	if len(s.orders) != orders {
		return fmt.Errorf("%d of %d orders were placed", len(s.orders), orders)
	}
	for _, p := range s.orders {
		if p.accepted != p.sentBack+1 {
			return fmt.Errorf("order %d (%s) was delivered %d times, and sent back %d times", p.no, p.id, p.accepted, p.sentBack)
		}
		if p.state != order.StateDelivered {
			return fmt.Errorf("order %d (%s) is delivered, but the daemon's database has it as %q", p.no, p.id, p.state)
		}
	}
	return nil
}

// overtaken counts the orders that were placed before an express order and
// delivered after it.
func (s snapshot) overtaken() int {
	n := 0
	for _, p := range s.orders {
		for _, e := range s.orders {
			if e.service == titleExpress && p.service != titleExpress && p.no < e.no &&
				p.at.Add(p.took).After(e.at.Add(e.took)) {
				n++
				break
			}
		}
	}
	return n
}
