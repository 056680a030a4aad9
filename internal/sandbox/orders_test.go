package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOrdersAreListedByStatus(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	paid := x.order(NewOrder{Brief: "a cat", ReferenceURLs: []string{"https://r.example"}})
	x.order(NewOrder{Status: "in_progress"})
	gone := x.order(NewOrder{})
	if err := x.s.Vanish(gone); err != nil {
		t.Fatal(err)
	}
	if n := len(x.poll("")); n != 2 {
		t.Errorf("without a filter: %d orders, want 2", n)
	}
	if n := len(x.poll("?status=paid,in_progress")); n != 2 {
		t.Errorf("both statuses: %d orders, want 2", n)
	}
	rows := x.poll("?status=paid")
	row, _ := rows[0].(map[string]any)
	if len(rows) != 1 || row["id"] != paid || row["brief"] != "a cat" || row["service_title"] != "Pictures" || row["quoted_price_usd"] != "5.00" {
		t.Errorf("the paid order shows as %v", rows)
	}
	x.call(404, "GET", "/api/orders/"+gone, "")
	if err := x.s.Reappear(gone); err != nil || len(x.poll("")) != 3 {
		t.Errorf("an order that is back is not listed: %v", err)
	}
	if err := x.s.Cancel(gone); err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.PlaceOrder(NewOrder{ServiceID: "svc_none"}); err == nil {
		t.Error("an order for an unknown service id was accepted")
	}
	if err := x.s.AddRawRow([]byte(`{"id":7,"status":{}}`)); err != nil {
		t.Fatal(err)
	}
	if n := len(x.poll("?status=quoted")); n != 1 {
		t.Errorf("the malformed row is not in every list: %d rows", n)
	}
}

func TestAnOrderHasTheFieldsOfTheDeployedMarketplace(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(400, "PATCH", "/api/services/svc_1", `{"max_revisions":11}`)
	x.call(200, "PATCH", "/api/services/svc_1", `{"max_revisions":0,"requirement_fields":[{"label":"size"}]}`)
	id := x.order(NewOrder{Brief: "ein Fuchs", BriefEnglish: "a fox", BriefSpec: json.RawMessage(`{"subject":"fox"}`), Answers: json.RawMessage(`{"size":"big"}`)})
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	row := x.poll("")[0].(map[string]any)
	for _, name := range strings.Fields(`bounty_id client_type client_agent_id payment_method payment_chain payer_address brief_english brief_spec
		deliverable_preview_url max_revisions revision_count requirement_answers workspace_expires_at quota_total quota_used deliverable_url
		delivered_at review_deadline completed_at payout_tx_hash platform_fee_usd`) {
		if _, there := row[name]; !there {
			t.Errorf("the row has no %s", name)
		}
	}
	if row["max_revisions"] != 0.0 || row["brief_english"] != "a fox" || fmt.Sprint(row["brief_spec"]) != "map[subject:fox]" || row["client_type"] != "wallet" {
		t.Errorf("the row is %v", row)
	}
}

func TestAFinishedOrderInProgressStaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{})
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		if err := x.s.SetStatus(id, "in_progress"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		x.call(200, "GET", "/api/orders/"+id, "")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Errorf("with a deliverable it is %s", got)
		}
	})
}

func TestOrdersOfTheGuideHaveOnlyItsFields(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Guide: true})
	id := x.order(NewOrder{})
	r := x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if len(r.row()) != 10 || strings.Contains(r.text, "cdn.example") {
		t.Errorf("the order shows as %s", r.text)
	}
	x.call(404, "GET", "/api/orders/"+id, "")
	x.call(404, "POST", "/api/upload/token", `{}`)
	x.call(404, "PUT", "/blob/", `{}`)
	x.call(400, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if err := x.s.Dispute(id, "no"); err != nil {
		t.Fatal(err)
	}
	x.call(400, "POST", "/api/orders/"+id+"/deliver", `{"deliverables":[`+oneFile+`]}`)
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if d := x.snapshot(id).Deliveries; len(d) != 2 || d[0].Round != 0 || d[1].Round != 1 {
		t.Errorf("deliveries are %+v", d)
	}
}

func TestADeliveryNeedsTheRightStatus(t *testing.T) {
	t.Parallel()
	for _, guide := range []bool{true, false} {
		x := open(t, Options{Guide: guide, Limits: Limits{Deliver: -1}})
		for _, status := range []string{
			"pending_quote", "quoted", "accepted", "paid", "in_progress", "delivered",
			"completed", "disputed", "revision_requested", "cancelled", "under_moderation",
		} {
			id := x.order(NewOrder{Status: status})
			want, taken := 400, []string{"paid", "in_progress", "disputed"}
			if !guide {
				taken = append(taken, "delivered", "revision_requested")
			}
			if slices.Contains(taken, status) {
				want = 200
			}
			x.call(want, "POST", "/api/orders/"+id+"/deliver", oneFile)
			if n := len(x.snapshot(id).Deliveries); (n == 1) != (want == 200) {
				t.Errorf("guide %v, %s: %d deliveries with status %d", guide, status, n, want)
			}
		}
	}
}

func TestADeliveryRejectsInvalidBodies(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Deliver: -1}})
	id := x.order(NewOrder{})
	for _, body := range []string{
		`{}`, `{"deliverable_url":"https://a.example"}`, `{"deliverable_url":"/a.png","deliverable_media_type":"image"}`,
		`{"deliverable_url":"https://a.example","deliverable_media_type":"sculpture"}`, `{"deliverables":[]}`, `{"deliverables":[{}]}`, `{"deliverables":"x"}`,
	} {
		x.call(400, "POST", "/api/orders/"+id+"/deliver", body)
	}
	if o := x.snapshot(id); o.Status != "paid" || len(o.Deliveries) != 0 {
		t.Errorf("refused deliveries left %+v", o)
	}
}

func TestASecondDeliveryReplacesTheFilesAndMovesTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{})
		begin := time.Now()
		x.call(200, "POST", "/api/orders/"+id+"/deliver", `{"deliverables":[`+oneFile+`,{"deliverable_url":"https://b.example","deliverable_media_type":"link"}]}`)
		mustAt(t, "the first deadline", x.snapshot(id).ReviewDeadline, begin.Add(48*time.Hour))
		time.Sleep(10 * time.Hour)
		again := `{"deliverable_url":"https://cdn.example/b.png","deliverable_media_type":"image"}`
		row := x.call(200, "POST", "/api/orders/"+id+"/deliver", again).row()
		o := x.snapshot(id)
		mustAt(t, "the second deadline", o.ReviewDeadline, begin.Add(48*time.Hour))
		if len(o.Deliverables) != 1 || len(o.Deliveries) != 2 || row["deliverable_url"] != "https://cdn.example/b.png" {
			t.Errorf("after the second delivery: %+v", o)
		}
		time.Sleep(30 * time.Hour)
		x.call(200, "POST", "/api/orders/"+id+"/deliver", again)
		mustAt(t, "the third deadline", x.snapshot(id).ReviewDeadline, begin.Add(64*time.Hour))
		if err := x.s.RequestRevision(id, "bluer please"); err != nil {
			t.Fatal(err)
		}
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		answer := x.call(200, "GET", "/api/orders/"+id, "").row()
		shown, _ := answer["deliverables"].([]any)
		inner, _ := answer["order"].(map[string]any)
		if len(shown) != 2 || inner["deliverable_url"] != "https://cdn.example/a.png" || inner["revision_count"] != 1.0 || answer["viewer_role"] != "provider" {
			t.Errorf("after the revision: %v", answer)
		}
		if thread := x.call(200, "GET", "/api/orders/"+id+"/messages", "").text; !strings.Contains(thread, "bluer please") {
			t.Errorf("the feedback is not in the thread: %s", thread)
		}
	})
}

func TestAnOrderCompletesAfterItsReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		skipped, paid := x.order(NewOrder{}), x.order(NewOrder{Price: "12.34"})
		x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":null}`)
		x.call(200, "POST", "/api/orders/"+skipped+"/deliver", oneFile)
		time.Sleep(time.Hour)
		x.call(200, "POST", "/api/orders/"+paid+"/deliver", oneFile)
		time.Sleep(47*time.Hour - time.Second)
		if o := x.snapshot(skipped); o.Status != "delivered" {
			t.Fatalf("a second before its deadline the order is %s", o.Status)
		}
		time.Sleep(time.Second)
		if o := x.snapshot(skipped); o.Status != "completed" || !o.PayoutSkipped || o.PayoutUSD != "" {
			t.Errorf("without a wallet: %+v", o)
		}
		x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":"`+wallet+`"}`)
		time.Sleep(24 * time.Hour)
		o := x.snapshot(paid)
		if o.Status != "completed" || o.PayoutSkipped || o.PayoutUSD != "11.106" || o.PayoutWallet != wallet {
			t.Errorf("with a wallet: %+v", o)
		}
		mustAt(t, "the completion", o.CompletedAt, o.DeliveredAt.Add(48*time.Hour))
		row, _ := x.poll("?status=completed")[0].(map[string]any)
		if row["payout_tx_hash"] == nil || row["platform_fee_usd"] != "1.234" {
			t.Errorf("the completed order shows as %v", row)
		}
		if err := x.s.Dispute(paid, "too late"); err == nil {
			t.Error("a completed order was disputed")
		}
	})
}

func TestReadingAnOldOrderInProgressSetsItToPaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{Status: "in_progress"})
		time.Sleep(10 * time.Minute)
		x.call(200, "GET", "/api/orders/"+id, "")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Fatalf("at ten minutes it is %s", got)
		}
		time.Sleep(time.Second)
		x.poll("")
		if got := x.snapshot(id).Status; got != "in_progress" {
			t.Fatalf("a list made it %s", got)
		}
		x.call(200, "GET", "/api/orders/"+id, "")
		if got := x.snapshot(id).Status; got != "paid" {
			t.Errorf("above ten minutes it is %s", got)
		}
	})
}

func TestAQuoteIsPaid(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{Status: "pending_quote"})
	if err := x.s.Pay(id); err == nil {
		t.Error("an order without a price was paid")
	}
	x.call(400, "POST", "/api/orders/"+id+"/quote", `{"price_usd":15}`)
	x.call(400, "POST", "/api/orders/"+id+"/quote", `{"price_usd":"0"}`)
	x.call(200, "POST", "/api/orders/"+id+"/quote", `{"price_usd":"15.00"}`)
	x.call(400, "POST", "/api/orders/"+id+"/quote", `{"price_usd":"16.00"}`)
	if err := x.s.Pay(id); err != nil {
		t.Error(err)
	}
	if o := x.snapshot(id); o.Status != "paid" || o.PriceUSD != "15.00" {
		t.Errorf("the paid order is %+v", o)
	}
}

func TestMessagesFollowTheRules(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{})
	path := "/api/orders/" + id + "/messages"
	say := func(text string) string { b, _ := json.Marshal(map[string]string{"content": text}); return string(b) }
	x.call(200, "POST", path, say(strings.Repeat("ü", 2000)))
	for _, body := range []string{say(strings.Repeat("x", 2001)), say(""), say(" \n"), `{}`, say(strings.Repeat("😀", 1001))} {
		x.call(400, "POST", path, body)
	}
	if err := x.s.ClientMessage(id, "hello <b>"); err != nil {
		t.Fatal(err)
	}
	list, _ := x.call(200, "GET", path, "").data.([]any)
	if len(list) != 2 || list[1].(map[string]any)["content"] != "hello <b>" || list[1].(map[string]any)["sender_type"] != "client" {
		t.Errorf("the thread is %v", list)
	}
	for _, status := range []string{"pending_quote", "quoted", "accepted", "cancelled"} {
		other := x.order(NewOrder{Status: status})
		x.call(400, "POST", "/api/orders/"+other+"/messages", say("hello"))
	}
}

func TestShapesChangeTheFormButNotTheMeaning(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Seed: 3, Limits: Limits{Orders: -1}, Faults: Faults{Shapes: true}})
	id := x.order(NewOrder{ReferenceURLs: []string{"https://r.example"}, Answers: json.RawMessage(`[{"q":"size","a":"big"}]`)})
	seen := map[string]bool{}
	for range 200 {
		row := x.poll("")[0].(map[string]any)
		seen[fmt.Sprintf("urls %T", row["reference_urls"])] = true
		seen[fmt.Sprintf("images %T", row["reference_images"])] = true
		seen[fmt.Sprintf("answers %T", row["requirement_answers"])] = true
		seen["status "+fmt.Sprint(row["status"])] = true
		seen[fmt.Sprintf("time %d", len(row["created_at"].(string)))] = true
		seen[fmt.Sprintf("extra %v", row["x_experiment"] != nil)] = true
		service := x.call(200, "GET", "/api/agents/"+x.agent+"/services", "").data.([]any)[0].(map[string]any)
		seen[fmt.Sprintf("active %v", service["active"])] = true
		urls := row["reference_urls"]
		if text, isText := urls.(string); isText {
			if err := json.Unmarshal([]byte(text), &urls); err != nil {
				t.Fatal(err)
			}
		}
		if list := urls.([]any); len(list) != 1 || list[0] != "https://r.example" || row["id"] != id {
			t.Fatalf("the meaning was lost: %v", row)
		}
	}
	for _, want := range []string{
		"urls []interface {}", "urls string", "images []interface {}", "images string", "images <nil>", "answers string",
		"answers []interface {}", "status paid", "status under_moderation", "time 24", "time 19", "extra true", "extra false", "active 1", "active true",
	} {
		if !seen[want] {
			t.Errorf("never saw %q", want)
		}
	}
}

func TestABriefHasAtMostThreeThousandCharacters(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.order(NewOrder{Brief: strings.Repeat("ü", 3000)})
	if _, err := x.s.PlaceOrder(NewOrder{Brief: strings.Repeat("x", 3001)}); err == nil {
		t.Error("a longer brief was accepted")
	}
}

func TestTheGuideReleasesAtTheDeadlineAndShowsWholeThreads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Guide: true})
		id := x.order(NewOrder{})
		for range 60 {
			if err := x.s.ClientMessage(id, "hello"); err != nil {
				t.Fatal(err)
			}
		}
		if rows := x.call(200, "GET", "/api/orders/"+id+"/messages", "").data.([]any); len(rows) != 60 {
			t.Errorf("the thread shows %d messages", len(rows))
		}
		time.Sleep(20 * time.Minute)
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(48 * time.Hour)
		if got := x.snapshot(id).Status; got != "completed" {
			t.Errorf("at its deadline it is %s", got)
		}
	})
}
