package intake_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/intake"
	"atelierd/internal/sandbox"
)

func (w *world) reviews() *intake.Reviews {
	return intake.NewReviews(intake.ReviewOptions{Store: w.store, Market: w.client, Log: slog.New(slog.NewTextHandler(w.log, nil))})
}

// completed places an order, has the client accept a delivery and polls.
func (w *world) completed() (id string) {
	w.t.Helper()
	id, err := w.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: "a fox", Status: "delivered"})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.poller.Poll(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.market.Approve(id); err != nil {
		w.t.Fatal(err)
	}
	for range 2 { // the order leaves the live list, then a complete poll shows it
		if err := w.poller.Poll(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	return id
}

// reads returns the number of requests for the order alone.
func (w *world) reads(id string) (n int) {
	for _, r := range w.market.Requests() {
		if r.Method == "GET" && strings.HasSuffix(r.Path, "/orders/"+id) {
			n++
		}
	}
	return n
}

func (w *world) readReviews(r *intake.Reviews) {
	w.t.Helper()
	if _, err := r.Once(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestARatingIsReadOnceAfterTheOrderHasCompleted(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		id := w.completed()
		if err := w.market.Rate(id, 4, " very blue "); err != nil {
			t.Fatal(err)
		}
		before := w.reads(id)
		for range 3 {
			w.readReviews(w.reviews())
			time.Sleep(30 * 24 * time.Hour) // simulated time
		}
		o, err := w.store.Order(t.Context(), id)
		if err != nil || o.Review.Rating == nil || *o.Review.Rating != 4 || o.Review.Text != "very blue" {
			t.Errorf("the review is %+v, %v", o.Review, err)
		}
		if n := w.reads(id) - before; n != 1 {
			t.Errorf("it was read %d times", n)
		}
	})
}

func TestAReviewThatIsNotThereIsReadThreeTimes(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		id := w.completed()
		before, r, began := w.reads(id), w.reviews(), time.Now()
		for _, c := range []struct{ day, want int }{{0, 1}, {1, 2}, {6, 2}, {8, 3}, {20, 3}} {
			time.Sleep(time.Duration(c.day)*24*time.Hour + time.Hour - time.Since(began))
			w.readReviews(r)
			if n := w.reads(id) - before; n != c.want {
				t.Errorf("%d reads up to day %d, want %d", n, c.day, c.want)
			}
		}
	})
}

func TestAnOrderThatIsNotShownAloneHoldsUpNoOtherReview(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1, Guide: true}, func(t *testing.T, w *world) {
		one, two := w.completed(), w.completed()
		r := w.reviews()
		w.readReviews(r)
		if n, m := w.reads(one), w.reads(two); n != 1 || m != 1 {
			t.Errorf("%d and %d reads, want one each", n, m)
		}
	})
}

// TestAReviewThatFailsDoesNotHoldUpTheOthers guards that an order that always answers
// 500 is given up after some tries.
func TestAReviewThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{Seed: 1}, func(t *testing.T, w *world) {
		bad := w.completed()
		time.Sleep(time.Second)
		good := w.completed()
		if err := w.market.Rate(good, 4, "blue"); err != nil {
			t.Fatal(err)
		}
		w.market.SetFaults(sandbox.Faults{Script: func(r *http.Request, _ int) sandbox.Fault {
			if strings.HasSuffix(r.URL.Path, "/orders/"+bad) {
				return sandbox.Fault{Before: http.StatusInternalServerError}
			}
			return sandbox.Fault{}
		}})
		reviews := w.reviews()
		for range 4 {
			_, _ = reviews.Once(t.Context()) // the first ones fail
		}
		if n := w.log.count("the client has rated"); n != 1 {
			t.Errorf("%d ratings were read next to an order that cannot be read, want 1", n)
		}
	})
}
