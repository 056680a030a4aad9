package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
)

// TestADiskThatIsFullSoonNeedsTheOwner guards that monitoring learns of a full disk days
// before, and once: a disk that is nearly full has an alert of its own.
func TestADiskThatIsFullSoonNeedsTheOwner(t *testing.T) {
	t.Parallel()
	days := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		disk Disk
		want string // in the reason, or empty for none
	}{
		"enough":      {Disk{PerDay: 1 << 20}, ""},
		"many days":   {Disk{PerDay: 1 << 20, Days: days(fewDays)}, ""},
		"three days":  {Disk{PerDay: 1 << 20, Days: days(3)}, "full in 3 days, at 1.0 MB a day"},
		"one day":     {Disk{PerDay: 1 << 20, Days: days(1)}, "full in 1 day,"},
		"today":       {Disk{PerDay: 1 << 20, Days: days(0)}, "full within a day,"},
		"nearly full": {Disk{PerDay: 1 << 20, Days: days(0), Low: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Reader{Config: func() *config.Config { return &config.Config{} }, Now: func() time.Time { return noon }}
			got := r.Check(Status{Disk: c.disk, Polls: Polls{Answered: noon}}, time.Hour)
			fills := slices.IndexFunc(got.Reasons, func(r Reason) bool { return r.Code == codeDiskFills })
			if (fills >= 0) != (c.want != "") || fills >= 0 && (!strings.Contains(got.Reasons[fills].Text, c.want) || got.State != NeedsOwner) {
				t.Errorf("the check is %+v", got)
			}
		})
	}
}
