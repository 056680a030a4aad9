package owner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

const by = order.Actor("cli:jo")

// decide is a small version of the intake's decision.
func decide(k order.Known, f order.Facts) order.Decision {
	d := order.Decision{State: order.StateWorking, Service: f.ServiceTitle, DueAt: f.CreatedAt.Add(time.Hour)}
	switch {
	case f.Status == order.PendingQuote:
		d.State, d.Code, d.Reason = order.StateHeld, order.CodeQuoteNeeded, "name a price"
	case k.Job == "":
		d.Jobs = order.JobsOpen
	}
	return d
}

// world is a data folder with a daemon's store, and the owner's actions next to it.
type world struct {
	*testing.T
	dir     string
	daemon  *store.Store
	actions *owner.Actions
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: storetest.Dir(t)}
	var err error
	if w.daemon, err = store.Open(store.Options{Dir: w.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.daemon.Close() })
	w.actions, err = owner.Open(owner.Options{
		Dir: w.dir, By: by, Services: func() []string { return []string{"Images", "Videos"} },
		Decide: func(context.Context, *store.Store) (owner.Decide, error) { return decide, nil },
		CheckText: func(text string) error {
			if strings.Contains(text, "sk-secret") {
				return errors.New("the text contains a key")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.actions.Close() })
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// place has the marketplace list an order in a status.
func (w *world) place(id string, status order.Status) {
	w.Helper()
	_, err := w.daemon.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{{
			ID: id, Status: status, ServiceTitle: "Images", Brief: "a cat", CreatedAt: time.Now(),
			Raw: fmt.Appendf(nil, `{"id":%q,"status":%q}`, id, status),
		}}},
		Mark: 1 << 60, Decide: decide, Vanished: func(order.Known) order.Decision { return order.Decision{} },
	})
	w.must(err)
}

// work runs the next stage in the lane with an outcome.
func (w *world) work(lane order.Lane, result order.Result, failure *order.Failure) {
	w.Helper()
	turn, err := w.daemon.Turn(nil, lane, true, time.Minute)
	w.must(err)
	if turn.Job == nil {
		w.Fatal("no job is due")
	}
	_, err = w.daemon.Turn(&order.Done{Job: *turn.Job, Result: result, Failure: failure}, lane, false, time.Minute)
	w.must(err)
}

func (w *world) hold(code order.Code) {
	w.Helper()
	w.work(order.LaneGenerate, order.Result{}, order.Failf(order.Hold, code, "no"))
}

func (w *world) deliver() {
	w.Helper()
	w.work(order.LaneGenerate, order.Result{Next: order.StageDeliver}, nil)
	turn, err := w.daemon.Turn(nil, order.LaneNetwork, true, time.Minute)
	w.must(err)
	w.must(w.daemon.Intend(*turn.Job, []string{"https://files.test/a.png"}))
	_, err = w.daemon.Turn(&order.Done{Job: *turn.Job, Result: order.Result{Delivery: order.DeliveryConfirmed}}, order.LaneNetwork, false, time.Minute)
	w.must(err)
}

// action is something that the owner does to the order o1, after it was prepared.
type action struct {
	prepare func(w *world)
	do      func(ctx context.Context, a *owner.Actions) error
	state   order.State
}

func second(_ string, err error) error { return err }

func actions() map[string]action {
	held := func(w *world) {
		w.place("o1", order.Paid)
		w.hold(order.CodeRefused)
	}
	return map[string]action{
		"approve": {func(w *world) {
			w.place("o1", order.Paid)
			w.work(order.LaneGenerate, order.Result{Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "look at it")}, nil)
		}, func(ctx context.Context, a *owner.Actions) error { return a.Approve(ctx, "o1", 0) }, order.StateWorking},
		"retry":  {held, func(ctx context.Context, a *owner.Actions) error { return a.Retry(ctx, "o1") }, order.StateWorking},
		"redo":   {held, func(ctx context.Context, a *owner.Actions) error { return a.Redo(ctx, "o1", order.Redo{}) }, order.StateWorking},
		"cancel": {held, func(ctx context.Context, a *owner.Actions) error { return a.Cancel(ctx, "o1", "no") }, order.StateHeld},
		"quote": {
			func(w *world) { w.place("o1", order.PendingQuote) },
			func(ctx context.Context, a *owner.Actions) error { return a.Quote(ctx, "o1", "15") }, order.StateWorking,
		},
		"assign": {
			func(w *world) { w.place("o1", order.Paid) },
			func(ctx context.Context, a *owner.Actions) error { return second(a.Assign(ctx, "o1", "videos")) }, order.StateWorking,
		},
		"resubmit": {func(w *world) {
			w.place("o1", order.Paid)
			w.deliver()
			w.place("o1", order.Delivered)
		}, func(ctx context.Context, a *owner.Actions) error { return a.Resubmit(ctx, "o1", nil) }, order.StateWorking},
		"send": {
			func(w *world) { w.place("o1", order.Paid) },
			func(ctx context.Context, a *owner.Actions) error { return a.Reply(ctx, "o1", "hello", "") }, order.StateWorking,
		},
	}
}

// TestEachActionNamesWhoActed guards that the timeline shows who did it, next to a
// running daemon and without one.
func TestEachActionNamesWhoActed(t *testing.T) {
	t.Parallel()
	for name, each := range actions() {
		for _, running := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, a daemon runs: %v", name, running), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				each.prepare(w)
				before, err := w.daemon.History(t.Context(), "o1")
				w.must(err)
				for _, e := range before.Events {
					if e.By != "" {
						t.Errorf("the daemon's event %q is by %q", e.Kind, e.By)
					}
				}
				st := w.daemon
				if !running {
					w.must(w.daemon.Close())
					if st, err = store.OpenReader(w.dir); err != nil {
						t.Fatal(err)
					}
					defer st.Close()
				}
				w.must(each.do(t.Context(), w.actions))
				after, err := st.History(t.Context(), "o1")
				w.must(err)
				if after.Order.State != each.state {
					t.Errorf("the order is %s, want %s", after.Order.State, each.state)
				}
				events := after.Events[len(before.Events):]
				if len(events) == 0 {
					t.Error("no event was stored")
				}
				for _, e := range events {
					if e.By != by {
						t.Errorf("the event %q %q is by %q", e.Kind, e.Text, e.By)
					}
				}
			})
		}
	}
}

// TestWhatIsWrongInItselfChangesNothing guards that every caller has the same rules.
func TestWhatIsWrongInItselfChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("o1", order.Paid)
	before, err := w.daemon.History(t.Context(), "o1")
	w.must(err)
	ctx, a := t.Context(), w.actions
	for name, err := range map[string]error{
		"a price of 0":        a.Quote(ctx, "o1", "0"),
		"a tenth of a cent":   a.Quote(ctx, "o1", "0.001"),
		"no text":             a.Reply(ctx, "o1", " \n", ""),
		"a text too long":     a.Reply(ctx, "o1", strings.Repeat("x", 2001), ""),
		"an unknown service":  second(a.Assign(ctx, "o1", "Sculptures")),
		"a piece before 1":    a.Redo(ctx, "o1", order.Redo{Piece: -1}),
		"long instructions":   a.Redo(ctx, "o1", order.Redo{Instructions: strings.Repeat("x", owner.MaxInstructions+1)}),
		"a key for a program": a.Redo(ctx, "o1", order.Redo{Instructions: "mine is sk-secret"}),
		"a text with a key":   a.Reply(ctx, "o1", "mine is sk-secret", ""),
		"a folder as a file":  a.Resubmit(ctx, "o1", []string{w.dir}),
		"a file that is gone": a.Resubmit(ctx, "o1", []string{filepath.Join(w.dir, "none.png")}),
	} {
		input, ok := errors.AsType[*owner.InputError](err)
		if err == nil || ok == (strings.Contains(name, "key") || strings.Contains(name, "file")) {
			t.Errorf("%s: %v, as input %v", name, err, input)
		}
	}
	after, err := w.daemon.History(t.Context(), "o1")
	w.must(err)
	if len(after.Events) != len(before.Events) || len(after.Outbox) != 0 {
		t.Errorf("something was changed: %+v, outbox %+v", after.Events, after.Outbox)
	}
}

// TestARedoWhoseFilesCannotBeRemovedChangesNothing guards that an action is one
// transaction.
func TestARedoWhoseFilesCannotBeRemovedChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("o1", order.Paid)
	w.hold(order.CodeRefused)
	// A file in place of the folder of work cannot be read as a folder.
	w.must(os.WriteFile(filepath.Join(w.dir, "work"), nil, 0o600))
	if err := w.actions.Redo(t.Context(), "o1", order.Redo{}); err == nil {
		t.Fatal("the redo worked")
	}
	if state, err := w.actions.State(t.Context(), "o1"); err != nil || state != order.StateHeld {
		t.Errorf("the order is %s, %v", state, err)
	}
}

// TestWhatIsPossibleIsTriedAndUndone guards that a page shows the buttons that work, by the
// rules of the actions themselves.
func TestWhatIsPossibleIsTriedAndUndone(t *testing.T) {
	t.Parallel()
	for name, each := range actions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			each.prepare(w)
			before, err := w.daemon.History(t.Context(), "o1")
			w.must(err)
			can, err := w.actions.Possible(t.Context(), "o1")
			w.must(err)
			for action, err := range map[string]error{
				"approve": can.Approve, "redo": can.Redo, "retry": can.Retry, "cancel": can.Cancel, "quote": can.Quote,
				"assign": can.Assign, "resubmit": can.Resubmit, "send": can.Reply,
			} {
				if got := w.actions.Preview(); action == name && err != nil || (action == "approve") && (got.Approve(t.Context(), "o1", 0) == nil) != (err == nil) {
					t.Errorf("%s: %v", action, err)
				}
			}
			if can.TakeBack == nil {
				t.Error("an approval can be taken back that nobody gave")
			}
			after, err := w.daemon.History(t.Context(), "o1")
			w.must(err)
			if after.Fingerprint != before.Fingerprint || len(after.Events) != len(before.Events) || len(after.Outbox) != len(before.Outbox) {
				t.Errorf("something was changed: %+v", after.Events[len(before.Events):])
			}
			w.must(each.do(t.Context(), w.actions))
		})
	}
}

// TestTheSameReplyIsSentOnce guards a form that is sent twice.
func TestTheSameReplyIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place("o1", order.Paid)
	seen, err := w.actions.Fingerprint(t.Context(), "o1")
	w.must(err)
	ann := w.actions.As(order.Console("ann")).If(seen)
	w.must(ann.Reply(t.Context(), "o1", "hello", "k1"))
	w.must(ann.Reply(t.Context(), "o1", " hello ", "k1"))
	if err := ann.Reply(t.Context(), "o1", "another text", "k1"); err == nil {
		t.Error("another text with the same key and the old fingerprint was sent")
	}
	w.must(w.actions.Reply(t.Context(), "o1", "another text", "k1"))
	w.must(w.actions.Reply(t.Context(), "o1", "hello", ""))
	h, err := w.daemon.History(t.Context(), "o1")
	w.must(err)
	var texts, who []string
	for _, m := range h.Outbox {
		texts = append(texts, m.Body)
	}
	for _, e := range h.Events {
		if e.Text == order.ActMessage {
			who = append(who, string(e.By))
		}
	}
	if strings.Join(texts, ", ") != "hello, another text, hello" || strings.Join(who, ", ") != "console:ann, cli:jo, cli:jo" {
		t.Errorf("the messages are %q by %q", texts, who)
	}
}
