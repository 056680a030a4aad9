package order

import "time"

// BestRating is the highest rating that a client can give.
const BestRating = 5

// Review is what a client says of the work once the order is delivered.
type Review struct {
	// Rating is from 1 to BestRating, and nil before the client has rated.
	Rating *int
	Text   string
}

// Given reports whether the client has said anything.
func (r Review) Given() bool { return r.Rating != nil || r.Text != "" }

// ReviewPauses are the times between two reads of a review that is not there yet.
// The first read comes right after the order has completed. Many orders complete by
// themselves, and their clients rate later or never.
func ReviewPauses() []time.Duration { return []time.Duration{24 * time.Hour, 6 * 24 * time.Hour} }
