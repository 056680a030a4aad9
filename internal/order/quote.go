package order

import "time"

// QuoteState is the state of a quote. One in state Sending may have reached the
// marketplace.
type QuoteState string

// The states of a quote.
const (
	QuotePriced    QuoteState = "priced"
	QuoteSending   QuoteState = "sending"
	QuoteRefused   QuoteState = "refused"
	QuoteConfirmed QuoteState = "confirmed"
	// QuoteElsewhere: the order got its price, or ended, without our quote.
	QuoteElsewhere QuoteState = "elsewhere"
)

// Source is who set a price.
type Source string

// The sources of a price.
const (
	SourceFixed     Source = "fixed"
	SourceCommand   Source = "command"
	SourceAssistant Source = "assistant"
	SourceOwner     Source = "owner"
)

// Priced is the result of a price stage.
type Priced struct {
	Price  USD
	Source Source
}

// Past is what a completed order of a service was sold for, and what making it has cost.
type Past struct{ Price, Cost USD }

// Quote is the durable record of the price quoted to a client.
type Quote struct {
	OrderID string
	Price   USD
	Source  Source
	State   QuoteState
	// Tries counts the intents to send it.
	Tries  int
	SentAt time.Time
}
