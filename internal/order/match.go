package order

import "time"

// Filter chooses orders that have not ended. What is empty fits all.
type Filter struct {
	State   State
	Code    Code
	Service string
	Client  string
	// Since and Before are about when the order was placed.
	Since, Before time.Time
}

// Match is an order that fits a filter.
type Match struct {
	ID      string
	Service string
	State   State
	Code    Code
	// Generates is how many of its stopped jobs make files.
	Generates int
	// Spent is what it has cost, and Net its price without the fee; nil without a price.
	Spent USD
	Net   *USD
}

// MostAtRetry returns the most that the calls of a retried order may cost, where each call
// costs at most the price and each job is tried as often as attempts says. The calls of an
// attempt are those since the retry.
func (c Caps) MostAtRetry(m Match, price USD, attempts int) USD {
	each := price * USD(attempts)
	if c.Attempt > 0 {
		each = min(each, c.Attempt)
	}
	most := each * USD(m.Generates)
	if c.Order > 0 {
		most = min(most, max(c.Order-m.Spent, 0))
	}
	if c.Percent > 0 && m.Net != nil {
		most = min(most, max(max(*m.Net, 0)*USD(c.Percent)/100-m.Spent, 0))
	}
	return most
}
