package intake

import (
	"context"
	"maps"
	"slices"
	"time"

	"atelierd/internal/order"
)

// polled is what the parts of a listing add up to.
type polled struct {
	batch   order.Batch
	catalog Catalog
	sum     order.Applied
	orders  int
	windows []string // that end without a delivery
}

// applyPart applies one part of a listing. Each order of it is a fact by itself, so a listing
// that is then cut short has done no harm. What a listing lacks shows only at its end.
func (p *Poller) applyPart(ctx context.Context, part order.Listing, got *polled) error {
	p.keyIsAccepted()
	now := time.Now()
	normalize(&part, got.batch.Earlier, now)
	p.addBounties(ctx, &part)
	b := got.batch
	b.Listing = part
	var windows ending
	windows, b.Decide = got.catalog.endingWindows(part.Orders, now)
	// First, because what was seen counts although it cannot be stored.
	p.o.Sightings.listed(part.Orders, p.polledAt)
	if !part.More {
		p.o.Sightings.endListing(p.polledAt)
	}
	sum, err := p.o.Store.Apply(b)
	if err != nil {
		return err
	}
	p.o.Polled(part, b.Complete)
	got.sum.Add(sum)
	got.orders += len(part.Orders)
	got.windows = slices.AppendSeq(got.windows, maps.Values(windows))
	if !part.More {
		return nil
	}
	got.batch.EarlierOpen += sum.Open
	if got.batch.Earlier == nil {
		got.batch.Earlier = map[string]bool{}
	}
	for _, f := range part.Orders {
		got.batch.Earlier[f.ID] = true
	}
	for _, bad := range part.Bad {
		got.batch.Earlier[bad.ID] = true
	}
	return nil
}

// normalize keeps an odd row from spoiling the whole listing. An order without a time,
// or with a future one, is taken to be placed now: the time decides whose work is most
// urgent. Of two rows with the same id the second is dropped, also in two parts.
func normalize(l *order.Listing, earlier map[string]bool, now time.Time) {
	seen := map[string]bool{}
	l.Orders = slices.DeleteFunc(l.Orders, func(f order.Facts) bool {
		twice := seen[f.ID] || earlier[f.ID]
		seen[f.ID] = true
		return twice
	})
	for i := range l.Orders {
		f := &l.Orders[i]
		if f.CreatedAt.IsZero() {
			f.CreatedAt = now
		}
		for _, past := range []*time.Time{&f.CreatedAt, &f.DeliveredAt, &f.CompletedAt} {
			if past.After(now) {
				*past = now
			}
		}
	}
}
