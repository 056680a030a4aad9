package order

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Act is what an owner has done to an order, as its timeline has it.
type Act struct {
	At   time.Time
	Text string
	By   Actor
}

// The texts of the timeline for what an owner does. More text may follow.
const (
	ActApprove  = "approved by the owner"
	ActTakeBack = "the owner has taken the approval back"
	ActRetry    = "retried by the owner"
	ActRedo     = "the owner has it made again"
	ActRound    = "another round is opened by the owner"
	ActCancel   = "cancelled by the owner"
	ActUncancel = "the owner takes the cancellation back"
	ActQuote    = "priced by the owner"
	ActAssign   = "assigned by the owner"
	ActResubmit = "delivered again for the owner"
	ActMessage  = "wrote to the client"
	// Of a reply of the assistant.
	ActApproveDraft = "draft approved by the owner"
	ActDiscardDraft = "draft discarded by the owner"
)

// did are the same in a sentence about who did it.
var did = map[string]string{
	ActApprove:  "approved this order",
	ActTakeBack: "took the approval back",
	ActRetry:    "retried this order",
	ActRedo:     "had it made again",
	ActRound:    "opened another round",
	ActCancel:   "cancelled the work on this order",
	ActUncancel: "took the cancellation back",
	ActQuote:    "named a price",
	ActAssign:   "named the service of this order",
	ActResubmit: "had it delivered again",
	ActMessage:  "wrote to the client",
}

// sentence is "ben approved this order 4s ago", or "" for an unknown text.
func (a Act) sentence(now time.Time) string {
	for text, what := range did {
		if strings.HasPrefix(a.Text, text) {
			return fmt.Sprintf("%s %s %s ago", a.By.Name(), what, short(now.Sub(a.At)))
		}
	}
	return ""
}

// short is a duration in its largest unit.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// recent is how long an owner's act is named as the cause of a change.
const recent = time.Hour

// ChangedError is an action on an order that is not as the owner has seen it. Nothing was
// done.
type ChangedError struct {
	ID string
	// What has changed, in a sentence without its end.
	What string
	// Now is the fingerprint of the order as it is.
	Now Fingerprint
}

// Error describes the error.
func (e *ChangedError) Error() string { return "nothing was done: " + e.What }

// Since is what may have changed an order since an owner has seen it.
type Since struct {
	// Last is the last act of an owner.
	Last Act
	// Starts is when approved work begins to go to the client; zero without such work.
	Starts time.Time
	Now    time.Time
}

// Changed returns nil if the parts of an order are as they were seen, else a ChangedError.
func Changed(seen Fingerprint, of Part, now Sight, since Since) error {
	current := now.Fingerprint()
	parts := seen.Differs(current) & of
	if parts == 0 {
		return nil
	}
	return &ChangedError{ID: now.ID, What: now.changed(parts, since), Now: current}
}

func (s Sight) changed(parts Part, since Since) string {
	last, starts, at, who := since.Last, since.Starts, since.Now, ""
	if !last.At.IsZero() && at.Sub(last.At) < recent {
		who = last.sentence(at)
	}
	waits := SeenJob{}
	for _, j := range s.Jobs {
		if j.Approvable() {
			waits = j
		}
	}
	switch {
	case s.State.Ended():
		return fmt.Sprintf("the order is %s now", s.State)
	case parts == PartThread && s.Answers > 0 && strings.HasPrefix(last.Text, ActMessage) && who != "":
		return who + "; read it first"
	case parts == PartThread:
		return "the client has written again; read it first"
	case who != "" && strings.HasPrefix(last.Text, ActApprove) && starts.After(at):
		return fmt.Sprintf("%s; it goes to the client in %s", who, short(starts.Sub(at)))
	case who != "" && strings.HasPrefix(last.Text, ActApprove) && waits.Kind == "":
		return who + "; it is on its way"
	case waits.Take > 1 && parts&PartFiles != 0:
		return fmt.Sprintf("%s were made again; look at take %d", waits.files(), waits.Take)
	case waits.Kind != "" && parts&PartFiles != 0:
		return fmt.Sprintf("what waits for approval has changed; look at %s again", waits.files())
	case who != "":
		return who + "; look at it again"
	}
	return fmt.Sprintf("the order has changed since it was read: it is %s", s.words())
}

// files names the files of the job.
func (j SeenJob) files() string {
	switch {
	case j.Kind == KindPiece:
		return fmt.Sprintf("the files of piece %d", j.Round)
	case j.Kind == KindQuote:
		return "the price"
	case j.Round > 0:
		return fmt.Sprintf("the files of round %d", j.Round)
	}
	return "the files"
}

// words is the state, with the code if there is one.
func (s Sight) words() string {
	return string(s.State) + cmp.Or(strings.TrimSuffix(" ("+s.Code.Words()+")", " ()"), "") + " now"
}
