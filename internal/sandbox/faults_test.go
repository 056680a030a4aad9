package sandbox

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scripted returns faults with one fault for each deliver request.
func scripted(f Fault) Faults {
	return Faults{Script: func(r *http.Request, _ int) Fault {
		if strings.HasSuffix(r.URL.Path, "/deliver") {
			return f
		}
		return Fault{}
	}}
}

func TestAFaultBeforeTheEffectPreventsIt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 503, Cut} {
		x := open(t, Options{Limits: Limits{Deliver: 1}, Faults: scripted(Fault{Before: status})})
		id := x.order(NewOrder{})
		for range 2 { // more than the ceiling, because such requests are not counted
			r := x.send(t.Context(), "POST", "/api/orders/"+id+"/deliver", nil, strings.NewReader(oneFile))
			if (r == nil) != (status == Cut) || (r != nil && r.status != status) {
				t.Errorf("%d: got %+v", status, r)
			}
		}
		if o := x.snapshot(id); len(o.Deliveries) != 0 || o.Status != "paid" {
			t.Errorf("%d: the order is %+v", status, o)
		}
		if q := x.s.Requests()[0]; q.Status != max(status, 0) || q.Handled || q.Counted || q.Fault == "" || q.Call != CallDeliver {
			t.Errorf("%d: the log has %+v", status, q)
		}
	}
}

func TestALostAnswerKeepsItsEffect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, Cut} {
		x := open(t, Options{Faults: scripted(Fault{After: status})})
		id := x.order(NewOrder{})
		r := x.send(t.Context(), "POST", "/api/orders/"+id+"/deliver", nil, strings.NewReader(oneFile))
		if (r == nil) != (status == Cut) || (r != nil && r.status != status) {
			t.Errorf("%d: got %+v", status, r)
		}
		if o := x.snapshot(id); len(o.Deliveries) != 1 || o.Status != "delivered" {
			t.Errorf("%d: the order is %+v", status, o)
		}
		if q := x.s.Requests()[0]; !q.Handled || !q.Counted {
			t.Errorf("%d: the log has %+v", status, q)
		}
	}
}

func TestASlowEffectComesAfterTheClientGaveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Faults: scripted(Fault{Slow: 2 * time.Minute})})
		id := x.order(NewOrder{})
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if r := x.send(ctx, "POST", "/api/orders/"+id+"/deliver", nil, strings.NewReader(oneFile)); r != nil {
			t.Fatalf("the client got %+v", r)
		}
		if n := len(x.snapshot(id).Deliveries); n != 0 {
			t.Fatal("the effect came too early")
		}
		time.Sleep(time.Minute + time.Second)
		d := x.snapshot(id).Deliveries
		if len(d) != 1 {
			t.Fatalf("%d deliveries after the client gave up, want 1", len(d))
		}
		mustAt(t, "the delivery", d[0].At, begin.Add(2*time.Minute))
	})
}

func TestTheSameSeedMakesTheSameFaults(t *testing.T) {
	t.Parallel()
	week := func(seed uint64) (faults []string) {
		synctest.Test(t, func(t *testing.T) {
			x := openPiped(t, Options{
				Seed: seed, Limits: Limits{Orders: -1, Deliver: -1},
				Faults: Faults{Before: 0.2, After: 0.2, Slow: 0.3, SlowMax: time.Minute, Early429: 0.02},
			})
			for range 20 {
				id := x.order(NewOrder{})
				x.send(t.Context(), "POST", "/api/orders/"+id+"/deliver", nil, strings.NewReader(oneFile))
				x.send(t.Context(), "GET", "/api/agents/"+x.agent+"/orders", nil, nil)
			}
			for _, q := range x.s.Requests() {
				faults = append(faults, q.Path+" "+q.Fault)
			}
		})
		return faults
	}
	one := week(1)
	if again := week(1); !reflect.DeepEqual(one, again) {
		t.Errorf("the same seed made\n%q\nand\n%q", one, again)
	}
	if other := week(2); reflect.DeepEqual(one, other) {
		t.Error("another seed made the same faults")
	}
	all := strings.Join(one, "\n")
	for _, word := range []string{"before", "after", "slow", "linger"} {
		if !strings.Contains(all, word) {
			t.Errorf("no fault %q among %d requests", word, len(one))
		}
	}
}

func TestADownMarketplaceStillServesTheClientsSide(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{})
	x.s.SetDown(true)
	if r := x.send(t.Context(), "POST", "/api/orders/"+id+"/deliver", nil, strings.NewReader(oneFile)); r.status != 503 {
		t.Errorf("down answered %d", r.status)
	}
	x.call(200, "GET", "/sandbox/orders/"+id, "")
	x.s.SetDown(false)
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if n := len(x.snapshot(id).Deliveries); n != 1 {
		t.Errorf("%d deliveries, want 1", n)
	}
}
