package fulfill_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// interrupted returns an order whose call an earlier process has left open, with the
// ticket if it has one.
func (w *world) interrupted(p *provider, ticket string) string {
	w.t.Helper()
	p.answers = []answer{{ticket, fails(order.Stopped, order.CodeStopped, order.ChargePending)}}
	w.useProvider(p)
	id := w.order()
	w.fails(order.StageGenerate, order.Stopped, order.CodeStopped)
	w.restart()
	return id
}

// started replaces the record of what was seen by that of a process that has just
// started: even its first poll has no answer yet.
func (w *world) started() {
	w.unseen = true
	w.restart()
}

// reads counts the reads of single orders.
func (w *world) reads() (n int) {
	for _, r := range w.sent(sandbox.CallRead) {
		if strings.HasPrefix(r.Path, "/api/orders/") && !strings.HasSuffix(r.Path, "/messages") {
			n++
		}
	}
	return n
}

// listings counts the listings of orders.
func (w *world) listings() int { return len(w.sent(sandbox.CallOrders)) }

// deliverByHand delivers the order next to the daemon.
func (w *world) deliverByHand(id string) error {
	byHand := w.base
	byHand.Meter = nil
	return atelier.New(byHand).Deliver(w.t.Context(), id, []atelier.Deliverable{{URL: "https://by.hand/x.png", Media: "image"}})
}

func TestNothingIsPaidForBeforeTheFirstPoll(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *world, p *provider) string{
		"a first call": func(w *world, p *provider) string { w.useProvider(p); return w.order() },
		"a call that may never have arrived": func(w *world, p *provider) string {
			p.repeats = true
			return w.interrupted(p, "")
		},
		"a call whose outcome is unknown": func(w *world, p *provider) string { return w.interrupted(p, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{}
				begin(w, p)
				before := len(p.runs)
				w.started()
				if f := w.fails(order.StageGenerate, order.Wait, order.CodeNotSeen); f.After != time.Second {
					t.Errorf("it waits %s, while the poll may end at any moment", f.After)
				}
				time.Sleep(time.Hour)
				if f := w.fails(order.StageGenerate, order.Wait, order.CodeNotSeen); f.After != time.Minute {
					t.Errorf("after an hour it waits %s", f.After)
				}
				if len(p.runs) != before || w.reads() != 0 {
					t.Errorf("%d calls, %d reads", len(p.runs)-before, w.reads())
				}
				w.poll()
				w.must(order.StageGenerate)
				if n := w.painter.asked[0].Attempt; n != 1 {
					t.Errorf("after the wait it is attempt %d", n)
				}
			})
		})
	}
}

func TestWhatIsPaidForGoesOnBeforeTheFirstPoll(t *testing.T) {
	t.Parallel()
	t.Run("a call with a provider's id", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{}
			w.interrupted(p, "job1")
			w.started()
			w.must(order.StageGenerate)
			if len(p.runs) != 2 || p.runs[1].Ticket != "job1" {
				t.Errorf("runs %+v", p.runs)
			}
		})
	})
	t.Run("a result on disk", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			p := &provider{}
			w.useProvider(p)
			w.order()
			if _, err := w.f.Run(t.Context(), w.lease(order.StageGenerate)); err != nil { // and its commit is lost
				t.Fatal(err)
			}
			w.started()
			w.must(order.StageGenerate)
			if len(p.runs) != 1 {
				t.Errorf("%d calls", len(p.runs))
			}
		})
	})
	t.Run("a generator that is free", func(t *testing.T) {
		t.Parallel()
		inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
			w.useProvider(&provider{}, func(g *fulfill.Generator) { g.Free = true })
			w.order()
			w.started()
			w.must(order.StageGenerate)
		})
	})
}

// The first poll has failed, so each order is read alone.
func TestAnOrderIsReadBeforeItIsPaidFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(w *world, id string) error
		waits     bool
	}{
		"open":              {meanwhile: func(*world, string) error { return nil }},
		"cancelled":         {func(w *world, id string) error { return w.market.Cancel(id) }, true},
		"delivered by hand": {func(w *world, id string) error { return w.deliverByHand(id) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
				p := &provider{}
				w.useProvider(p)
				id := w.order()
				w.restart()
				if err := c.meanwhile(w, id); err != nil {
					t.Fatal(err)
				}
				if !c.waits {
					w.must(order.StageGenerate)
				} else {
					w.fails(order.StageGenerate, order.Wait, order.CodeEnded)
					w.fails(order.StageGenerate, order.Wait, order.CodeEnded)
				}
				if (len(p.runs) == 0) != c.waits || w.reads() != 1 || w.listings() != 1 {
					t.Errorf("%d calls, %d reads, %d listings", len(p.runs), w.reads(), w.listings())
				}
			})
		})
	}
}

// TestALookBeforeADeliveryIsASighting guards looks that are made for another reason: what they
// show of an order, or of another one in a listing, counts before the next call.
func TestALookBeforeADeliveryIsASighting(t *testing.T) {
	t.Parallel()
	for name, guide := range map[string]bool{"a read of the order": false, "a listing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, sandbox.Options{Guide: guide}, func(t *testing.T, w *world) {
				id := w.uploaded()
				other := id
				if guide {
					other = w.order()
				}
				time.Sleep(time.Second)
				if err := w.market.Cancel(other); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if !w.seen.Seen(other, order.KindDelivery).Open {
					t.Fatal("the order was not seen open")
				}
				w.run(order.StageDeliver)
				if s := w.seen.Seen(other, order.KindDelivery); s.Open {
					t.Errorf("a look has shown that the order is cancelled, and it is seen as %+v", s)
				}
			})
		})
	}
}

func TestASightingCountsForAPollInterval(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{answers: []answer{{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)}}}
		w.useProvider(p)
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		if n := w.reads(); n != 0 {
			t.Errorf("%d reads of an order that a poll has just shown", n)
		}
		time.Sleep(interval + time.Second)
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageGenerate, order.Wait, order.CodeEnded)
		if len(p.runs) != 1 {
			t.Errorf("%d calls", len(p.runs))
		}
	})
}

// pricer is the owner's pricing program.
type pricer struct{ asked int }

func (p *pricer) Price(context.Context, generate.Request) (order.USD, error) {
	p.asked++
	return order.Dollar, nil
}

func TestNoPriceIsLookedForBeforeTheFirstPoll(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &pricer{}
		w.reopen(func(s *fulfill.Service) { s.Pricing = &fulfill.Pricing{Command: p} }, quotes)
		w.place("pending_quote")
		w.started()
		w.fails(order.StagePrice, order.Wait, order.CodeNotSeen)
		if p.asked != 0 {
			t.Error("the program was asked")
		}
		w.poll()
		w.must(order.StagePrice)
	})
}

// The program may charge for the price that it names.
func TestNoPriceIsLookedForWhileTheGateIsShut(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p, shut := &pricer{}, order.Failf(order.Wait, order.CodeChecking, "the gate is shut")
		w.options = func(o *fulfill.Options) {
			o.Ready = func(order.Job) error {
				if shut != nil {
					return shut
				}
				return nil
			}
		}
		w.reopen(func(s *fulfill.Service) { s.Pricing = &fulfill.Pricing{Command: p} }, quotes)
		w.place("pending_quote")
		w.fails(order.StagePrice, order.Wait, order.CodeChecking)
		if p.asked != 0 {
			t.Error("the program was asked")
		}
		shut = nil
		w.must(order.StagePrice)
		shut = order.Failf(order.Wait, order.CodeChecking, "the gate is shut")
		w.fails(order.StageQuote, order.Wait, order.CodeChecking)
		if n := len(w.sent(sandbox.CallQuote)); n != 0 {
			t.Errorf("%d quotes were sent", n)
		}
	})
}

func TestNoCallBeginsWhileTheGateIsShut(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{}
		w.options = func(o *fulfill.Options) {
			o.Ready = func(order.Job) error { return order.Failf(order.Wait, order.CodeChecking, "the gate is shut") }
		}
		w.useProvider(p)
		w.order()
		w.fails(order.StageGenerate, order.Wait, order.CodeChecking)
		if len(p.runs) != 0 {
			t.Errorf("%d calls", len(p.runs))
		}
		w.options = nil
		w.restart()
		w.must(order.StageGenerate)
	})
}

// The marketplace of the published guide shows no single order.
func TestWithoutSingleReadsTheLastPollDecides(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Guide: true}, func(t *testing.T, w *world) {
		p := &provider{}
		w.useProvider(p)
		w.order()
		w.restart()
		w.fails(order.StageGenerate, order.Wait, order.CodeNotSeen)
		w.poll()
		time.Sleep(100 * interval)
		w.must(order.StageGenerate)
		if n := w.listings(); n != 2 || len(p.runs) != 1 {
			t.Errorf("%d listings, want those of the two polls; %d calls", n, len(p.runs))
		}
	})
}

// A marketplace that does not answer keeps one worker for a moment, and not each job.
func TestASilentMarketplaceIsAskedOnceForAllOrders(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{}
		w.useProvider(p)
		w.order()
		w.order()
		w.restart()
		w.market.SetFaults(sandbox.Faults{Script: func(*http.Request, int) sandbox.Fault { return sandbox.Fault{Slow: time.Minute} }})
		began := time.Now()
		jobs := []order.Job{w.lease(order.StageGenerate), w.lease(order.StageGenerate)}
		for _, j := range jobs {
			_, err := w.f.Run(t.Context(), j)
			if f := order.Classify(t.Context(), err); f == nil || f.Class != order.Wait || f.Code != order.CodeNotSeen {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(began); len(p.runs) != 0 || w.reads() != 1 || took > 15*time.Second {
			t.Errorf("%d calls, %d reads in %s", len(p.runs), w.reads(), took)
		}
	})
}
