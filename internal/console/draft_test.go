package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

// drafted has a client write, and the assistant draft a reply that waits for the owner.
func (s *site) drafted(id, question, reply string) {
	s.Helper()
	asked := order.Message{ID: "m-" + id, Party: order.PartyClient, Text: question, At: time.Now().Add(-time.Minute)}
	if _, err := s.store.ApplyThread(order.Thread{OrderID: id, Messages: []order.Message{asked}, Answer: true, Next: time.Now().Add(time.Hour)}); err != nil {
		s.Fatal(err)
	}
	s.work(order.LaneGenerate, order.Result{Next: order.StageSend, Draft: reply, Hold: order.Failf(order.Hold, order.CodeDraft, "a reply waits for your approval")}, nil)
}

// TestADraftIsTheOwnersToSendOrDrop guards a reply of the assistant in the console: it is one
// thing to decide on, it stands in the box, and nothing of it is sent until the owner says so.
func TestADraftIsTheOwnersToSendOrDrop(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.drafted("ord_1", "Is it red? <b>", "It is red. <b>")
	now := s.get("/")
	s.want(now, http.StatusOK, "A reply waits for your yes", "Is it red? &lt;b&gt;", `href="/orders/ord_1#thread"`)
	if strings.Contains(now.body, "A client waits for an answer") {
		t.Error("one question of a client is two things to decide on")
	}
	for _, page := range []string{"/orders/ord_1", "/inbox?order=ord_1"} {
		a := s.get(page)
		s.want(a, http.StatusOK, "the assistant · a draft that waits for you", "The assistant’s draft.", "Discard the draft")
		if box(a.body) != "It is red. <b>" {
			t.Errorf("%s has %q in the box", page, box(a.body))
		}
	}
	state := func() (list []order.OutState) {
		for _, m := range s.read("ord_1").Thread.Outbox {
			list = append(list, m.State)
		}
		return list
	}
	if got := state(); len(got) != 1 || got[0] != order.OutDraft {
		t.Fatalf("before the owner decides the outbox has %v", got)
	}
	s.want(s.press("ord_1", "discard", s.form("ord_1", "discard")), http.StatusSeeOther)
	if got := state(); len(got) != 1 || got[0] != order.OutDropped {
		t.Errorf("after it is discarded the outbox has %v", got)
	}
	s.want(s.get("/"), http.StatusOK, "A client waits for an answer")
}
