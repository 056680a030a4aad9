package order

import "time"

// Prompt is what the assistant wrote for a take of a round or a piece.
type Prompt struct {
	Kind        Kind
	Round, Take int
	// Text is the prompt for the generator. It is empty if the template of the service is
	// used, and Note says why.
	Text string
	Note string
	// Requirements are what the work has to show.
	Requirements []string
	At           time.Time
}
