package order

import "time"

const (
	// LateLimit is how long the result of a job that is done may be late until the owner
	// is asked.
	LateLimit = 10 * time.Minute
	// LateGap is the time without a look after which a result is late from now on: nobody
	// could see it while the daemon was stopped or the work was paused. That happens twice
	// at most, because workers with much to do look as seldom.
	LateGap = LateLimit / 2
	// A late result is looked for after half the time that it is late, within these.
	firstLook, lastLook = 5 * time.Second, time.Minute
)

// LateResult is the failure of a job that is done and paid for, and whose result cannot be
// had yet: the provider does not show it, or its link leads nowhere. Such results often
// come a moment later, so the work waits, and no other call is made.
func LateResult(code Code, format string, args ...any) *Failure {
	f := Failf(Wait, code, format, args...)
	f.Charge, f.After = ChargePending, firstLook
	return f
}

// Late reports whether f is a failure of LateResult.
func (f *Failure) Late() bool {
	return f.Class == Wait && f.Charge == ChargePending && (f.Code == CodeExpired || f.Code == CodeNotVisible)
}

// lateFor returns the failure of a result that has been late for so long. It waits until
// the limit, and then holds. The call stays open, so that the owner's retry asks for the
// same result and only a redo pays again.
func (f Failure) lateFor(late time.Duration) Failure {
	if rest := LateLimit - late; rest > 0 {
		f.After = min(max(late/2, firstLook), lastLook, rest)
		return f
	}
	held := Failf(Hold, f.Code, "the result is late by %s: %w", late.Round(time.Second), &f).
		WithHint("look at the provider; %s asks for the same result again, %s makes another call, which is paid for",
			Command("orders retry", AnyOrder), Command("orders redo", AnyOrder))
	held.Charge = ChargePending
	return *held
}
