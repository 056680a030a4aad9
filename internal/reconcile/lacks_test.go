package reconcile

import (
	"reflect"
	"testing"

	"atelierd/internal/order"
)

func count(n int) *int { return &n }

func agent(id, text string) order.Message {
	return order.Message{ID: id, Party: order.PartyAgent, Text: text}
}

// shownOnly is what only the marketplace shows of an order.
var shownOnly = map[string]struct {
	record order.Record
	facts  order.Facts
	want   Missing
}{
	"an order as we left it": {
		record: order.Record{Settled: true, Files: []string{"a"}},
		facts:  order.Facts{Status: order.Delivered, Shown: order.ShownFiles, Deliverables: []string{"a"}},
		want:   Missing{Shown: 1},
	},
	"a delivery sent without an answer": {
		record: order.Record{Settled: true, Files: []string{"a"}},
		facts:  order.Facts{Status: order.Paid, Shown: order.ShownNone},
	},
	"a first delivery": {
		facts: order.Facts{Status: order.Delivered, Shown: order.ShownFiles, Deliverables: []string{"a"}},
		want:  Missing{Rounds: 1, Shown: 1, Files: []string{"a"}},
	},
	"a delivery that only its status shows": {facts: order.Facts{Status: order.Delivered}, want: Missing{Rounds: 1, Shown: 1}},
	"the end of a window without a file": {
		record: order.Record{Windowed: true},
		facts:  order.Facts{Status: order.Delivered, Shown: order.ShownNone},
	},
	"the client's first revision": {
		record: order.Record{Settled: true, Files: []string{"a"}},
		facts:  order.Facts{Status: order.RevisionRequested, RevisionCount: count(1), Deliverables: []string{"a"}},
		want:   Missing{Shown: 1},
	},
	"two rounds of which the second was sent back": {
		record: order.Record{Files: []string{}},
		facts:  order.Facts{Status: order.RevisionRequested, RevisionCount: count(2)},
		want:   Missing{Rounds: 2, Shown: 2},
	},
	"another's file on a round that we delivered": {
		record: order.Record{Settled: true, Files: []string{"a"}},
		facts:  order.Facts{Status: order.Delivered, Shown: order.ShownFiles, Deliverables: []string{"a", "b"}},
		want:   Missing{Shown: 1, Files: []string{"b"}},
	},
	"a round that is known to be another's": {
		record: order.Record{Settled: true, Elsewhere: true},
		facts:  order.Facts{Status: order.Delivered, Shown: order.ShownFiles, Deliverables: []string{"b"}},
		want:   Missing{Shown: 1},
	},
	"a delivery in a status that is unknown": {
		facts: order.Facts{Status: "under_moderation", Shown: order.ShownFiles, Deliverables: []string{"a"}},
		want:  Missing{Rounds: 1, Shown: 1, Files: []string{"a"}},
	},
	"our delivery, sent back or not, in a status that is unknown": {
		record: order.Record{Settled: true, Files: []string{"a"}},
		facts:  order.Facts{Status: "under_moderation", RevisionCount: count(1), Shown: order.ShownFiles, Deliverables: []string{"a"}},
		want:   Missing{Shown: 1},
	},
	"a price that an unknown status does not show": {record: order.Record{Status: order.PendingQuote}, facts: order.Facts{Status: "under_moderation"}},
	"a quote": {record: order.Record{Status: order.PendingQuote}, facts: order.Facts{Status: order.Quoted}, want: Missing{Quote: true}},
	"a cancelled order": {
		record: order.Record{Status: order.PendingQuote},
		facts:  order.Facts{Status: order.Cancelled, Deliverables: []string{"a"}},
	},
}

// TestTheLedgerLacksWhatOnlyTheMarketplaceShows lists what is missing, order by order.
func TestTheLedgerLacksWhatOnlyTheMarketplaceShows(t *testing.T) {
	t.Parallel()
	for name, c := range shownOnly {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Lacks(c.record, c.facts, nil); !reflect.DeepEqual(got, c.want) {
				t.Errorf("Lacks is %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestTheLedgerLacksMessagesThatOnlyTheThreadShows counts messages with the same text.
func TestTheLedgerLacksMessagesThatOnlyTheThreadShows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record order.Record
		thread []order.Message
		want   []order.Message
	}{
		"messages": {
			record: order.Record{
				Seen:   map[string]string{"1": "read before"},
				Outbox: []order.Outgoing{{Body: "sent", State: order.OutSending}, {Body: "waits", State: order.OutQueued}},
			},
			thread: []order.Message{
				agent("1", "read before"),
				agent("2", "sent"),
				agent("3", "waits"),
				{ID: "4", Party: order.PartyClient, Text: "a client's"},
				{ID: "5", Party: order.PartyOther, Text: "the marketplace's"},
			},
			want: []order.Message{agent("3", "waits")},
		},
		"the same text twice": {
			record: order.Record{Outbox: []order.Outgoing{{Body: "hello", State: order.OutSent}}},
			thread: []order.Message{agent("1", "hello"), agent("2", "hello")},
			want:   []order.Message{agent("2", "hello")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Lacks(c.record, order.Facts{Status: order.Paid}, c.thread)
			if !reflect.DeepEqual(got.Messages, c.want) || got.Ours != (name == "messages") {
				t.Errorf("Lacks is %+v, want the messages %+v", got, c.want)
			}
		})
	}
}

// TestOneActOfTheOwnersOwnIsNoRestore guards an owner who writes to a client, quotes or
// delivers on the marketplace's page.
func TestOneActOfTheOwnersOwnIsNoRestore(t *testing.T) {
	t.Parallel()
	written := Missing{OrderID: "1", Messages: []order.Message{agent("1", "hello"), agent("2", "again")}}
	other := Missing{OrderID: "2", Messages: []order.Message{agent("3", "hello")}}
	ours := written
	ours.Ours = true
	for name, c := range map[string]struct {
		missing []Missing
		want    bool
	}{
		"nothing":                                    {},
		"messages on one order":                      {[]Missing{written}, false},
		"messages on two orders":                     {[]Missing{written, other}, true},
		"a message that waits in the outbox":         {[]Missing{ours}, true},
		"one delivery by hand":                       {[]Missing{{Rounds: 1, Files: []string{"a"}}}, false},
		"one file by hand":                           {[]Missing{{Files: []string{"a"}}}, false},
		"one quote by hand":                          {[]Missing{{Quote: true}}, false},
		"a quote and a delivery":                     {[]Missing{{Quote: true, Rounds: 1}}, true},
		"a delivery and its message":                 {[]Missing{{Rounds: 1, Messages: written.Messages}}, true},
		"two deliveries on one order":                {[]Missing{{Rounds: 2}}, true},
		"deliveries on two orders":                   {[]Missing{{Rounds: 1}, {Rounds: 1}}, true},
		"a delivery, and a message on another order": {[]Missing{{Rounds: 1}, other}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Restored(c.missing); got != c.want {
				t.Errorf("Restored is %v, want %v", got, c.want)
			}
		})
	}
}

// TestAPieceIsKnownByItsText guards that what the owner writes with a link is taken for
// no piece.
func TestAPieceIsKnownByItsText(t *testing.T) {
	t.Parallel()
	a := adopting{
		missing: Missing{OrderID: "1"},
		messages: []order.Message{
			agent("1", "Piece 2: https://x/2.png"), agent("2", "see https://x/rules"), agent("3", "Piece 1: https://x/1.mp4"), agent("4", "Piece 1: https://x/1.mp4"),
		},
		pieces: []order.Piece{{Number: 1}, {Number: 2}, {Number: 3}},
		write: func(piece int, links []string) string {
			return map[int]string{1: "Piece 1: ", 2: "Piece 2: ", 3: "Piece 3: "}[piece] + links[0]
		},
	}
	want := order.Adoption{OrderID: "1", Pieces: []order.AdoptedPiece{
		{Number: 2, Text: "Piece 2: https://x/2.png", Files: []order.Artifact{{Name: "2.png", Media: "image", URL: "https://x/2.png"}}},
		{Number: 1, Text: "Piece 1: https://x/1.mp4", Files: []order.Artifact{{Name: "1.mp4", Media: "video", URL: "https://x/1.mp4"}}},
	}}
	if got := a.adoption(); !reflect.DeepEqual(got, want) {
		t.Errorf("the adoption is %+v, want %+v", got, want)
	}
}

// TestAMessageThatWasSeenIsStillAdopted guards that a piece is not made again after a
// process died between reading its thread and adopting it.
func TestAMessageThatWasSeenIsStillAdopted(t *testing.T) {
	t.Parallel()
	r := order.Record{Seen: map[string]string{"m1": "piece 1", "m2": "begun"}, Outbox: []order.Outgoing{{Body: "begun", State: order.OutSent}}}
	thread := []order.Message{agent("m1", "piece 1"), agent("m2", "begun")}
	if got := unsent(r, thread); len(got) != 1 || got[0].ID != "m1" {
		t.Errorf("unsent: %+v", got)
	}
	if got := unknownMessages(r, thread); len(got) != 0 {
		t.Errorf("unknown: %+v", got)
	}
}
