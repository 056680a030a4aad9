package order_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestEachDayIsDueOnceWhateverIsDoneToClocks goes through a year in steps of ten minutes, in
// zones that change clocks at night, at midnight and by half an hour.
func TestEachDayIsDueOnceWhateverIsDoneToClocks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "America/Santiago", "Pacific/Kiritimati"} {
		for _, at := range []time.Duration{0, 2*time.Hour + 30*time.Minute, 8 * time.Hour, 23*time.Hour + 59*time.Minute} {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				t.Parallel()
				d := order.DigestTime{At: at, Zone: zone(t, name)}
				now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				last := d.Last(now)
				var days []string
				for end := now.AddDate(1, 0, 0); now.Before(end); now = now.Add(10 * time.Minute) {
					if due := d.Due(last, now); len(due) > 0 {
						days, last = append(days, due...), due[len(due)-1]
					}
				}
				var until time.Time
				for _, day := range days {
					from, to, err := d.Span(day)
					if err != nil || !until.IsZero() && !from.Equal(until) || to.Sub(from) < 22*time.Hour || to.Sub(from) > 26*time.Hour {
						t.Errorf("%s lasts from %s to %s (%v), the day before until %s", day, from, to, err, until)
					}
					until = to
				}
				if len(days) < 364 || len(days) > 366 || !slices.IsSorted(days) || len(slices.Compact(slices.Clone(days))) != len(days) {
					t.Errorf("%d days were due: %q", len(days), days)
				}
			})
		}
	}
}

func TestADigestIsDueAtItsTimeAndTheLastTwoAreSentLate(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	d := order.DigestTime{At: 8 * time.Hour, Zone: berlin}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 10, day, hour, minute, 0, 0, berlin) }
	for _, c := range []struct {
		last string
		now  time.Time
		want string
	}{
		{"2026-10-22", at(24, 7, 59), ""},
		{"2026-10-22", at(24, 8, 0), "2026-10-23"},
		{"2026-10-23", at(24, 23, 0), ""},
		{"2026-10-24", at(26, 7, 59), ""}, // the 25th has 25 hours
		{"2026-10-24", at(26, 8, 0), "2026-10-25"},
		{"2026-10-20", at(24, 8, 0), "2026-10-22 2026-10-23"},
		{"2026-01-01", at(24, 8, 0), "2026-10-22 2026-10-23"},
		{"2026-12-31", at(24, 8, 0), ""}, // the clock was set back
	} {
		if got := strings.Join(d.Due(c.last, c.now), " "); got != c.want {
			t.Errorf("after %s, %q are due at %s, want %q", c.last, got, c.now, c.want)
		}
	}
	if _, _, err := d.Span("yesterday"); err == nil {
		t.Error("a day may be any text")
	}
}

func TestADigestSaysWhatTheDayBrought(t *testing.T) {
	t.Parallel()
	d := order.Digest{
		Day: "2026-11-25", Came: 4, Delivered: 3, Completed: 2, Earned: 9 * order.Dollar, Spent: 10 * order.Dollar,
		Open: map[order.State]int{order.StateHeld: 1, order.StateWorking: 2},
	}
	for i := range 12 {
		d.Links = append(d.Links, fmt.Sprintf("https://x/%d.png", i))
	}
	n := d.Notice()
	if n.Line != "Wednesday, 25 November: earned $9.00, spent $10.00, profit -$1.00" || n.Urgent || n.Kind != order.NoticeDigest {
		t.Errorf("the line is %+v", n)
	}
	for _, want := range []string{"orders: 4 new, 3 delivered, 2 completed\nopen: 1 held, 2 working\nhttps://x/0.png\n", "https://x/9.png\nand 2 more files; "} {
		if !strings.Contains(n.More, want) {
			t.Errorf("the text lacks %q: %s", want, n.More)
		}
	}
	quiet := order.Digest{Day: "2026-11-25"}.Notice()
	if quiet.Line != "Wednesday, 25 November: nothing happened; open: no order" || quiet.More != "" {
		t.Errorf("a day without anything is %+v", quiet)
	}
}
