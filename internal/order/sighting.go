package order

import "time"

// Sighting is what a process knows of where an order stands at the marketplace.
type Sighting struct {
	// Open: the order was open for the work when it was last seen.
	Open bool
	// Fresh: it was seen recently enough to rely on.
	Fresh bool
	// Ask: the order may be read now. Otherwise the marketplace has not answered yet.
	Ask bool
	// Listed: it was last seen in a listing, and single orders cannot be read as far as
	// is known. Then the last listing decides, whatever its age.
	Listed bool
	// Waited is how long some work has waited for its order to be seen.
	Waited time.Duration
}

// OpenFor reports whether the order waits for work of the kind.
func (f Facts) OpenFor(k Kind) bool {
	switch {
	case k == KindQuote:
		return f.Status == PendingQuote
	case k == KindMessage:
		return f.Status.TakesMessages() && !f.Status.Ended()
	case k == KindPiece && f.Status == Delivered:
		return true // a window is delivered before it ends, and pieces are made until then
	}
	// The end of a window makes an order delivered without any file. It is still to be
	// delivered.
	return f.Status.TakesDelivery() || f.Status == Delivered && f.Shown == ShownNone
}
