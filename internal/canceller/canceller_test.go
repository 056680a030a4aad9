package canceller_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/canceller"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

const price = order.Dollar / 20

// provider is a generator whose provider answers as told. At the end of the answers it
// cancels the job.
type provider struct {
	mu      sync.Mutex
	answers []answer
	tries   []string // the tickets
	// hangs: after the answers, it does not answer until its context ends.
	hangs bool
}

type answer struct {
	result order.CancelResult
	err    error
}

func (p *provider) Cancels() bool { return true }

func (p *provider) Cancel(ctx context.Context, ticket string) (order.CancelResult, error) {
	p.mu.Lock()
	p.tries = append(p.tries, ticket)
	a, hangs := answer{}, p.hangs
	if len(p.answers) > 0 {
		a, p.answers, hangs = p.answers[0], p.answers[1:], false
	}
	p.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return order.CancelResult{}, ctx.Err()
	}
	return a.result, a.err
}

func (p *provider) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.tries)
}

// world is a database in which the orders o1, o2, ... were cancelled by their client while
// the jobs job-1, job-2, ... ran at the provider.
type world struct {
	*testing.T
	dir   string
	store *store.Store
}

func inWorld(t *testing.T, generators []string, f func(*world)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, dir: dir}
		w.open()
		t.Cleanup(func() { w.store.Close() })
		for i, generator := range generators {
			w.unwanted(fmt.Sprint("o", i+1), generator, fmt.Sprint("job-", i+1))
		}
		f(w)
	})
}

func (w *world) open() {
	w.Helper()
	var err error
	if w.store, err = store.Open(store.Options{Dir: w.dir}); err != nil {
		w.Fatal(err)
	}
}

// unwanted makes an order with a job at the provider, and has the client cancel it.
func (w *world) unwanted(id, generator, ticket string) {
	w.Helper()
	show := func(s order.Status, d order.Decision) {
		_, err := w.store.Apply(order.Batch{
			Listing: order.Listing{Orders: []order.Facts{{ID: id, Status: s, CreatedAt: time.Now(), Raw: []byte("{}")}}}, Mark: 1 << 60,
			Decide: func(order.Known, order.Facts) order.Decision { return d },
		})
		if err != nil {
			w.Fatal(err)
		}
	}
	show(order.Paid, order.Decision{State: order.StateWorking, Jobs: order.JobsOpen, DueAt: time.Now()})
	turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour)
	if err != nil || turn.Job == nil {
		w.Fatal("no job", err)
	}
	c, err := w.store.BeginCall(*turn.Job, order.NewCall{Generator: generator, Price: price, Cancels: true})
	if err != nil {
		w.Fatal(err)
	}
	if err := w.store.CallSubmitted(c.ID, ticket); err != nil {
		w.Fatal(err)
	}
	show(order.Cancelled, order.Decision{State: order.StateCancelled, Jobs: order.JobsClose})
}

// run runs the loop for so long.
func (w *world) run(d time.Duration, o canceller.Options) {
	w.Helper()
	o.Store = w.store
	ctx, cancel := context.WithTimeout(w.Context(), d)
	defer cancel()
	if err := canceller.New(o).Run(ctx); err != nil {
		w.Fatal(err)
	}
}

// calls returns the calls of an order as the owner sees them.
func (w *world) calls(id string) string {
	w.Helper()
	h, err := w.store.History(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	var list []string
	for _, c := range h.Calls {
		list = append(list, fmt.Sprintf("%s $%s", c.State, c.Cost))
	}
	return strings.Join(list, ", ")
}

func only(p *provider) map[string]generate.Canceller { return map[string]generate.Canceller{"a": p} }

var missing = answer{result: order.CancelResult{Missing: true}}

var outage = order.Failf(order.Retry, order.CodeOutage, "the provider answered 500")

func TestAnUnwantedJobIsSettledAtItsCost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []answer
		want    string
		tries   int
	}{
		"cancelled":                  {nil, "cancelled $0.05", 1},
		"refunded":                   {[]answer{{order.CancelResult{CostKnown: true}, nil}}, "cancelled $0.00", 1},
		"charged in part":            {[]answer{{order.CancelResult{Cost: price / 5, CostKnown: true}, nil}}, "cancelled $0.01", 1},
		"ended before":               {[]answer{{order.CancelResult{Ended: true}, nil}}, "unknown $0.05", 1},
		"ended before and refunded":  {[]answer{{order.CancelResult{Ended: true, CostKnown: true}, nil}}, "unknown $0.00", 1},
		"not known at first":         {[]answer{missing}, "cancelled $0.05", 2},
		"never known":                {[]answer{missing, missing, missing, missing, missing}, "unknown $0.05", 5},
		"cancelled at the third try": {[]answer{{err: outage}, {err: outage}}, "cancelled $0.05", 3},
		"never cancelled":            {[]answer{{err: outage}, {err: outage}, {err: outage}, {err: outage}, {err: outage}}, "unknown $0.05", 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, []string{"a"}, func(w *world) {
				p := &provider{answers: test.answers}
				w.run(time.Hour, canceller.Options{Generators: only(p)})
				if got := w.calls("o1"); got != test.want || p.tried() != test.tries {
					w.Errorf("after %d tries the call is %s; want %s after %d", p.tried(), got, test.want, test.tries)
				}
			})
		})
	}
}

// TestTheTriesGoOnAfterARestart guards that neither a restart nor a crash begins them
// again.
func TestTheTriesGoOnAfterARestart(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"a"}, func(w *world) {
		p := &provider{answers: []answer{{err: outage}, {err: outage}, {err: outage}, {err: outage}, {err: outage}, {err: outage}}}
		for range 3 * order.CancelTries {
			w.run(3*time.Minute, canceller.Options{Generators: only(p)})
			w.store.Close()
			w.open()
		}
		if got := w.calls("o1"); got != "unknown $0.05" || p.tried() != order.CancelTries {
			w.Errorf("after %d tries the call is %s", p.tried(), got)
		}
	})
}

func TestAStopDuringATryLosesNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"a"}, func(w *world) {
		p := &provider{hangs: true}
		w.run(time.Second, canceller.Options{Generators: only(p)})
		if got := w.calls("o1"); got != "cancelling $0.05" {
			w.Fatalf("after a stop the call is %s", got)
		}
		p.hangs = false
		w.run(time.Hour, canceller.Options{Generators: only(p)})
		if got := w.calls("o1"); got != "cancelled $0.05" || p.tried() != 2 {
			w.Errorf("after %d tries the call is %s", p.tried(), got)
		}
	})
}

// TestACrashDuringTheLastTryIsTheEnd guards that the job is not asked about for ever.
func TestACrashDuringTheLastTryIsTheEnd(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"a"}, func(w *world) {
		p := &provider{answers: []answer{{err: outage}, {err: outage}, {err: outage}, {err: outage}}, hangs: true}
		for range 3 {
			w.run(time.Hour, canceller.Options{Generators: only(p)})
		}
		if got := w.calls("o1"); got != "unknown $0.05" || p.tried() != order.CancelTries {
			w.Errorf("after %d tries the call is %s", p.tried(), got)
		}
	})
}

func TestASilentProviderDelaysNoOther(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"silent", "a", "a"}, func(w *world) {
		p := &provider{}
		w.run(time.Minute, canceller.Options{Generators: map[string]generate.Canceller{"silent": &provider{hangs: true}, "a": p}})
		if w.calls("o2") != "cancelled $0.05" || w.calls("o3") != "cancelled $0.05" {
			w.Errorf("the calls are %s and %s", w.calls("o2"), w.calls("o3"))
		}
	})
}

// TestNothingIsCancelledBeforeTheLedgerIsCompared guards jobs of a ledger that was put
// back, or that a second daemon uses.
func TestNothingIsCancelledBeforeTheLedgerIsCompared(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"a"}, func(w *world) {
		p, shut := &provider{}, &atomic.Bool{}
		shut.Store(true)
		o := canceller.Options{Generators: only(p), Ready: func() error {
			if shut.Load() {
				f := order.Failf(order.Wait, order.CodeChecking, "not yet")
				f.After = time.Minute
				return f
			}
			return nil
		}}
		time.AfterFunc(30*time.Minute, func() {
			if p.tried() != 0 {
				w.Error("it was cancelled before")
			}
			shut.Store(false)
		})
		w.run(time.Hour, o)
		if got := w.calls("o1"); got != "cancelled $0.05" || p.tried() != 1 {
			w.Errorf("after %d tries the call is %s", p.tried(), got)
		}
	})
}

func TestAJobOfAGeneratorThatIsGoneIsSettled(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"gone"}, func(w *world) {
		w.run(time.Minute, canceller.Options{})
		if got := w.calls("o1"); got != "unknown $0.05" {
			w.Errorf("the call is %s", got)
		}
	})
}

// TestAnOutcomeOfTheWorkerIsNotReplaced guards a call that its worker closed meanwhile: it
// knows what the job has cost.
func TestAnOutcomeOfTheWorkerIsNotReplaced(t *testing.T) {
	t.Parallel()
	inWorld(t, []string{"a"}, func(w *world) {
		list, err := w.store.Cancellations(w.Context(), time.Now())
		if err != nil || len(list) != 1 {
			w.Fatal(list, err)
		}
		p := &provider{answers: []answer{{err: errors.New("it is done")}}}
		w.run(time.Second, canceller.Options{Generators: only(p)})
		if err := w.store.CloseCall(list[0].Call.ID, order.CallDone, price/5, ""); err != nil {
			w.Fatal(err)
		}
		w.run(time.Hour, canceller.Options{Generators: only(p)})
		if got := w.calls("o1"); got != "done $0.01" || p.tried() != 1 {
			w.Errorf("after %d tries the call is %s", p.tried(), got)
		}
	})
}

// TestAWakeIsEnough guards that an order which ends while the loop sleeps waits for no
// timer.
func TestAWakeIsEnough(t *testing.T) {
	t.Parallel()
	inWorld(t, nil, func(w *world) {
		p := &provider{}
		l := canceller.New(canceller.Options{Store: w.store, Generators: only(p)})
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		synctest.Wait()
		w.store.Notify(func(c store.Change) {
			if c.Cancellations {
				l.Wake()
			}
		})
		w.unwanted("o1", "a", "job-1")
		if err := <-ended; err != nil || w.calls("o1") != "cancelled $0.05" {
			w.Errorf("%v; the call is %s", err, w.calls("o1"))
		}
	})
}
