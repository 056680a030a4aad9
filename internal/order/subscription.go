package order

// Piece is one item of a subscription, which the client asks for with a message.
type Piece struct {
	OrderID string
	Number  int // from 1
	Request string
	// Job is the state of its job. Sent: its link is in the thread, or may be and a
	// full thread does not show it.
	Job  JobState
	Sent bool
}

// Finished reports whether no more work is done for the piece.
func (p Piece) Finished() bool {
	return p.Sent || p.Job == JobFailed || p.Job == JobCancelled || p.Job == JobHeld
}
