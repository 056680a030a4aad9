package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// events returns the names and the data of the events that wait to be sent.
func (x *market) events() (list []string) {
	x.t.Helper()
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	for _, e := range x.s.events {
		var body struct {
			Event string
			Data  json.RawMessage
		}
		if err := json.Unmarshal(e.body, &body); err != nil {
			x.t.Fatal(err)
		}
		list = append(list, body.Event+" "+string(body.Data))
	}
	return list
}

func TestFeedbackThroughTheAPIIsInTheWebhookOnly(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Webhooks: true})
	id := x.order(NewOrder{})
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if err := x.s.RequestRevision(id, "bluer please", Channel{API: true}); err != nil {
		t.Fatal(err)
	}
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if err := x.s.Dispute(id, "not blue at all", Channel{API: true}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/orders/" + id, "/api/orders/" + id + "/messages", "/api/agents/" + x.agent + "/orders"} {
		if r := x.call(200, "GET", path, ""); strings.Contains(r.text, "blue") {
			t.Errorf("%s shows the feedback: %s", path, r.text)
		}
	}
	got := strings.Join(x.events(), "\n")
	for _, want := range []string{
		`order.revision_requested {"feedback":"bluer please","is_extra":false,"max_revisions":3,"revision_count":1}`,
		`order.disputed {"reason":"not blue at all"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the events have no %s: %s", want, got)
		}
	}
}

func TestThePageWritesFeedbackAsAMessageLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Webhooks: true})
		id := x.order(NewOrder{})
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		if err := x.s.RequestRevision(id, "bluer please", Channel{After: 5 * time.Second}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Second - 1)
		if m := x.snapshot(id).Messages; len(m) != 0 {
			t.Fatalf("too early the thread has %v", m)
		}
		time.Sleep(time.Nanosecond)
		if m := x.snapshot(id).Messages; len(m) != 1 || m[0].Content != "bluer please" || m[0].From != "client" {
			t.Errorf("the thread has %v", m)
		}
		list := x.events()
		if last := list[len(list)-1]; last != `order.message {"content":"bluer please"}` {
			t.Errorf("the last event is %s", last)
		}
	})
}

func TestAThreadShowsItsOldestFiftyMessages(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{})
	for i := range 60 {
		if err := x.s.ClientMessage(id, fmt.Sprint("number ", i)); err != nil {
			t.Fatal(err)
		}
	}
	rows, _ := x.call(200, "GET", "/api/orders/"+id+"/messages", "").data.([]any)
	if len(rows) != 50 || rows[0].(map[string]any)["content"] != "number 0" || rows[49].(map[string]any)["content"] != "number 49" {
		t.Errorf("the thread shows %d messages: %v", len(rows), rows)
	}
}

func TestAnOrderShowsItsRatingOnceTheClientHasRated(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{})
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	if got := x.call(200, "GET", "/api/orders/"+id, "").row()["review"]; got != nil {
		t.Errorf("before the rating the review is %v", got)
	}
	x.call(400, "POST", "/sandbox/orders/"+id+"/rate", `{"rating":6}`)
	x.call(200, "POST", "/sandbox/orders/"+id+"/rate", `{"rating":4,"text":"very blue"}`)
	review, _ := x.call(200, "GET", "/api/orders/"+id, "").row()["review"].(map[string]any)
	if review["rating"] != 4.0 || review["text"] != "very blue" {
		t.Errorf("the review is %v", review)
	}
}
