package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
)

func TestTheListOfOrdersFitsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	v := view.List{Now: now, Lines: []view.Line{{
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
		showList(g, v)
		lines := strings.Split(g.String(), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != columns {
			t.Errorf("%d wide: the columns are %q, want %q", width, got, columns)
		}
		if n := utf8.RuneCountInString(lines[1]); width > 0 && n > width {
			t.Errorf("%d wide: the line takes %d columns: %s", width, n, lines[1])
		}
	}
}

func TestAPeriodHasTheDaysOfItsZone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags       EarningsPeriod
		from, to    string
		first, last string
		whole       bool
	}{
		{},
		{flags: EarningsPeriod{Since: "2026-11-01"}, from: "2026-10-31T23:00:00Z", first: "2026-11-01"},
		{flags: EarningsPeriod{Since: "2026-11-01", TZ: "UTC"}, from: "2026-11-01T00:00:00Z", first: "2026-11-01"},
		{flags: EarningsPeriod{Since: "30d"}, from: "2026-10-25T12:00:00Z", first: "2026-10-25", whole: true},
		{flags: EarningsPeriod{Since: "13h"}, from: "2026-11-23T23:00:00Z", first: "2026-11-23", whole: true},
		{flags: EarningsPeriod{Until: "2026-06-30"}, to: "2026-06-30T22:00:00Z", last: "2026-06-30"},
		{flags: EarningsPeriod{Year: 2026}, from: "2025-12-31T23:00:00Z", to: "2026-12-31T23:00:00Z", first: "2026-01-01", last: "2026-12-31"},
		{flags: EarningsPeriod{Year: 2026, TZ: "America/New_York"}, from: "2026-01-01T05:00:00Z", to: "2027-01-01T05:00:00Z", first: "2026-01-01", last: "2026-12-31"},
	} {
		p, err := c.flags.read(berlin, now)
		text := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.UTC().Format(time.RFC3339)
		}
		if err != nil || text(p.From) != c.from || text(p.To) != c.to || p.First != c.first || p.Last != c.last || p.Whole != c.whole {
			t.Errorf("%+v is %+v, %v", c.flags, p, err)
		}
	}
	for _, f := range []EarningsPeriod{
		{Since: "yesterday"},
		{Since: "-3d"},
		{Since: "-1h"},
		{Since: "2026-13-01"},
		{Until: "12h"},
		{TZ: "Berlin"},
		{Year: 2026, Since: "30d"},
		{Year: 20265},
		{Since: "2026-02-01", Until: "2026-01-31"},
	} {
		if p, err := f.read(berlin, now); err == nil {
			t.Errorf("%+v is %+v, want an error", f, p)
		}
	}
}

func TestTheEarningsHaveATotalOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	total := view.EarningRow{Key: "total", Orders: 1, Gross: "5.00", Fee: "0.50", Net: "4.50", Cost: "0.04", Profit: "4.46"}
	row := total
	row.Key = "a service with a very long name"
	for _, by := range []string{view.ByDay, view.ByService, view.ByGenerator, view.ByProvider, view.ByOrder} {
		g := &term.Page{Width: 40}
		showEarnings(g, view.Earnings{Rows: []view.EarningRow{row}, Total: total, Grouping: view.Grouping{By: by}})
		if !strings.Contains(g.String(), "total") {
			t.Errorf("by %s it shows %s", by, g.String())
		}
	}
}
