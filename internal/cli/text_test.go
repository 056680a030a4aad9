package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

func TestTheListOfOrdersFitsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	v := orderList{now: now, maxAttempts: 3, lines: []orderLine{{
		ID: "ord_1795658160087_7222de9b", State: order.StateFailed,
		Code: order.CodeTryLater, Service: "Pictures", PriceUSD: "5.00", DueAt: now.Add(24*time.Hour - time.Minute),
		Brief: "a red fox in the snow, below an old pine tree",
	}}}
	for width, columns := range map[int]string{
		0:   "order state service price due brief",
		120: "order state service price due brief",
		100: "order state service price due brief",
		90:  "order state service price due brief",
		80:  "order state due brief",
	} {
		g := &term.Page{Width: width}
		v.show(g)
		lines := strings.Split(g.String(), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != columns {
			t.Errorf("%d wide: the columns are %q, want %q", width, got, columns)
		}
		if n := utf8.RuneCountInString(lines[1]); width > 0 && n > width {
			t.Errorf("%d wide: the line takes %d columns: %s", width, n, lines[1])
		}
	}
}

func TestOnlyRequestsThatAnOrderNeedsBlockIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		v    requestsView
		left bool
	}{
		{"registrations used up by polls", requestsView{Used: 7, Kinds: []requestView{{Kind: order.RequestPoll, Limit: 30}, {Kind: order.RequestRegister, Limit: 5}}}, true},
		{"shared count used up", requestsView{Used: 30, Kinds: []requestView{{Kind: order.RequestDeliver, Limit: 30}}}, false},
		{"separate count of others used up", requestsView{Used: 30, Counts: order.CountsSeparate, Kinds: []requestView{{Kind: order.RequestDeliver, Used: 2, Limit: 30}}}, true},
		{"blocked", requestsView{Kinds: []requestView{{Kind: order.RequestUpload, Limit: 30, BlockedUntil: time.Unix(1, 0)}}}, false},
	} {
		if got := c.v.left(); got != c.left {
			t.Errorf("%s: left is %v, want %v", c.name, got, c.left)
		}
	}
}

func TestSinceIsADayOrATimeBeforeNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":           {},
		"2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"30d":        now.Add(-30 * 24 * time.Hour),
		"12h":        now.Add(-12 * time.Hour),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-3d", "-1h", "2026-13-01"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}
