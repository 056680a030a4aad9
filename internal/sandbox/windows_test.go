package sandbox

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sellWeekly lists a subscription and returns a new order for it.
func (x *market) sellWeekly(n NewOrder) string {
	x.t.Helper()
	x.call(201, "POST", "/api/agents/"+x.agent+"/services", `{"category":"image_gen","title":"Weekly Pictures",
		"description":"As many pictures as you like, for a whole week.","price_usd":"25.00","price_type":"weekly"}`)
	n.ServiceTitle = "Weekly Pictures"
	return x.order(n)
}

func TestAWindowThatEndsIsDeliveredWithNothingByALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.sellWeekly(NewOrder{})
		began := time.Now()
		if o := x.snapshot(id); o.Status != "in_progress" || !o.WindowEnds.Equal(began.Add(7*24*time.Hour)) {
			t.Fatalf("the paid subscription is %+v", o)
		}
		time.Sleep(7*24*time.Hour - time.Second)
		x.call(200, "GET", "/api/orders/"+id, "")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Fatalf("a look within the window made it %s", got)
		}
		time.Sleep(time.Second)
		x.poll("")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Fatalf("a list made it %s", got)
		}
		answer := x.call(200, "GET", "/api/orders/"+id, "").row()
		row, _ := answer["order"].(map[string]any)
		if row["status"] != "delivered" || row["deliverable_url"] != nil || len(answer["deliverables"].([]any)) != 0 {
			t.Fatalf("after the window a look shows %v", answer)
		}
		time.Sleep(30 * 24 * time.Hour)
		if o := x.snapshot(id); o.Status != "delivered" || o.PayoutUSD != "" {
			t.Errorf("the release job took an order without a deliverable: %+v", o)
		}
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(25 * time.Hour)
		if o := x.snapshot(id); o.Status != "completed" || len(o.Deliverables) != 1 {
			t.Errorf("after its delivery it is %+v", o)
		}
	})
}

func TestASubscriptionMayBePaidToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.sellWeekly(NewOrder{Status: "paid"})
		time.Sleep(8 * 24 * time.Hour)
		x.call(200, "GET", "/api/orders/"+id, "")
		if o := x.snapshot(id); o.Status != "paid" || o.WindowEnds.IsZero() {
			t.Errorf("a look at a paid subscription left %+v", o)
		}
	})
}

func TestALookLeavesASubscriptionInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.sellWeekly(NewOrder{})
		time.Sleep(time.Hour)
		x.call(200, "GET", "/api/orders/"+id, "")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Errorf("a look after an hour made it %s", got)
		}
	})
}

func TestAQuotaOfAFixedPriceIsAWorkspaceOfADay(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(201, "POST", "/api/agents/"+x.agent+"/services", `{"category":"image_gen","title":"Three Pictures",
		"description":"Three pictures within a day, as you ask for them.","price_usd":"9.00","price_type":"fixed","quota_limit":3}`)
	o := x.snapshot(x.order(NewOrder{ServiceTitle: "Three Pictures"}))
	if o.QuotaTotal != 3 || o.Status != "in_progress" || o.WindowEnds.Sub(o.CreatedAt) != 24*time.Hour {
		t.Errorf("the order is %+v", o)
	}
}

func TestTheReleaseJobRunsHourly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{})
		time.Sleep(20 * time.Minute)
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(48*time.Hour + 39*time.Minute)
		if got := x.snapshot(id).Status; got != "delivered" {
			t.Fatalf("a minute before the job runs it is %s", got)
		}
		time.Sleep(time.Minute)
		o := x.snapshot(id)
		mustAt(t, "the completion", o.CompletedAt, o.CreatedAt.Add(49*time.Hour))
	})
}

func TestADeliveryBeforeTheJobRunsPostponesTheRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{})
		time.Sleep(20 * time.Minute)
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(48*time.Hour + 30*time.Minute)
		x.call(200, "POST", "/api/orders/"+id+"/deliver", strings.Replace(oneFile, "a.png", "b.png", 1))
		time.Sleep(12 * time.Hour)
		if o := x.snapshot(id); o.Status != "delivered" || len(o.Deliverables) != 1 {
			t.Errorf("after the second delivery it is %+v", o)
		}
	})
}
