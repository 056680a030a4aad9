package cli

import (
	"errors"
	"fmt"
	"time"

	"atelierd/internal/view"
)

// EarningsPeriod are the flags that select a time.
type EarningsPeriod struct {
	Since string `help:"Only from a day on, such as 2026-11-01, or in the last days or hours, such as 30d or 12h." placeholder:"WHEN"`
	Until string `help:"Only until the end of a day, such as 2026-11-30." placeholder:"DAY"`
	Year  int    `help:"Only one year, such as 2026." placeholder:"YEAR"`
	TZ    string `help:"Time zone of the days, such as Europe/Berlin. Default: that of the daily summary." name:"tz" placeholder:"ZONE"`
}

// read returns the period that the flags select. zone is the one without --tz.
func (f EarningsPeriod) read(zone *time.Location, now time.Time) (p view.Period, err error) {
	if p.Zone = zone; f.TZ != "" {
		if p.Zone, err = time.LoadLocation(f.TZ); err != nil {
			return p, fmt.Errorf("--tz %.60q is not a time zone such as Europe/Berlin", f.TZ)
		}
	}
	since, until := f.Since, f.Until
	if f.Year != 0 {
		if since != "" || until != "" {
			return p, errors.New("--year cannot be used with --since or --until; keep one of them")
		}
		if f.Year < 1 || f.Year > 9998 {
			return p, fmt.Errorf("--year %d is not a year such as 2026", f.Year)
		}
		since, until = fmt.Sprintf("%04d-01-01", f.Year), fmt.Sprintf("%04d-12-31", f.Year)
	}
	p, err = view.NewPeriod(p.Zone, since, until, now)
	if wrong, ok := errors.AsType[*view.WrongTime](err); ok {
		return p, fmt.Errorf("--%w", wrong)
	}
	return p, err
}
