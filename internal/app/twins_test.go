package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// twin is one of two daemons that work on copies of one ledger.
type twin struct {
	*drill
	dir string

	mu   sync.Mutex
	rng  *rand.Rand
	sent time.Time // the last request that the client sees
	made time.Time // the last call began
}

// Generate takes another time in each of the daemons.
func (w *twin) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	w.mu.Lock()
	wait := time.Duration(w.rng.IntN(300)) * time.Second
	w.made = time.Now()
	w.mu.Unlock()
	select {
	case <-ctx.Done():
		return generate.Result{}, order.Failf(order.Stopped, order.CodeStopped, "stopped")
	case <-time.After(wait):
	}
	return w.drill.Generate(ctx, r)
}

// RoundTrip notes when the daemon sends something to a client.
func (w *twin) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/deliver") || strings.HasSuffix(r.URL.Path, "/messages") || strings.HasSuffix(r.URL.Path, "/quote")) {
		w.mu.Lock()
		w.sent = time.Now()
		w.mu.Unlock()
	}
	return w.drill.RoundTrip(r)
}

// twins are ways to run two daemons on copies of one ledger.
var twins = map[string]struct {
	guide   bool
	talks   bool          // messages to clients are on
	alike   bool          // both take the same time
	between time.Duration // two orders
}{
	"orders at once":             {},
	"orders one by one":          {between: 6 * time.Minute},
	"in lockstep":                {alike: true},
	"in lockstep, one by one":    {alike: true, between: 6 * time.Minute},
	"orders with messages":       {talks: true},
	"at a guide's marketplace":   {guide: true},
	"at the pace of the guide's": {guide: true, between: 6 * time.Minute},
}

// TestASecondDaemonOnACopyStopsThem guards clients against two daemons that work on
// copies of one ledger. It is noticed early, then nothing is begun or sent, and the
// owner's word ends it.
func TestASecondDaemonOnACopyStopsThem(t *testing.T) {
	t.Parallel()
	for name, c := range twins {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dirs := [2]string{storetest.Dir(t), t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, restore{guide: c.guide})
				d.delivery, d.cfg.Work.Generators = 5*time.Second, 3
				if !c.talks {
					d.cfg.Messages.Templates = nil
				}
				d.runOn(dirs[0], func() {
					d.place("before", sandbox.NewOrder{})
					time.Sleep(time.Hour)
				})
				copyFolder(t, dirs[1], dirs[0])
				var both [2]*twin
				var stops [2]func()
				for i, dir := range dirs {
					seed := uint64(i)
					if c.alike {
						seed = 0
					}
					both[i] = &twin{drill: d, dir: dir, rng: rand.New(rand.NewPCG(1, seed))}
					stops[i] = d.start(d.openWith(dir, both[i]))
				}
				time.Sleep(10 * time.Minute)
				for i := range 20 {
					d.place(fmt.Sprintf("order %d", i), sandbox.NewOrder{})
					time.Sleep(c.between)
				}
				time.Sleep(3 * time.Hour)
				switch why := both[0].stopped() + both[1].stopped(); {
				case why == "":
					t.Error("neither daemon has noticed the other")
				case c.talks && !strings.Contains(why, "was written to"):
					t.Errorf("a thread shows the other first, but they stopped because %s", why)
				}
				d.fewTwice()
				stops[0]()
				stops[1]()
				stop := d.start(d.openWith(dirs[0], both[0]))
				time.Sleep(time.Hour)
				both[0].stopped() // still
				both[0].accept(d.wake)
				stop()
			})
		})
	}
}

// TestWhatASecondDaemonDidIsNotDoneAgain guards the moment at which the owner accepts:
// the daemon that has stopped then takes over what the other has made and said.
func TestWhatASecondDaemonDidIsNotDoneAgain(t *testing.T) {
	t.Parallel()
	dirs := [2]string{storetest.Dir(t), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.delivery = 5 * time.Second
		d.runOn(dirs[0], func() { time.Sleep(time.Minute) })
		copyFolder(t, dirs[1], dirs[0])
		var both [2]*twin
		var stops [2]func()
		var wakes [2]func()
		for i, dir := range dirs {
			both[i] = &twin{drill: d, dir: dir, rng: rand.New(rand.NewPCG(1, uint64(i)))}
			stops[i] = d.start(d.openWith(dir, both[i]))
			wakes[i] = d.wake
		}
		time.Sleep(10 * time.Minute)
		for i := range 6 {
			d.place(fmt.Sprintf("order %d", i), sandbox.NewOrder{})
			time.Sleep(6 * time.Minute)
		}
		time.Sleep(2 * time.Hour)
		late, early := 0, 1 // early continues, late has stopped
		if both[late].stopped() == "" {
			late, early = early, late
		}
		d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly})
		d.must(d.market.ClientMessage(d.orders["window"], "a red one"))
		time.Sleep(time.Hour)
		both[early].resume(wakes[early])
		stops[early]()
		before := d.done()
		both[late].resume(wakes[late])
		stops[late]()
		for what, n := range d.done() {
			window := strings.HasPrefix(what, "window:") || strings.HasPrefix(what, d.orders["window"])
			if window && n != before[what] {
				t.Errorf("%s: %d times, before the other resumed %d times", what, n, before[what])
			}
		}
		if made := d.orders["window"] + " round 0 piece 1"; before[made] != 1 {
			t.Errorf("the piece was made %d times, want 1", before[made])
		}
	})
}

// stopped returns why the daemon has stopped, or "" if it has not noticed the other. It
// checks that the daemon has sent and begun nothing since.
func (w *twin) stopped() string {
	w.t.Helper()
	st := must(store.OpenReader(w.dir))
	defer st.Close()
	for _, f := range must(st.Facts(context.Background())) {
		if f.Name != string(order.AlertSecondDaemon.Code()) {
			continue
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.sent.After(f.Since) || w.made.After(f.Since) {
			w.t.Errorf("noticed at %s, the daemon has sent something at %s and begun a call at %s", f.Since, w.sent, w.made)
		}
		return f.Value
	}
	return ""
}

// mostTwice is how many of 20 orders two daemons may deliver twice until one of them
// notices. Two that do everything at the same moment deliver all of them twice if
// nothing stops them.
const mostTwice = 7

// fewTwice checks that few orders were delivered twice.
func (d *drill) fewTwice() {
	d.t.Helper()
	twice, calls := 0, 0
	for _, id := range d.orders {
		if o, _ := d.market.Order(id); len(o.Deliveries) > 1 {
			twice++
		}
	}
	for _, n := range d.made {
		calls += n
	}
	d.t.Logf("%d of %d orders delivered twice, %d calls", twice, len(d.orders), calls)
	if twice > mostTwice {
		d.t.Errorf("%d of %d orders were delivered twice", twice, len(d.orders))
	}
}

// accept has the owner stop the other daemon. The rest is then delivered once.
func (w *twin) accept(wake func()) {
	w.t.Helper()
	w.resume(wake)
	for name, id := range w.orders {
		if o, _ := w.market.Order(id); len(o.Deliveries) == 0 {
			w.t.Errorf("%s was not delivered", name)
		}
	}
	w.fewTwice()
	if why := w.stopped(); why != "" {
		w.t.Errorf("it has stopped again: %s", why)
	}
}

// resume has the owner stop the other daemon, and waits for what follows.
func (w *twin) resume(wake func()) {
	w.t.Helper()
	owner := must(store.OpenOwner(w.dir, "cli:test"))
	open, err := owner.AcceptRestore()
	w.must(err)
	if err := owner.Close(); err != nil {
		w.t.Error(err)
	}
	if open {
		wake()
	}
	time.Sleep(5 * time.Hour)
}
