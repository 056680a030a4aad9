package intake_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// readThreads reads threads until the end of the test.
func (w *world) readThreads() {
	threads := intake.NewThreads(intake.ThreadOptions{
		Store: w.store, Market: w.client, Log: slog.New(slog.DiscardHandler),
		Catalog: func(context.Context) (intake.Catalog, error) { return shop, nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { threads.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// threadReads returns the number of threads that the marketplace was asked for.
func (w *world) threadReads() (n int) {
	for _, r := range w.market.Requests() {
		if r.Method == "GET" && len(r.Path) > 9 && r.Path[len(r.Path)-9:] == "/messages" {
			n++
		}
	}
	return n
}

func TestAThreadIsReadWhenItsOrderChangesAndElseEachHalfHour(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		if err := w.market.ClientMessage(id, "with a hat, please"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		w.readThreads()
		time.Sleep(5 * time.Second)
		thread, err := w.store.Thread(t.Context(), id)
		if err != nil || len(thread) != 1 || thread[0].Text != "with a hat, please" || thread[0].Party != order.PartyClient {
			t.Errorf("the mirror holds %+v, %v", thread, err)
		}
		before := w.threadReads()
		time.Sleep(24 * time.Hour)
		if n := w.threadReads() - before; n < 40 || n > 50 {
			t.Errorf("a day of nothing new took %d reads, want one in half an hour", n)
		}
		if thread, err = w.store.Thread(t.Context(), id); err != nil || len(thread) != 1 {
			t.Errorf("read again and again the mirror holds %d, %v", len(thread), err)
		}
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		w.poll()
		before = w.threadReads()
		time.Sleep(24 * time.Hour)
		if n := w.threadReads() - before; n > 0 {
			t.Errorf("the thread of a cancelled order was read %d times", n)
		}
	})
}

func TestManyThreadsAreReadInRows(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		for range 100 {
			w.place(nil)
		}
		w.poll()
		w.readThreads()
		time.Sleep(3 * time.Second)
		if n := w.threadReads(); n > 40 {
			t.Errorf("%d threads were read in three seconds", n)
		}
		time.Sleep(20 * time.Second)
		if n := w.threadReads(); n != 100 {
			t.Errorf("%d of 100 threads were read", n)
		}
	})
}

// TestPiecesBeyondAFullThreadAreAskedForByWebhook guards that each message of a client
// asks for one piece, whether a thread of 50 still shows it or not, and that the
// owner is warned before the thread is full.
func TestPiecesBeyondAFullThreadAreAskedForByWebhook(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.poll()
		window := intake.Catalog{{Title: "Pictures", Subscription: 7 * 24 * time.Hour, Pieces: true}}
		threads := intake.NewThreads(intake.ThreadOptions{
			Store: w.store, Market: w.client, Log: slog.New(slog.DiscardHandler),
			Catalog: func(context.Context) (intake.Catalog, error) { return window, nil },
		})
		for n := 1; n <= 60; n++ {
			text := fmt.Sprintf("wish %d", n)
			if err := w.market.ClientMessage(id, text); err != nil {
				t.Fatal(err)
			}
			if err := w.store.RecordWebhook(order.Webhook{
				OrderID: id, Event: order.EventMessage, Hash: text, Text: text, SignedAt: time.Now(),
			}); err != nil {
				t.Fatal(err)
			}
			if err := w.store.ReadThread(id); err != nil {
				t.Fatal(err)
			}
			if _, err := threads.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := ""
			switch {
			case n >= order.ThreadPage:
				want = "full"
			case n >= order.ThreadAlert:
				want = "filling"
			}
			if got := w.threadAlert(id); got != want {
				t.Errorf("with %d messages the owner sees the thread as %q, want %q", n, got, want)
			}
			time.Sleep(time.Minute)
		}
		if list, err := w.store.Pieces(t.Context(), id); err != nil || len(list) != 60 {
			t.Errorf("60 wishes ask for %d pieces, %v", len(list), err)
		}
	})
}

// threadAlert is the state of the order's thread that needs the owner, or "".
func (w *world) threadAlert(id string) string {
	for _, a := range w.attention() {
		if a.What == "thread" && a.ID == id && a.Code == order.CodeThreadFull {
			return a.State
		}
	}
	return ""
}

func TestAThreadThatWasUnknownIsReadWithinSeconds(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.place(nil)
		w.poll()
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if strings.HasSuffix(r.URL.Path, "/messages") {
				return sandbox.Fault{Before: http.StatusNotFound}
			}
			return sandbox.Fault{}
		}})
		w.readThreads()
		time.Sleep(20 * time.Second)
		w.market.SetFaults(sandbox.Faults{})
		if err := w.market.ClientMessage(id, "with a hat, please"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if thread, err := w.store.Thread(t.Context(), id); err != nil || len(thread) != 1 {
			t.Errorf("half a minute later the mirror holds %+v, %v", thread, err)
		}
	})
}

// TestThreadsThatFailDoNotHoldUpTheOthers guards that answers of 500 for the threads of
// some orders delay those threads alone.
func TestThreadsThatFailDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		var bad []string
		for range 5 {
			bad = append(bad, w.place(nil))
		}
		w.poll()
		time.Sleep(time.Second) // so that the bad threads are the longest due
		good := w.place(nil)
		w.poll()
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if slices.Contains(bad, path.Base(path.Dir(r.URL.Path))) {
				return sandbox.Fault{Before: http.StatusInternalServerError}
			}
			return sandbox.Fault{}
		}})
		if err := w.market.ClientMessage(good, "with a hat, please"); err != nil {
			t.Fatal(err)
		}
		w.readThreads()
		time.Sleep(5 * time.Minute)
		if thread, err := w.store.Thread(t.Context(), good); err != nil || len(thread) != 1 {
			t.Errorf("five minutes later the mirror of the other order holds %+v, %v", thread, err)
		}
		if n := w.threadReads(); n > 60 {
			t.Errorf("%d threads were read in five minutes", n)
		}
	})
}
