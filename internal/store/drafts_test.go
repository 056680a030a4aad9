package store

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/testdir"
)

func TestAFileWithoutDraftsKeepsItsMessagesAndTakesDrafts(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	file := atVersion(t, dir, 45)
	mustExec(t, file, "INSERT INTO outbox (order_id, position, reason, body, state, created_at) VALUES ('o1', 1, 'received', 'begun', 'sent', "+written+")")
	mustExec(t, file, "INSERT INTO quotes (order_id, price_usd_micros, source, state) VALUES ('o1', 5000000, 'command', 'confirmed')")
	file.Close()
	openNew(t, Options{Dir: dir}).Close()
	db := outside(t, dir)
	if n := scan[int](t, db, "SELECT count(*) FROM outbox AS b JOIN quotes AS q ON q.order_id = b.order_id WHERE b.state = 'sent' AND q.source = 'command'"); n != 1 {
		t.Errorf("%d rows are left", n)
	}
	for _, change := range []string{"outbox SET state = 'draft'", "quotes SET source = 'assistant'", "jobs SET stage = 'write'"} {
		mustExec(t, db, "UPDATE "+change)
		column := strings.Fields(change)[2]
		if _, err := db.Exec("UPDATE " + strings.Fields(change)[0] + " SET " + column + " = 'nonsense'"); err == nil {
			t.Errorf("%s takes nonsense", column)
		}
	}
}

// asks has the client of o1 write, and returns how many jobs write a reply.
func asks(t *testing.T, s *Store, answer bool, list ...order.Message) int {
	t.Helper()
	if _, err := s.ApplyThread(order.Thread{OrderID: "o1", Messages: list, Answer: answer, Next: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return scan[int](t, s.reads, "SELECT count(*) FROM jobs WHERE kind = 'message' AND stage = 'write' AND state = 'ready'")
}

func TestOneReplyIsWrittenToWhatTheClientWroteLast(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	decided(t, s, facts("o1", order.Paid), order.Decision{State: order.StateWorking, Jobs: order.JobsOpen, Service: "Images"})
	now := time.Now()
	client := func(id, text string, ago time.Duration) order.Message {
		return order.Message{ID: id, Party: order.PartyClient, Text: text, At: now.Add(-ago)}
	}
	ours := order.Message{ID: "m2", Party: order.PartyAgent, Text: "yes", At: now.Add(-3 * time.Hour)}
	old, first := client("m0", "long ago", 10*24*time.Hour), client("m1", "red?", 4*time.Hour)
	if n := asks(t, s, true, old); n != 0 {
		t.Errorf("a message of last week gets %d replies", n)
	}
	if n := asks(t, s, false, old, first); n != 0 {
		t.Errorf("without an assistant there are %d replies", n)
	}
	for range 2 {
		if n := asks(t, s, true, old, first); n != 1 {
			t.Errorf("%d replies are written", n)
		}
	}
	if n := asks(t, s, true, old, first, ours); n != 0 {
		t.Errorf("after an answer in the thread %d replies are written", n)
	}
	second := client("m3", "red?", time.Hour)
	if n := asks(t, s, true, old, first, ours, second); n != 1 {
		t.Errorf("the same text once more gets %d replies", n)
	}
	owner := Owner{Store: s}
	if err := owner.ApproveDraft(t.Context(), "o1"); err == nil {
		t.Error("a draft that is not written is approved")
	}
	if err := owner.QueueMessage(t.Context(), "o1", "owner-1", "It is red."); err != nil {
		t.Fatal(err)
	}
	third := client("m4", "Hello?", 30*time.Minute)
	if n := asks(t, s, true, old, first, ours, second, third); n != 0 {
		t.Errorf("while the owner's answer is on its way %d replies are written", n)
	}
}

func TestOnlyTheOwnerAndTheAssistantAnswerAClient(t *testing.T) {
	t.Parallel()
	thread := []query.Message{{Party: order.PartyClient, Content: "red?"}, {Party: order.PartyAgent, Content: "It is red."}}
	for name, c := range map[string]struct {
		outbox []query.Outbox
		open   bool
	}{
		"a message from elsewhere":           {nil, false},
		"a template":                         {[]query.Outbox{{Reason: "received", State: order.OutSent, Body: "It is red."}}, true},
		"another template":                   {[]query.Outbox{{Reason: "received", State: order.OutSent, Body: "We have begun."}}, false},
		"the owner":                          {[]query.Outbox{{Reason: "owner-1", State: order.OutSent, Body: "It is red."}}, false},
		"a reply":                            {[]query.Outbox{{Reason: "reply-1", State: order.OutSent, Body: "It is red."}}, false},
		"a reply like a template":            {[]query.Outbox{{Reason: "reply-1", State: order.OutSent, Body: "It is red."}, {Reason: "received", State: order.OutSent, Body: "It is red."}}, false},
		"a template like a reply not sent":   {[]query.Outbox{{Reason: "received", State: order.OutSent, Body: "It is red."}, {Reason: "reply-1", State: order.OutDraft, Body: "It is red."}}, true},
		"a reply and a template not written": {[]query.Outbox{{Reason: "reply-1", State: order.OutSent, Body: "It is red."}, {Reason: "received", State: order.OutQueued}}, false},
	} {
		if _, reason := asked(thread, fromTemplates(c.outbox)); (reason != "") != c.open {
			t.Errorf("%s: the reason of a reply is %q", name, reason)
		}
	}
}
