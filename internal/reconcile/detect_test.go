package reconcile

import (
	"log/slog"
	"testing"

	"atelierd/internal/order"
)

// TestWhatSomebodyElseDoesIsFound lists what shows a second daemon, and what only looks
// like it.
func TestWhatSomebodyElseDoesIsFound(t *testing.T) {
	t.Parallel()
	sent := []order.Outgoing{{Body: "hello", State: order.OutSent}}
	working := order.Record{State: order.StateWorking, Status: order.Paid}
	delivered := order.Record{State: order.StateDelivered, Status: order.Delivered, Settled: true, Sent: []string{"a"}, Files: []string{"a"}}
	shown := func(files ...string) order.Facts {
		return order.Facts{Status: order.Delivered, Shown: order.ShownFiles, Deliverables: files}
	}
	for name, c := range map[string]struct {
		record   order.Record
		facts    order.Facts
		thread   []order.Message
		verbatim bool
		want     string
	}{
		"an order that we work on is delivered":          {record: working, facts: shown("b"), want: "delivered"},
		"the same, at a guide's marketplace":             {record: working, facts: order.Facts{Status: order.Delivered}, want: "delivered"},
		"it is completed already":                        {record: working, facts: order.Facts{Status: order.Completed}, want: "delivered"},
		"another round is delivered":                     {record: order.Record{State: order.StateWorking, Status: order.RevisionRequested, Revisions: count(1), Round: 1}, facts: order.Facts{Status: order.Delivered, Shown: order.ShownFiles, RevisionCount: count(1), Deliverables: []string{"b"}}, want: "delivered"},
		"our delivery is replaced":                       {record: delivered, facts: shown("b"), verbatim: true, want: "delivered"},
		"a file next to ours":                            {record: delivered, facts: shown("a", "b"), want: "delivered"},
		"a marketplace that moves files":                 {record: delivered, facts: shown("cdn/a")},
		"an order that waits for the owner is delivered": {record: order.Record{State: order.StateHeld, Status: order.Paid}, facts: shown("b")},
		"an order that has failed is delivered":          {record: order.Record{State: order.StateFailed, Status: order.Paid}, facts: shown("b")},
		"a delivery that was refused has arrived":        {record: order.Record{State: order.StateWorking, Status: order.Paid, Sent: []string{"a"}, Files: []string{"a"}}, facts: shown("a")},
		"a delivery without an answer":                   {record: order.Record{State: order.StateWorking, Status: order.Paid, Settled: true, Sent: []string{"a"}, Files: []string{"a"}}, facts: shown("a")},
		"the end of a window":                            {record: order.Record{State: order.StateWorking, Status: order.InProgress, Windowed: true}, facts: order.Facts{Status: order.Delivered, Shown: order.ShownNone}},
		"a dispute that we came to late":                 {record: order.Record{State: order.StateWorking, Status: order.Disputed, Revisions: count(1), Round: 1}, facts: order.Facts{Status: order.Disputed, RevisionCount: count(1)}},
		"a quote":                                        {record: order.Record{State: order.StateWorking, Status: order.PendingQuote}, facts: order.Facts{Status: order.Quoted}, want: "quoted"},
		"a quote by the owner":                           {record: order.Record{State: order.StateHeld, Status: order.PendingQuote}, facts: order.Facts{Status: order.Quoted}},
		"a cancelled request":                            {record: order.Record{State: order.StateWorking, Status: order.PendingQuote}, facts: order.Facts{Status: order.Cancelled}},
		"a message":                                      {record: working, thread: []order.Message{agent("1", "hi")}, want: "written to"},
		"a message twice":                                {record: order.Record{State: order.StateWorking, Outbox: sent}, thread: []order.Message{agent("1", "hello"), agent("2", "hello")}, want: "written to"},
		"our message":                                    {record: order.Record{State: order.StateWorking, Outbox: sent}, thread: []order.Message{agent("1", "hello")}},
		"our message, changed on the way":                {record: order.Record{State: order.StateWorking, Outbox: sent}, thread: []order.Message{agent("1", "h*llo")}},
		"a message that was seen":                        {record: order.Record{State: order.StateWorking, Seen: map[string]string{"1": "hi"}}, thread: []order.Message{agent("1", "hi")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := NewDetector(NewGate(nil), nil, slog.New(slog.DiscardHandler))
			d.gate.unlock()
			d.gate.verbatim.Store(c.verbatim)
			got := d.foreign(c.record, c.facts, c.thread)
			if got != c.want {
				t.Errorf("foreign = %q, want %q", got, c.want)
			}
			if row := d.Row(c.record, c.facts); c.thread == nil && row != got {
				t.Errorf("Row = %q", row)
			}
			d.gate.shut()
			if row := d.Row(c.record, c.facts); row != "" {
				t.Errorf("while the ledger is compared, Row = %q", row)
			}
		})
	}
}
