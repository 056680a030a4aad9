package view

import (
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/words"
)

// Wellness is whether all is well.
type Wellness string

// The values of Wellness, the best first.
const (
	Well       Wellness = "well"
	NeedsOwner Wellness = "needs_owner"
	Down       Wellness = "down"
)

// Level is 0 for Well, and grows as it gets worse.
func (w Wellness) Level() int { return slices.Index([]Wellness{Well, NeedsOwner, Down}, w) }

// Words is the sentence for it.
func (w Wellness) Words() string {
	switch w {
	case Well:
		return "all is well"
	case NeedsOwner:
		return "something needs you"
	}
	return "the agent earns nothing"
}

// Check is whether all is well, and why not.
type Check struct {
	State   Wellness `json:"state"` // well, needs_owner or down
	Reasons []Reason `json:"reasons"`
	// Running is false while neither a daemon nor a recent heartbeat works.
	Running bool `json:"running"`
	// LastPoll is when the marketplace last answered a poll, if that is known.
	LastPoll time.Time `json:"last_poll,omitzero"`
}

// Reason is one thing that is not well.
type Reason struct {
	Code order.Code `json:"code"`
	ID   string     `json:"id,omitempty"`
	Text string     `json:"text"`
	Hint string     `json:"hint"`
}

// The codes of reasons that no alert has.
const (
	codeNotRunning = "not_running"
	codeDiskFills  = "disk_fills"
)

// fewDays is how many days of room on the disk need the owner.
const fewDays = 7

// Check judges a status. A heartbeat that ran at most within ago counts as running.
func (r Reader) Check(s Status, within time.Duration) Check {
	now, polled := r.now(), s.Polls.Answered
	v := Check{State: Well, Reasons: []Reason{}, LastPoll: polled, Running: s.Daemon.Running || within > 0 && now.Sub(polled) <= within}
	if !v.Running {
		v.add(Down, Reason{Code: codeNotRunning, Text: "atelierd is not running", Hint: order.Command("run") + " starts it"})
	}
	within = max(r.Config().PollWithin(), within)
	since, text := polled, "the last poll that the marketplace answered was "+words.Relative(now, polled)
	if polled.IsZero() {
		since, text = s.Daemon.Since, "the marketplace has answered no poll"
	}
	if !since.IsZero() && now.Sub(since) > within && v.Running {
		v.add(Down, Reason{
			Code: order.AlertUnreachable.Code(), Text: text,
			Hint: order.Command("doctor") + " shows why",
		})
	}
	for _, a := range s.Attention {
		cond := order.Condition{What: a.What, ID: a.ID, Code: a.Code, State: a.State, Reason: a.Reason}
		if a.Code == order.AlertUnreachable.Code() {
			continue // it is judged above, as of now
		}
		state := NeedsOwner
		if cond.Stops() {
			state = Down
		}
		v.add(state, Reason{Code: a.Code, ID: a.ID, Text: cond.Line(), Hint: a.Hint})
	}
	v.addDisk(s.Disk)
	return v
}

// addDisk adds that the disk is full in a few days. One that is nearly full is an alert.
func (v *Check) addDisk(d Disk) {
	if d.Low || d.Days == nil || *d.Days >= fewDays {
		return
	}
	when := "within a day"
	if *d.Days > 0 {
		when = "in " + words.Count(*d.Days, "day")
	}
	v.add(NeedsOwner, Reason{
		Code: codeDiskFills, Text: "the disk is full " + when + ", at " + words.Size(d.PerDay) + " a day",
		Hint: "make room in the data folder, or have old files removed with [history] in the configuration",
	})
}

// add adds a reason. The worst state stands.
func (v *Check) add(state Wellness, r Reason) {
	if state.Level() > v.State.Level() {
		v.State = state
	}
	v.Reasons = append(v.Reasons, r)
}
