package order

import "time"

// Shown is what an answer of the marketplace shows of the files of an order.
type Shown string

// What an answer can show.
const (
	// ShownUnknown: a listing without files, or an answer that has no such field,
	// shows nothing either way.
	ShownUnknown Shown = ""
	// ShownFiles: the client sees files.
	ShownFiles Shown = "files"
	// ShownNone: the order was read alone and has no file. Whatever its status is, it
	// is still to be delivered.
	ShownNone Shown = "none"
)

// PaidWindow is how a service serves the paid window of a subscription. Its zero value
// is a service without one.
type PaidWindow struct {
	// Length is the length of the window where the marketplace does not say its end.
	Length time.Duration
	// Margin is how long before the end of a window it is delivered. 0 is the larger
	// of 30 minutes and 5 percent of the window.
	Margin time.Duration
	// Making is the most time that a generator takes to make a piece.
	Making time.Duration
}

// WindowPlan is when a window is served, from its earliest time to its latest.
type WindowPlan struct {
	// Brief is when a piece is made from the brief if nothing was asked for.
	Brief time.Time
	// Deliver is when the window is delivered.
	Deliver time.Time
	// Last is until when the delivery waits for pieces that are being made.
	Last time.Time
	// End is when the window ends.
	End time.Time
}

// minMargin is the least default margin.
const minMargin = 30 * time.Minute

// Plan returns the plan of a window. A window that ends before it is delivered is
// not paid for, so the delivery comes before the end.
func (w PaidWindow) Plan(begin, end time.Time) WindowPlan {
	length := end.Sub(begin)
	if w.Length > 0 && (begin.IsZero() || length > w.Length) {
		length = w.Length
	}
	margin := w.Margin
	if margin == 0 {
		margin = max(minMargin, length/20)
	}
	margin = min(margin, max(length/2, 0))
	return WindowPlan{
		Brief:   end.Add(-2*margin - w.Making),
		Deliver: end.Add(-margin),
		Last:    end.Add(-margin / 2),
		End:     end,
	}
}
