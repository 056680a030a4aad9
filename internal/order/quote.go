package order

import "time"

// QuoteState is how much is known of a quote. One that is Sending may or may
// not have reached the marketplace.
type QuoteState string

// The states of a quote.
const (
	QuotePriced    QuoteState = "priced"
	QuoteSending   QuoteState = "sending"
	QuoteRefused   QuoteState = "refused"
	QuoteConfirmed QuoteState = "confirmed"
	// QuoteElsewhere: the order got its price, or its end, without ours.
	QuoteElsewhere QuoteState = "elsewhere"
)

// Settled says whether nothing is to be sent any more.
func (s QuoteState) Settled() bool { return s == QuoteConfirmed || s == QuoteElsewhere }

// Source says who set a price.
type Source string

// The sources of a price.
const (
	SourceFixed   Source = "fixed"
	SourceCommand Source = "command"
	SourceOwner   Source = "owner"
)

// Priced is the outcome of a price stage.
type Priced struct {
	Price  USD
	Source Source
}

// Quote is the durable record of asking a client for a price.
type Quote struct {
	OrderID string
	Price   USD
	Source  Source
	State   QuoteState
	// Tries counts how often the request was about to be sent.
	Tries  int
	SentAt time.Time
}
