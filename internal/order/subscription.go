package order

// Piece is what the client of a subscription has asked for with one message.
type Piece struct {
	OrderID string
	Number  int // from 1
	Request string
	// Job is how far its making is, Sent whether its link stands in the thread.
	Job  JobState
	Sent bool
}

// Finished says whether nothing more will come of the piece.
func (p Piece) Finished() bool {
	return p.Sent || p.Job == JobFailed || p.Job == JobCancelled || p.Job == JobHeld
}
