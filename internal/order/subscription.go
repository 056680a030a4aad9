package order

// Piece is one item of a subscription, which the client asks for with a message.
type Piece struct {
	OrderID string
	Number  int // from 1
	Request string
	// Job is the state of its job, and Code what that waits for. Sent: its link is in the
	// thread, or may be and a full thread does not show it.
	Job  JobState
	Code Code
	Sent bool
}

// Finished reports whether no more work is done for the piece. Work that a restore holds
// resumes once the owner has accepted the restore.
func (p Piece) Finished() bool {
	return p.Sent || p.Job == JobFailed || p.Job == JobCancelled || p.Job == JobHeld && p.Code != CodeRestored && p.Code != CodeUncompared
}
