package order_test

import (
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestSeveralLinesAreCountedInTheTitle(t *testing.T) {
	t.Parallel()
	alert := order.Notice{Kind: order.NoticeAlert, Urgent: true, Line: "order o1 held: no price", More: "`atelierd quote o1 PRICE`"}
	over := alert
	over.OverAt = time.Date(2026, 11, 25, 14, 5, 0, 0, time.UTC)
	written := order.Notice{Kind: order.NoticeMessage, Line: "the client of o1 wrote: hi"}
	for _, c := range []struct {
		list        []order.Notice
		title, text string
		urgent      bool
	}{
		{[]order.Notice{alert}, "order o1 held: no price", "`atelierd quote o1 PRICE`", true},
		{[]order.Notice{over}, "over since 14:05 UTC: order o1 held: no price", "`atelierd quote o1 PRICE`", false},
		{
			[]order.Notice{alert, over, written},
			"1 needs you, 1 over, 1 message of a client",
			"order o1 held: no price\n  `atelierd quote o1 PRICE`\nover since 14:05 UTC: order o1 held: no price\n  `atelierd quote o1 PRICE`\nthe client of o1 wrote: hi", true,
		},
		{[]order.Notice{written, written}, "2 messages of clients", "the client of o1 wrote: hi\nthe client of o1 wrote: hi", false},
		{[]order.Notice{{Kind: order.NoticeReminder, Line: "a"}, {Kind: order.NoticeReminder, Line: "b"}}, "2 still need you", "still: a\nstill: b", false},
	} {
		if title, text, urgent := order.Bundle(c.list); title != c.title || text != c.text || urgent != c.urgent {
			t.Errorf("%q\n%s\nurgent: %t; want %q\n%s", title, text, urgent, c.title, c.text)
		}
	}
}

// TestALineAboutAnOrderLinksToItsPage guards that the id, which the marketplace chooses,
// cannot lead elsewhere.
func TestALineAboutAnOrderLinksToItsPage(t *testing.T) {
	t.Parallel()
	with, without := order.Listener{Pages: "https://c.example/orders/"}, order.Listener{}
	for _, c := range []struct {
		about order.Condition
		hint  string
		want  string
	}{
		{order.Condition{What: "order", ID: "o1"}, "run it", "run it\nhttps://c.example/orders/o1"},
		{order.Condition{What: "piece", ID: "o1"}, "", "https://c.example/orders/o1"},
		{order.Condition{What: "message", ID: "o1"}, "", "https://c.example/orders/o1"},
		{order.Condition{What: "thread", ID: "../x?y=1 \n"}, "", "https://c.example/orders/..%2Fx%3Fy=1%20%0A"},
		{order.Condition{What: "generator", ID: "o1"}, "run it", "run it"},
		{order.Condition{What: "daemon", ID: "alert.key"}, "", ""},
	} {
		n := order.Notice{Line: "line", More: c.hint}
		if got := with.Linked(n, c.about.OrderID()); got.More != c.want || got.Line != "line" {
			t.Errorf("%+v: %q, want %q", c.about, got.More, c.want)
		}
		if got := without.Linked(n, c.about.OrderID()); got != n {
			t.Errorf("without pages: %+v", got)
		}
	}
}
