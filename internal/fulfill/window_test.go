package fulfill_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/intake"
	"atelierd/internal/message"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// weekly is a subscription whose messages ask for pieces.
func weekly(s *fulfill.Service) {
	s.Window.Length, s.Pieces, s.Templates = week, true, map[string]*message.Template{}
	for name, text := range map[string]string{"piece": "Piece {{.Piece}}:", "delivered": "delivered"} {
		l, err := message.Parse(text + "{{range .Links}} {{.}}{{end}}")
		if err != nil {
			panic(err) // the templates are above
		}
		s.Templates[name] = l
	}
}

func weeklyOffer(s *intake.Service) { s.Subscription, s.Pieces = 7*24*time.Hour, true }

// asks has the client ask for a piece, as the thread shows it.
func (w *world) asks(id string, n int) {
	w.t.Helper()
	var list []order.Message
	for i := range n {
		list = append(list, order.Message{ID: string(rune('a' + i)), Party: order.PartyClient, Text: "one more", At: time.Now()})
	}
	if _, err := w.store.ApplyThread(order.Thread{OrderID: id, Messages: list, Next: time.Now().Add(time.Hour), Pieces: true}); err != nil {
		w.t.Fatal(err)
	}
}

// subscribed is an order whose window is open. Its deliver job waits.
func (w *world) subscribed(o sandbox.NewOrder) string {
	w.t.Helper()
	list := w.base
	list.Meter = nil
	if _, err := atelier.New(list).CreateService(w.t.Context(), atelier.Service{
		Category: "image_gen", Title: title,
		Description: strings.Repeat("pictures ", 9), Price: 25 * order.Dollar, PriceType: "weekly",
	}); err != nil {
		w.t.Fatal(err)
	}
	o.ServiceTitle, o.Brief = title, "a fox"
	id, err := w.market.PlaceOrder(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.poll()
	w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
	return id
}

// piece makes the next piece and sends it.
func (w *world) piece() {
	w.t.Helper()
	w.must(order.StageGenerate)
	w.must(order.StageUpload)
	w.must(order.StageSend)
}

const (
	week   = 7 * 24 * time.Hour
	margin = week / 20
)

func TestAWindowIsDeliveredBeforeItsEndWithAllItsPieces(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 2)
		for range 2 {
			w.piece() // which makes the delivery due
			if f := w.fails(order.StageDeliver, order.Wait, order.CodeWindow); f.After != week-margin {
				t.Errorf("the delivery waits %s, want %s", f.After, week-margin)
			}
		}
		if said := w.said(id); len(said) != 2 || !strings.Contains(said[0], "Piece 1: http") {
			t.Errorf("the client reads %q", said)
		}
		w.asks(id, 1)
		if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour); err != nil || turn.Job != nil {
			t.Errorf("the same message asked for another piece: %+v, %v", turn.Job, err)
		}
		time.Sleep(week - margin)
		w.must(order.StageDeliver)
		w.must(order.StageSend)
		o, _ := w.market.Order(id)
		if len(o.Deliveries) != 1 || len(o.Deliveries[0].URLs) != 2 {
			t.Fatalf("it is delivered as %+v", o.Deliveries)
		}
		said := w.said(id)
		if last := said[len(said)-1]; last != "delivered "+strings.Join(o.Deliveries[0].URLs, " ") {
			t.Errorf("the client reads %q", last)
		}
	})
}

func TestWithoutARequestAPieceIsMadeFromTheBriefInTime(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(func(s *fulfill.Service) { weekly(s); s.Window.Making = time.Hour }, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		time.Sleep(week - 2*margin - time.Hour)
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		w.restart()
		w.piece()
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		if n := len(w.painter.asked); n != 1 || w.painter.asked[0].Ask != "a fox" {
			t.Errorf("%d requests: %+v", n, w.painter.asked)
		}
		w.asks(id, 1)
		w.piece()
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		time.Sleep(margin + time.Hour)
		w.must(order.StageDeliver)
		if o, _ := w.market.Order(id); len(o.Deliveries) != 1 || len(o.Deliveries[0].URLs) != 2 {
			t.Errorf("it is delivered as %+v", o.Deliveries)
		}
	})
}

func TestWhatTheThreadAsksForIsNotMadeFromTheBrief(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		if err := w.market.ClientMessage(id, "a red one"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(week - 2*margin)
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour); err != nil || turn.Job != nil {
			t.Errorf("a piece is made before the thread is read: %+v, %v", turn.Job, err)
		}
		if ids, _, err := w.store.DueThreads(t.Context(), time.Now(), 9); err != nil || len(ids) != 1 {
			t.Errorf("the threads %q are due, %v", ids, err)
		}
	})
}

// expired is a window that the marketplace has ended without a delivery, as our own
// look at it did, with the first tries of the delivery gone wrong.
func (w *world) expired(faults ...sandbox.Fault) string {
	w.t.Helper()
	w.reopen(weekly, weeklyOffer)
	id := w.subscribed(sandbox.NewOrder{Status: "in_progress"})
	w.asks(id, 1)
	w.piece()
	time.Sleep(week + time.Hour)
	w.posts("/deliver", faults...)
	return id
}

func TestAWindowThatEndedUndeliveredIsStillDelivered(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.expired(sandbox.Fault{Before: sandbox.Cut})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		if o, _ := w.market.Order(id); o.Status != "delivered" || len(o.Deliverables) != 0 {
			t.Fatalf("the look left it %s with %+v", o.Status, o.Deliverables)
		}
		w.poll() // a listing that says delivered
		w.fails(order.StageDeliver, order.Wait, order.CodeSettling)
		time.Sleep(settle)
		w.must(order.StageDeliver)
		w.poll()
		if n := w.delivered(id); n != 1 {
			t.Errorf("it is delivered %d times", n)
		}
	})
}

func TestADeliveryOfAnEndedWindowWhoseAnswerWasLostIsNotSentTwice(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		id := w.expired(sandbox.Fault{After: sandbox.Cut})
		w.fails(order.StageDeliver, order.Retry, order.CodeNoAnswer)
		w.lease(order.StageDeliver)
		w.asks(id, 2) // a piece that the lost delivery did not have
		w.must(order.StageGenerate)
		w.must(order.StageUpload)
		w.restart()
		w.poll()
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryConfirmed {
			t.Errorf("it ends as %+v", r)
		}
		if n := w.delivered(id); n != 1 {
			t.Errorf("it is delivered %d times", n)
		}
	})
}

func TestASubscriptionOfAnotherServiceIsNeverDelivered(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.order()
		w.reopen(func(s *fulfill.Service) { s.Window.Length = week }, weeklyOffer) // the owner has thought better of it
		time.Sleep(7 * 24 * time.Hour)
		w.fails(order.StageDeliver, order.Hold, order.CodeSubscription)
		if n := w.delivered(id); n != 0 {
			t.Errorf("it is delivered %d times", n)
		}
	})
}

func TestAPieceThatWaitsForApprovalIsMadeAgainOnlyByItsNumber(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(func(s *fulfill.Service) {
			weekly(s)
			s.Approval = order.Failf(order.Hold, order.CodeReview, "look at it")
			s.Generators[0].Backend = series([]string{"a"}, []string{"b"})
		}, weeklyOffer)
		id := w.order()
		w.asks(id, 2)
		for range 2 {
			w.must(order.StageGenerate)
		}
		o, err := store.OpenOwner(w.dir, "cli:test")
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		var cleared []int
		clear := func(_ order.Kind, round int) error { cleared = append(cleared, round); return nil }
		if err := o.Redo(t.Context(), id, order.Redo{}, clear); err == nil || len(cleared) > 0 {
			t.Errorf("pieces %d are made again, %v", cleared, err)
		}
		if err := o.Redo(t.Context(), id, order.Redo{Piece: 2}, clear); err != nil || !slices.Equal(cleared, []int{2}) {
			t.Errorf("pieces %d are made again, %v", cleared, err)
		}
		if j := w.lease(order.StageGenerate); j.Kind != order.KindPiece || j.Round != 2 {
			t.Errorf("%s %d is made", j.Kind, j.Round)
		}
	})
}

func TestAPieceThatIsALinkWaitsForApprovalToo(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.painter.files, w.painter.url, w.painter.kind, w.kind = 0, "https://a.test/x", "link", ""
		w.reopen(func(s *fulfill.Service) {
			weekly(s)
			s.Approval = order.Failf(order.Hold, order.CodeReview, "look at it")
		}, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 1)
		w.must(order.StageGenerate)
		if turn, err := w.store.Turn(nil, order.LaneNetwork, true, time.Hour); err != nil || turn.Job != nil {
			t.Fatalf("before the approval there is work: %+v, %v", turn.Job, err)
		}
		w.asOwner(func(o store.Owner) error { return o.Approve(t.Context(), id, 0) })
		w.must(order.StageUpload)
		w.must(order.StageSend)
		if said := w.said(id); len(said) != 1 || !strings.Contains(said[0], "https://a.test/x") || len(w.sent(sandbox.CallUpload)) != 0 {
			t.Errorf("the client reads %q", said)
		}
	})
}

func TestOnlyThePieceThatIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		p := &provider{painter: w.painter}
		w.service = func(s *fulfill.Service) {
			weekly(s)
			s.Generators = []fulfill.Generator{{Name: "paid", Backend: p, Price: price}}
		}
		w.reopen(w.service, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 2)
		w.must(order.StageGenerate)
		if err := os.RemoveAll(filepath.Join(w.dir, "artifacts")); err != nil {
			t.Fatal(err)
		}
		if f := w.fails(order.StageUpload, order.Hold, order.CodeFileGone); !strings.Contains(f.Hint, "orders redo") {
			t.Errorf("hint %q", f.Hint)
		}
		p.answers = []answer{{"job2", fails(order.Stopped, order.CodeStopped, order.ChargePending)}}
		w.fails(order.StageGenerate, order.Stopped, order.CodeStopped) // the second piece
		w.redo(id, 0)
		for range 2 {
			w.must(order.StageGenerate)
		}
		if last := p.runs[len(p.runs)-2:]; last[0].Ticket+last[1].Ticket != "job2" || w.spent(id) != 3*price {
			t.Errorf("runs %+v, spent %s, want the job of the other piece to go on", p.runs, w.spent(id))
		}
		w.must(order.StageUpload)
		w.must(order.StageUpload)
		if turn, err := w.store.Turn(nil, order.LaneGenerate, true, time.Hour); err != nil || turn.Job != nil {
			t.Errorf("something else is made for the order: %+v, %v", turn.Job, err)
		}
	})
}

func TestAnUnknownStatusDoesNotDeliverAWindowEarly(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 1)
		w.piece()
		o, err := w.store.Order(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		odd := o.Facts
		odd.Status, odd.Raw = "under_moderation", []byte("{}")
		mark, err := w.store.Mark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.apply(order.Batch{Listing: order.Listing{Orders: []order.Facts{odd}}, Mark: mark})
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
	})
}

// TestAWindowWaitsForPiecesThatARestoreHolds guards that a window is still delivered if
// the owner accepts a restore later than a day after its end.
func TestAWindowWaitsForPiecesThatARestoreHolds(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Order: order.Dollar}
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 1)
		if err := w.store.Adopt(order.Adoption{OrderID: id, Restored: true}); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageGenerate, order.Hold, order.CodeRestored)
		time.Sleep(week + 30*time.Hour)
		if f := w.fails(order.StageDeliver, order.Wait, order.CodeWindow); f.After < 10*time.Minute {
			t.Errorf("nothing is made, and the delivery is tried again after %s", f.After)
		}
	})
}

// TestAWindowWithAPieceDoesNotWaitForHeldOnesUntilItsEnd guards the last moment to deliver
// what is made, since a window without a delivery is not paid out.
func TestAWindowWithAPieceDoesNotWaitForHeldOnesUntilItsEnd(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.caps = order.Caps{Order: order.Dollar}
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 2)
		w.piece()
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		if err := w.store.Adopt(order.Adoption{OrderID: id, Restored: true}); err != nil {
			t.Fatal(err)
		}
		w.fails(order.StageGenerate, order.Hold, order.CodeRestored)
		time.Sleep(week - margin/2 - 4*time.Minute)
		if f := w.fails(order.StageDeliver, order.Wait, order.CodeWindow); f.After > 4*time.Minute {
			t.Errorf("the last moment is in 4 minutes, and the delivery waits %s", f.After)
		}
	})
}

// TestAWindowWhoseDeliveryTheLedgerLacksIsAnnouncedWithItsPieces guards a restored
// ledger, which finds its own delivery at the marketplace.
func TestAWindowWhoseDeliveryTheLedgerLacksIsAnnouncedWithItsPieces(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		w.reopen(weekly, weeklyOffer)
		id := w.subscribed(sandbox.NewOrder{})
		w.asks(id, 1)
		w.piece()
		w.fails(order.StageDeliver, order.Wait, order.CodeWindow)
		_, url, _ := strings.Cut(w.said(id)[0], ": ")
		if err := atelier.New(w.base).Deliver(t.Context(), id, []atelier.Deliverable{{URL: url, Media: "image"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(week - margin)
		if r := w.must(order.StageDeliver); r.Delivery != order.DeliveryConfirmed {
			t.Errorf("it ends as %+v", r)
		}
		w.must(order.StageSend)
		if said := w.said(id); said[len(said)-1] != "delivered "+url {
			t.Errorf("the client reads %q", said)
		}
	})
}
