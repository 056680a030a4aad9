//go:build rewiring

package app

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/web"
)

var (
	simSeeds = flag.Int("sim.seeds", defaultSeeds, "seeds of the simulated week")
	simSeed  = flag.Uint64("sim.seed", 0, "run this one seed, with the daemon's log")
)

// TestASimulatedWeekDeliversEachRoundOnce lives through a week against a
// marketplace that fails, loses answers, answers late and counts strictly, in a
// process that crashes at commits and requests, and looks at the books after.
func TestASimulatedWeekDeliversEachRoundOnce(t *testing.T) {
	if *simSeed != 0 {
		simulateWeek(t, *simSeed)
		return
	}
	for seed := range uint64(*simSeeds) {
		t.Run(fmt.Sprintf("seed=%d", seed+1), func(t *testing.T) {
			t.Parallel()
			simulateWeek(t, seed+1)
		})
	}
}

const simTitle = "Pictures"

// world is one simulated week.
type world struct {
	t      *testing.T
	rng    *rand.Rand
	dir    string
	cfg    *config.Config
	market *sandbox.Server
	next   http.RoundTripper
	hands  *craftsman
	getenv func(string) string
	crash  int
	// What the owner has meddled with.
	touched map[string]bool
	stays   []stay

	documented bool
	agent      string
	// receiver takes webhooks while a life runs.
	receiver atomic.Pointer[web.Receiver]

	studio      *studio
	holdUnknown bool
	paid        map[string]string // briefs of the orders that the studio works for
}

func simulateWeek(t *testing.T, seed uint64) {
	dir := simFolder(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, dir)
		defer func() {
			if t.Failed() {
				t.Logf("replay with: go test ./cmd/atelierd -run SimulatedWeek -sim.seed=%d", seed)
			}
		}()
		w.live()
		w.check()
	})
}

// simFolder is in memory where it can be: the simulation crashes processes, not
// machines, so that waiting for a disk would show nothing.
func simFolder(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "atelierd-sim-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newWorld(t *testing.T, seed uint64, dir string) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	documented := rng.IntN(4) == 0
	w := &world{t: t, rng: rng, dir: dir, touched: map[string]bool{}, documented: documented}
	w.market = sandbox.New(sandbox.Options{Seed: seed, Shared: rng.IntN(3) > 0, Documented: documented,
		Webhooks: rng.IntN(2) == 0, Subscription: simWindow})
	w.studio = &studio{rng: rand.New(rand.NewPCG(seed, 13)), jobs: map[string]*studioJob{}}
	w.holdUnknown, w.paid = seed%3 == 0, map[string]string{}
	listener := pipenet.New()
	server := &http.Server{Handler: w.studio.host(w.market), ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	w.next = &http.Transport{DialContext: listener.Dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		server.Shutdown(context.Background())
		serving.Wait()
	})
	id, key, err := w.market.AddAgent("simulated", "", "")
	if err != nil {
		t.Fatal(err)
	}
	w.agent = id
	w.adopt(key)
	w.getenv = func(name string) string {
		return map[string]string{"ATELIER_AGENT_ID": id, "ATELIER_API_KEY": key}[name]
	}
	w.hands = &craftsman{rng: rand.New(rand.NewPCG(seed, 8)), made: map[string]int{}}
	interval := []time.Duration{10 * time.Minute, 30 * time.Minute, 40 * time.Minute, time.Hour}[rng.IntN(4)]
	w.cfg = &config.Config{BaseURL: "http://market.test/api", BlobURL: "http://market.test/blob/", DataDir: dir, Dir: dir,
		Agent:  config.Agent{Name: "simulated", Description: "a simulated agent", EndpointURL: "https://agent.test"},
		Poll:   config.Poll{Interval: interval},
		Budget: config.Budget{Window: time.Hour, Poll: 30, Deliver: 30, Upload: 30, Messages: 60, Services: 20, Register: 5, Reserve: 8},
		Work: config.Work{Generators: 1 + rng.IntN(3), MaxAttempts: 5, Drain: time.Minute, Lease: time.Minute,
			DeliverTimeout: 150 * time.Second, Backoff: 5 * time.Second},
		Services: []config.Service{{Title: simTitle, Description: strings.Repeat("Pictures of every kind. ", 3), Category: "image_gen",
			Price: 5 * order.Dollar, PriceType: "fixed", TurnaroundHours: 2, Deliverables: []string{"a picture"}, Kind: "image",
			Generator: "hands", Mode: config.ModeAuto}},
	}
	kindsConfig(w.cfg)
	paidConfig(w.cfg)
	return w
}

func (w *world) faults() sandbox.Faults {
	return sandbox.Faults{Before: 0.06, After: 0.06, Slow: 0.06, SlowMax: 2 * time.Minute, Early429: 0.01, Shapes: w.rng.IntN(2) == 0}
}

const week = 7 * 24 * time.Hour

// live lets the week pass: clients on one side, lives of the process on the
// other; then all faults end, and what is left gets the time to be done.
func (w *world) live() {
	w.market.SetFaults(w.faults())
	end := time.Now().Add(week)
	clients, owner := rand.New(rand.NewPCG(w.rng.Uint64(), 9)), rand.New(rand.NewPCG(w.rng.Uint64(), 10))
	patrons, hooks := rand.New(rand.NewPCG(w.rng.Uint64(), 11)), rand.New(rand.NewPCG(w.rng.Uint64(), 12))
	collectors := rand.New(rand.NewPCG(w.rng.Uint64(), 14))
	var outside sync.WaitGroup
	hooking, unhook := context.WithCancel(context.Background())
	var hook sync.WaitGroup
	hook.Go(func() { w.sendWebhooks(hooking, hooks) })
	outside.Go(func() { w.patrons(patrons, end) })
	outside.Go(func() { w.clients(clients, end) })
	outside.Go(func() { w.owner(owner, end) })
	outside.Go(func() { w.collectors(collectors, end) })
	for time.Now().Before(end) {
		steps, deliveries := 20+w.rng.Int64N(1500), int64(0)
		if w.rng.IntN(2) == 0 {
			steps, deliveries = 0, 1+w.rng.Int64N(8)
		}
		w.life(newFate(steps, deliveries), min(time.Until(end), time.Duration(1+w.rng.IntN(72))*time.Hour))
		// A supervisor restarts it at once, or a person after a while.
		time.Sleep(time.Duration(w.rng.IntN([]int{20, 600}[w.rng.IntN(2)])) * time.Second)
	}
	outside.Wait()
	w.market.SetFaults(sandbox.Faults{})
	w.studio.setCalm()
	w.life(newFate(0, 0), 4*24*time.Hour)
	unhook()
	hook.Wait()
}

// life is one run of the daemon: until it crashes by its fate, or is stopped
// in order when its time is over.
func (w *world) life(f *fate, most time.Duration) {
	log := slog.New(slog.DiscardHandler)
	if *simSeed != 0 {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	log.Info("=== a life begins")
	st, err := store.Open(store.Options{Dir: w.dir, Hook: f.step, Log: log, MaxCrashes: 50})
	if err != nil {
		if !f.dead.Load() {
			w.t.Fatalf("open: %v", err)
		}
		return
	}
	defer st.Close()
	b := must(newBudget(w.cfg, st, log))
	keys, _, err := newKeyring(w.cfg, w.getenv)
	if err != nil {
		w.t.Fatal(err)
	}
	c := must(newClient(w.cfg, keys, b, transport{wire{w.next, f}}))
	gens := w.hire(f, log)
	if err := gens.watch(st, log); err != nil && !f.dead.Load() {
		w.t.Fatalf("watch: %v", err)
	}
	shop := must(newWorkshop(w.cfg, gens, log))
	e := newEngine(w.cfg, st, newFulfiller(w.cfg, st, c, b, shop, log), log)
	threads := newThreads(w.cfg, st, c, log)
	notify(st, e, threads)
	p := newPoller(w.cfg, st, c, b, e, keys, log)
	s := newSetup(w.cfg, st, c, shop, p, log)
	h := newBountyWatcher(w.cfg, st, c, log)
	defer w.listenIn(p, h.Hint, log)()

	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	for _, run := range []func(context.Context) error{e.Run, p.Run, s.Run, h.Run, threads.Run} {
		loops.Go(func() { run(ctx) })
	}
	loops.Go(func() { w.fillDisk(ctx, f) })
	t := time.NewTimer(most)
	select {
	case <-f.died:
		log.Info("=== crash", "at", f.at)
		w.crash++
		e.StopNow()
	case <-t.C:
	}
	t.Stop()
	cancel()
	loops.Wait()
}

// fillDisk makes the disk full now and then, for longer than a lease.
func (w *world) fillDisk(ctx context.Context, f *fate) {
	rng := rand.New(rand.NewPCG(uint64(f.left.Load()), uint64(f.deliveries.Load())))
	for {
		for _, full := range []bool{false, true} {
			f.full.Store(full)
			wait := time.Duration(10+rng.IntN(180)) * time.Second
			if !full {
				wait = time.Duration(1+rng.IntN(48)) * time.Hour
			}
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				t.Stop()
				f.full.Store(false)
				return
			case <-t.C:
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// clients place orders, send some back and cancel some, until end.
func (w *world) clients(rng *rand.Rand, end time.Time) {
	var placed []string
	sentBack := map[string]int{}
	for time.Now().Before(end) {
		time.Sleep(time.Duration(rng.IntN(12*60)) * time.Minute)
		brief := fmt.Sprintf("picture %d; it's \"quoted\"\n$(touch x) \x1b[31m \U0001F98A", len(placed))
		if rng.IntN(20) == 0 {
			brief = "something indecent"
		}
		id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: simTitle, Brief: brief, Price: "5.00"})
		if err != nil {
			w.t.Errorf("place an order: %v", err)
			return
		}
		placed = append(placed, id)
		for _, id := range placed {
			o, _ := w.market.Order(id)
			switch {
			case o.Status == "delivered" && sentBack[id] < 2 && rng.IntN(12) == 0:
				sentBack[id]++
				if err := w.market.Dispute(id, "not what I meant"); err != nil {
					w.t.Errorf("dispute: %v", err)
				}
			case o.Status == "paid" && rng.IntN(40) == 0:
				if err := w.market.Cancel(id); err != nil {
					w.t.Errorf("cancel: %v", err)
				}
			}
		}
	}
}

// stay is a time in which the owner wanted an order left alone: no delivery
// may be made in it.
type stay struct {
	id       string
	from, to time.Time
}

// owner cancels work in hand and takes that back, at the worst moments: while
// the daemon is in the middle of it, and without telling it.
func (w *world) owner(rng *rand.Rand, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(1+rng.IntN(240)) * time.Minute)
		if !slices.ContainsFunc(w.market.Orders(), func(o sandbox.Order) bool { return o.Status == "paid" }) {
			continue
		}
		o, err := store.OpenOwner(w.dir)
		if err != nil {
			continue // the daemon has not made its database yet
		}
		w.meddle(rng, o)
		o.Close()
	}
}

func (w *world) meddle(rng *rand.Rand, o store.Owner) {
	lines, err := o.Orders(context.Background(), "working", 1)
	if err != nil || len(lines) == 0 || lines[0].Stage != order.StageGenerate {
		return
	}
	id := lines[0].ID
	if err := o.Cancel(context.Background(), id, "on second thoughts"); err != nil {
		return // it has moved on in this very moment
	}
	w.touched[id] = true
	from := time.Now()
	time.Sleep(time.Duration(rng.IntN(30)) * time.Minute)
	w.stays = append(w.stays, stay{id, from, time.Now()})
	if err := o.Retry(context.Background(), id); err != nil {
		w.t.Logf("the owner could not retry %s: %v", id, err)
	}
}

// check looks at the marketplace's record and at the database.
func (w *world) check() {
	db := must(sql.Open("sqlite", "file:"+filepath.Join(w.dir, store.FileName)))
	defer db.Close()
	w.checkIntegrity(db)
	orders := w.market.Orders()
	for _, o := range orders {
		if plainOrder(o) {
			w.checkOrder(db, o)
		}
	}
	w.checkKinds(db, orders)
	w.checkPaid(db)
	w.checkAttempts(db)
	w.checkBudget()
	for _, s := range w.stays {
		o, _ := w.market.Order(s.id)
		for _, d := range o.Deliveries {
			if d.At.After(s.from) && d.At.Before(s.to) {
				w.t.Errorf("order %s was delivered while the owner had it cancelled", s.id)
			}
		}
	}
	for what, times := range w.hands.made {
		id, _, _ := strings.Cut(what, " ")
		if times > 1 && !w.touched[id] {
			w.t.Errorf("%s was made %d times", what, times)
		}
	}
	if *simSeed != 0 {
		w.t.Logf("%d orders, %d crashes, %d requests", len(orders), w.crash, len(w.market.Requests()))
	}
}

func (w *world) checkIntegrity(db *sql.DB) {
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		w.t.Errorf("integrity_check: %s, %v", verdict, err)
	}
	var unfinished int
	err := db.QueryRow("SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased')").Scan(&unfinished)
	if err != nil || unfinished != 0 {
		w.t.Errorf("%d jobs are unfinished days after the faults, %v", unfinished, err)
	}
}

func (w *world) checkOrder(db *sql.DB, o sandbox.Order) {
	rounds := map[int]int{}
	for _, d := range o.Deliveries {
		rounds[d.Round]++
	}
	for round, times := range rounds {
		if times > 1 {
			w.t.Errorf("order %s (%s): round %d was delivered %d times", o.ID, o.Status, round, times)
		}
	}
	var state, code string
	if err := db.QueryRow("SELECT state, code FROM orders WHERE id = ?", o.ID).Scan(&state, &code); err != nil {
		w.t.Errorf("order %s (%s) is not in the database: %v", o.ID, o.Status, err)
		return
	}
	if o.Status == "cancelled" {
		if state != "cancelled" {
			w.t.Errorf("order %s is cancelled there and %s here", o.ID, state)
		}
		return
	}
	if len(rounds) == o.Round+1 {
		if state != "completed" && state != "delivered" || o.Status != "completed" {
			w.t.Errorf("order %s is delivered, %s there and %s (%s) here", o.ID, o.Status, state, code)
		}
		return
	}
	// Not delivered in some round: the owner must have been told, for a reason
	// that nothing but the owner can settle.
	given := slices.Contains([]string{"refused", "unclear", "order_cap"}, code) || code == "unknown_call" && w.holdUnknown ||
		slices.Contains([]string{"exit", "provider", "no_answer", "outage", "slow", "expired"}, code) && w.givenUp(db, o.ID)
	if (state != "held" && state != "failed") || !given {
		w.t.Errorf("order %s: %d of %d rounds delivered, %s there and %s (%s) here",
			o.ID, len(rounds), o.Round+1, o.Status, state, code)
	}
}

// givenUp says whether some stage of the order has used all its attempts.
func (w *world) givenUp(db *sql.DB, id string) bool {
	var attempts int
	err := db.QueryRow(`SELECT coalesce(max(attempt), 0) FROM v_attempts WHERE order_id = ? AND outcome IN ('fail', 'hold')`, id).Scan(&attempts)
	return err == nil && attempts >= w.cfg.Work.MaxAttempts
}

func (w *world) checkAttempts(db *sql.DB) {
	var beyond int
	err := db.QueryRow("SELECT count(*) FROM attempts WHERE stage = 'generate' AND attempt > ? OR attempt < 1", w.cfg.Work.MaxAttempts).Scan(&beyond)
	if err != nil || beyond != 0 {
		w.t.Errorf("%d attempts are beyond their cap, %v", beyond, err)
	}
}

// checkBudget counts honest refusals: those that no fault has made.
func (w *world) checkBudget() {
	hours := map[time.Time]int{}
	for _, r := range w.market.Refusals() {
		if r.Fault == "" {
			hours[r.At.Truncate(time.Hour)]++
		}
	}
	for hour, n := range hours {
		// An early refusal that a fault has made blocks calls too, so that a
		// clock hour may see the end of one window and the start of another.
		if n > 4 {
			w.t.Errorf("%d requests were refused in the hour of %s", n, hour)
		}
	}
}
