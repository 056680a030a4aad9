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

// scene is how everything stands at one moment.
type scene struct {
	acts []act
	// delivered counts the orders that are so in the marketplace's record and
	// in the daemon's; working those that the daemon has begun and not ended,
	// painting those whose picture is being made.
	delivered, working, painting int
	alive                        bool // whether the daemon is
	booksErr                     error
}

// act is one order in a scene.
type act struct {
	placed
	stage    string
	style    term.Style
	took     time.Duration // until delivered, or until now
	accepted int           // deliveries that the marketplace has accepted
	sentBack int           // how often the client has sent one back
	asks     bool          // the client has asked for the price, or was told it
	state    order.State   // in the daemon's file; empty while it has not seen it
	url      string        // of what the client got
}

// books reads the daemon's database as soon as there is one.
type books struct {
	dir    string
	reader *store.Store
}

func (b *books) lines(ctx context.Context) (map[string]store.Line, error) {
	if b.reader == nil {
		r, err := store.OpenReader(b.dir)
		if err != nil {
			return nil, err
		}
		b.reader = r
	}
	list, err := b.reader.Orders(ctx, "all", 1000)
	if err != nil {
		return nil, err
	}
	lines := map[string]store.Line{}
	for _, l := range list {
		lines[l.ID] = l
	}
	return lines, nil
}

func (b *books) close() {
	if b.reader != nil {
		_ = b.reader.Close() // it has only read
		b.reader = nil
	}
}

// look takes in the marketplace's record and the daemon's. While the daemon
// starts or dies its file may not be readable for a moment; the next look is
// then better, so that this is for the judge only.
func (d *demo) look(ctx context.Context) scene {
	s := scene{alive: d.daemon != nil}
	lines := map[string]store.Line{}
	if len(d.clients.placed) > 0 {
		lines, s.booksErr = d.books.lines(ctx)
	}
	now := time.Now()
	for _, p := range d.clients.placed {
		remote, _ := d.market.Order(p.id)
		line, seen := lines[p.id]
		s.add(newAct(p, remote, line, seen, s.alive, now))
		if seen && line.Attempt > 0 && line.Job == order.JobLeased {
			s.working++
			if line.Stage == order.StageGenerate {
				s.painting++
			}
		}
	}
	return s
}

func (s *scene) add(a act) {
	s.acts = append(s.acts, a)
	if a.done() {
		s.delivered++
	}
}

// done says whether both records agree that the order is delivered.
func (a act) done() bool { return a.accepted > a.sentBack && a.state == order.StateDelivered }

func newAct(p placed, remote sandbox.Order, line store.Line, seen, alive bool, now time.Time) act {
	a := act{placed: p, accepted: len(remote.Deliveries), sentBack: remote.Round, took: now.Sub(p.at),
		asks: remote.Status == "pending_quote" || remote.Status == "quoted"}
	if seen {
		a.state = line.State
	}
	if a.accepted > 0 {
		first := remote.Deliveries[0]
		a.took = first.At.Sub(p.at)
		if last := remote.Deliveries[a.accepted-1]; len(last.URLs) > 0 {
			a.url = last.URLs[0]
		}
	}
	a.stage, a.style = stageOf(a, line, seen, alive)
	return a
}

// stageOf says in a word or two how far an order has come.
func stageOf(a act, line store.Line, seen, alive bool) (string, term.Style) {
	switch {
	case a.done():
		return "delivered", term.Green
	case !seen && a.accepted == 0:
		return "placed", term.Dim
	case a.asks:
		return "quoting", term.Yellow
	case line.State == order.StateHeld || line.State == order.StateFailed:
		return term.Sanitize(string(line.State) + " " + string(line.Code)), term.Red
	case line.Job == order.JobLeased && !alive:
		return "cut off", term.Red
	case a.accepted > a.sentBack:
		return "delivering", term.Yellow
	case line.Job != order.JobLeased && line.Stage == order.StageGenerate && line.Attempt == 0:
		return "in line", term.Dim
	}
	word := map[order.Stage]string{order.StageGenerate: "painting", order.StageUpload: "uploading",
		order.StageDeliver: "delivering"}[line.Stage]
	if word == "" {
		return "paid", term.Dim // and not seen yet
	}
	if line.Attempt > 1 {
		word = fmt.Sprintf("%s, try %d", word, line.Attempt)
	}
	return word, term.Yellow
}

// judge says whether every order was delivered exactly once: by the record of
// the marketplace, and as the daemon itself knows it.
func judge(s scene, orders int) error {
	if s.booksErr != nil {
		return fmt.Errorf("read the daemon's database: %w", s.booksErr)
	}
	if len(s.acts) != orders {
		return fmt.Errorf("%d of %d orders were placed", len(s.acts), orders)
	}
	for _, a := range s.acts {
		if a.accepted != a.sentBack+1 {
			return fmt.Errorf("order %d (%s) was delivered %d times, and sent back %d", a.no, a.id, a.accepted, a.sentBack)
		}
		if a.state != order.StateDelivered {
			return fmt.Errorf("order %d (%s) is delivered, but the daemon's database says %q", a.no, a.id, a.state)
		}
	}
	return nil
}

// overtaken counts the orders that came before an express one and were
// delivered after it.
func (s scene) overtaken() int {
	n := 0
	for _, a := range s.acts {
		for _, e := range s.acts {
			if e.service == titleExpress && a.service != titleExpress && a.no < e.no &&
				a.at.Add(a.took).After(e.at.Add(e.took)) {
				n++
				break
			}
		}
	}
	return n
}
