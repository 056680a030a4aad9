package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnOrderAcceptsOneQuote(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{Status: "pending_quote"})
	x.call(200, "POST", "/api/orders/"+id+"/quote", `{"price_usd":"12.00"}`)
	x.call(400, "POST", "/api/orders/"+id+"/quote", `{"price_usd":"13.00"}`)
	if o := x.snapshot(id); o.Status != "quoted" || o.PriceUSD != "12.00" || len(o.Quotes) != 1 {
		t.Errorf("the order is %+v", o)
	}
}

func TestAGuideSubscriptionEndsWithItsWindowOrItsQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Guide: true})
		x.call(201, "POST", "/api/agents/"+x.agent+"/services", `{"category":"image_gen","title":"Weekly Pictures",
			"description":"As many pictures as you like, for a whole week.","price_usd":"25.00","price_type":"weekly","quota_limit":2}`)
		began := time.Now()
		long, quick := x.order(NewOrder{ServiceTitle: "Weekly Pictures"}), x.order(NewOrder{ServiceTitle: "Weekly Pictures"})
		mustAt(t, "the window", x.snapshot(long).WindowEnds, began.Add(7*24*time.Hour))
		for range 2 {
			x.call(200, "POST", "/api/orders/"+quick+"/messages", `{"content":"here: https://x/1.png"}`)
		}
		x.call(200, "POST", "/api/orders/"+long+"/messages", `{"content":"hello"}`)
		if o := x.snapshot(quick); o.QuotaUsed != 2 || o.Status != "paid" {
			t.Errorf("after the last piece: %+v", o)
		}
		time.Sleep(afterQuota)
		if o := x.snapshot(quick); o.Status != "completed" {
			t.Errorf("an hour after the last piece it is %s", o.Status)
		}
		if o := x.snapshot(long); o.Status != "paid" || o.QuotaUsed != 0 {
			t.Errorf("within its window it is %s with %d pieces", o.Status, o.QuotaUsed)
		}
		time.Sleep(7 * 24 * time.Hour)
		if o := x.snapshot(long); o.Status != "completed" {
			t.Errorf("after its window it is %s", o.Status)
		}
	})
}

func TestABountyIsClaimedOnceAndBecomesAnOrder(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id, err := x.s.PostBounty(NewBounty{Title: "A poster", Brief: "a poster of the sea", BudgetUSD: "15.00"})
	if err != nil {
		t.Fatal(err)
	}
	x.call(403, "POST", "/api/bounties/"+id+"/claim", `{}`)
	x.call(200, "PATCH", "/api/agents/me", `{"owner_wallet":"11111111111111111111111111111111"}`)
	claim := x.call(201, "POST", "/api/bounties/"+id+"/claim", `{"message":"I can"}`).row()
	x.call(409, "POST", "/api/bounties/"+id+"/claim", `{}`)
	list, _ := x.call(200, "GET", "/api/bounties?category=image_gen&min_budget=10", "").data.([]any)
	if len(list) != 1 {
		t.Errorf("the list shows %v", list)
	}
	if list, _ := x.call(200, "GET", "/api/bounties?min_budget=16", "").data.([]any); len(list) != 0 {
		t.Errorf("above the budget the list shows %v", list)
	}
	orderID, err := x.s.AcceptClaim(id, "")
	if err != nil {
		t.Fatal(err)
	}
	shown := x.call(200, "GET", "/api/bounties/"+id, "").row()
	if shown["accepted_claim_id"] != claim["id"] || shown["order_id"] != orderID || shown["category"] != "image_gen" {
		t.Errorf("the bounty shows as %v", shown)
	}
	row := x.call(200, "GET", "/api/orders/"+orderID, "").row()["order"].(map[string]any)
	if row["bounty_id"] != id || row["service_id"] != nil || row["service_title"] != nil {
		t.Errorf("the order shows as %v", row)
	}
	if o := x.snapshot(orderID); o.Brief != "a poster of the sea" || o.PriceUSD != "15.00" || o.Status != "paid" || o.ServiceID != "" {
		t.Errorf("the order is %+v", o)
	}
	other, err := x.s.PostBounty(NewBounty{})
	if err != nil {
		t.Fatal(err)
	}
	x.call(201, "POST", "/api/bounties/"+other+"/claim", `{}`)
	x.call(200, "DELETE", "/api/bounties/"+other+"/claim", "")
	if _, err := x.s.AcceptClaim(other, ""); err == nil {
		t.Error("a withdrawn claim was accepted")
	}
	if b := x.s.Bounties()[1]; b.Claims[0].Status != "withdrawn" || b.Status != "open" {
		t.Errorf("the bounty is %+v", b)
	}
}

func TestEventsAreSignedAndSentUpToThreeTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Webhooks: true})
		began := time.Now()
		var got []string
		hook := servePiped(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var e struct{ Event string }
			if err := json.Unmarshal(body, &e); err != nil || e.Event != r.Header.Get("X-Atelier-Event") {
				t.Errorf("body %s", body)
			}
			if want := sign(x.s.WebhookSecret(x.agent), time.Now(), body); r.Header.Get("X-Atelier-Signature") != want {
				t.Errorf("signature %q, want %q", r.Header.Get("X-Atelier-Signature"), want)
			}
			got = append(got, fmt.Sprint(e.Event, " ", time.Since(began)))
			if len(got) < 3 {
				w.WriteHeader(500)
			}
		}))
		x.call(200, "PATCH", "/api/agents/me", `{"endpoint_url":"http://hook.test"}`)
		x.order(NewOrder{})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() { x.s.Webhooks(ctx, hook); close(ended) }()
		time.Sleep(time.Minute) // in the bubble
		stop()
		<-ended
		if want := []string{"order.created 0s", "order.created 1s", "order.created 5s", "order.paid 5s"}; !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

func TestAHeaderMayCarrySeveralSignatures(t *testing.T) {
	t.Parallel()
	for form, want := range map[Signatures][2]int{OneSignature: {1, 1}, TwoInOneLine: {1, 2}, TwoInTwoLines: {2, 2}} {
		s := New(Options{Signatures: form})
		h := http.Header{}
		s.addSignatures(h, &event{secret: "whsec_1", body: []byte("{}")})
		lines := h.Values("X-Atelier-Signature")
		all := strings.Join(lines, " ")
		if len(lines) != want[0] || strings.Count(all, "v1=") != want[1] {
			t.Errorf("%q: %q", form, lines)
		}
		_, good, _ := strings.Cut(sign("whsec_1", time.Now(), []byte("{}")), ",")
		if !strings.HasSuffix(all, good) {
			t.Errorf("%q: %q has no %s", form, all, good)
		}
	}
}
