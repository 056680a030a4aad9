package order

import (
	"fmt"
	"time"
)

// BestScore is the highest score of the assistant's check.
const BestScore = 10

// Check is what the assistant found when it looked at the files of a take.
type Check struct {
	Kind        Kind
	Round, Take int
	// Files is a hash of what was looked at. It is empty if nothing was made.
	Files string
	// Score is 0 to BestScore. It is nil if it could not be found, and Note says why.
	Score *int
	// Below is the service's check_below at that time.
	Below int
	// Problems are what is wrong.
	Problems []string
	Note     string
	At       time.Time
}

// Low reports whether the files were found too bad.
func (c Check) Low() bool { return c.Score != nil && *c.Score < c.Below }

// Words returns the outcome in words.
func (c Check) Words() string {
	switch {
	case c.Score == nil && c.Files == "":
		return "not made: " + c.Note
	case c.Score == nil:
		return "not checked: " + c.Note
	case c.Low():
		return fmt.Sprintf("%d of %d, below %d", *c.Score, BestScore, c.Below)
	}
	return fmt.Sprintf("%d of %d", *c.Score, BestScore)
}

// NextTake is a take that the assistant's check opens.
type NextTake struct {
	// Files are those of the take before, which stay.
	Files []Artifact
	// Check is that of a take before that has no files, with a note that says why; nil for
	// one that was checked.
	Check *Check
	// SameAs is the take whose files the next one has; 0 has them made.
	SameAs int
	// Note is for the order's timeline.
	Note string
}
