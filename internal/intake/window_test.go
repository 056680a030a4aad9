package intake_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// windows is a service that makes pieces, and one that does not.
var windows = intake.Catalog{
	{Title: "Pieces", RemoteID: "svc_1", Subscription: 7 * 24 * time.Hour, Pieces: true},
	{Title: "Window", RemoteID: "svc_2", Subscription: 7 * 24 * time.Hour},
}

func TestAWindowThatTheMarketplaceCallsDeliveredIsLookedAt(t *testing.T) {
	t.Parallel()
	window := facts(order.Delivered)
	window.WorkspaceExpiresAt = placed.Add(7 * 24 * time.Hour)
	files := window
	files.Deliverables, files.Shown = []string{"https://cdn.test/1"}, order.ShownFiles
	foreign := window
	foreign.ServiceID, foreign.ServiceTitle = "", "Sculptures"
	unopted := window
	unopted.ServiceID = "svc_2"
	for _, c := range []struct {
		name  string
		known order.Known
		facts order.Facts
		state order.State
		jobs  order.JobsAction
		code  order.Code
	}{
		{"its delivery continues", atDeliver(known(working, order.InProgress, ready, nothing)), window, working, order.JobsKeep, ""},
		{"also with a send without an answer", atDeliver(known(working, order.InProgress, leased, sending)), window, working, order.JobsKeep, ""},
		{"one that is new to us is looked at", order.Known{}, window, working, order.JobsOpen, ""},
		{"a send that was given up is not taken for delivered", code(atDeliver(known(isHeld, order.InProgress, held, sending)), order.CodeNeverArrived), window, isHeld, order.JobsKeep, order.CodeNeverArrived},
		{"what the owner cancelled stays cancelled", cancelled(known(isHeld, order.InProgress, closed, nothing)), window, isHeld, order.JobsKeep, order.CodeOwner},
		{"ours is delivered", known(delivered, order.InProgress, done, confirmed), files, delivered, order.JobsKeep, ""},
		{"the files of somebody else are found by the stage", atDeliver(known(working, order.InProgress, ready, nothing)), files, working, order.JobsKeep, ""},
		{"without pieces it is not taken for delivered", code(known(isHeld, order.InProgress, none, nothing), order.CodeSubscription), unopted, isHeld, order.JobsKeep, order.CodeSubscription},
		{"nor without its service", order.Known{}, foreign, isHeld, order.JobsKeep, order.CodeNoService},
	} {
		d := windows.Decide(c.known, c.facts)
		if d.State != c.state || d.Jobs != c.jobs || d.Code != c.code {
			t.Errorf("%s: %s, jobs %q, code %q; want %s, %q, %q", c.name, d.State, d.Jobs, d.Code, c.state, c.jobs, c.code)
		}
		if d.Jobs == order.JobsOpen && d.Stage != order.StageDeliver {
			t.Errorf("%s: it begins with stage %q", c.name, d.Stage)
		}
	}
}

func TestTheOwnerIsWarnedBeforeAWindowEndsForWhichNothingIsMade(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Subscription: 24 * time.Hour}, func(t *testing.T, w *world) {
		id := w.place(func(n *sandbox.NewOrder) {
			n.ServiceTitle = "Window"
			n.Raw = map[string]any{"workspace_expires_at": time.Now().Add(24 * time.Hour).Format(time.RFC3339)}
		})
		w.poll()
		if list := w.attention(); len(list) != 1 || list[0].Code != order.CodeSubscription {
			t.Errorf("at first the owner sees %+v", list)
		}
		time.Sleep(22 * time.Hour)
		w.poll()
		list := w.attention()
		if len(list) != 2 || list[0].Code != order.AlertWindow.Code() || !strings.Contains(list[0].Reason, id) {
			t.Errorf("two hours before the end the owner sees %+v", list)
		}
		w.poll()
		if n := w.log.count("a window ends without a delivery"); n != 1 {
			t.Errorf("it is logged %d times", n)
		}
		if err := (store.Owner{Store: w.store}).Cancel(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if list := w.attention(); len(list) != 0 {
			t.Errorf("after the owner has cancelled it, the owner sees %+v", list)
		}
		if err := w.market.Cancel(id); err != nil {
			t.Fatal(err)
		}
		w.poll()
		if list := w.attention(); len(list) != 0 {
			t.Errorf("after the order ended the owner sees %+v", list)
		}
	})
}

// TestAWindowOfAnAssignedServiceEndsWithoutAWarning guards that the service counts
// which the owner has named, not the one that the marketplace names.
func TestAWindowOfAnAssignedServiceEndsWithoutAWarning(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.restart(windows)
		id := w.place(func(n *sandbox.NewOrder) {
			n.ServiceTitle = "Sculptures"
			n.Raw = map[string]any{"workspace_expires_at": time.Now().Add(24 * time.Hour).Format(time.RFC3339)}
		})
		w.poll()
		if err := (store.Owner{Store: w.store}).Assign(t.Context(), id, "Pieces", windows.Decide); err != nil {
			t.Fatal(err)
		}
		time.Sleep(22 * time.Hour)
		w.poll()
		if list := w.attention(); len(list) != 0 {
			t.Errorf("two hours before the end the owner sees %+v", list)
		}
	})
}

func TestWhatIsAskedForAfterTheDeliveryIsStillMadeUntilTheEnd(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		end := time.Now().Add(24 * time.Hour)
		id := w.place(func(n *sandbox.NewOrder) {
			n.Raw = map[string]any{"workspace_expires_at": end.Format(time.RFC3339)}
		})
		w.poll()
		if err := w.market.SetStatus(id, "delivered"); err != nil {
			t.Fatal(err)
		}
		w.poll()
		threads := intake.NewThreads(intake.ThreadOptions{
			Store: w.store, Market: w.client, Log: slog.New(slog.DiscardHandler),
			Catalog: func(context.Context) (intake.Catalog, error) {
				return intake.Catalog{{Title: "Pictures", Subscription: 24 * time.Hour, Pieces: true}}, nil
			},
		})
		for _, after := range []time.Duration{23 * time.Hour, 2 * time.Hour} {
			time.Sleep(after)
			if err := w.market.ClientMessage(id, "one more after "+after.String()); err != nil {
				t.Fatal(err)
			}
			if err := w.store.ReadThread(id); err != nil {
				t.Fatal(err)
			}
			if _, err := threads.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if list, err := w.store.Pieces(t.Context(), id); err != nil || len(list) != 1 {
				t.Errorf("%s before its end it has %d pieces, %v", time.Until(end), len(list), err)
			}
		}
	})
}
