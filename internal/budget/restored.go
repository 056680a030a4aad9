package budget

import (
	"context"
	"time"

	"atelierd/internal/order"
)

// UseUp counts every window as used up from now on: a ledger that was restored does not
// know what was sent in the last hour. What is shared knows that. store makes it durable.
func (b *Budget) UseUp(ctx context.Context, store func([]order.Window) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.together(ctx, func() error { return b.useUp(store) })
}

func (b *Budget) useUp(store func([]order.Window) error) error {
	if b.known && b.failed == nil {
		return store(b.all())
	}
	now, most := time.Now(), 0
	var used []order.Window
	for call, ceiling := range b.limits.Ceilings {
		w := b.open(string(call), now)
		w.Used, most = max(w.Used, ceiling), max(most, ceiling)
		used = append(used, w.Window)
	}
	all := b.open(order.ScopeAll, now)
	all.Used = max(all.Used, most)
	return store(append(used, all.Window))
}

// all returns all windows as they are.
func (b *Budget) all() (list []order.Window) {
	for _, w := range b.windows {
		list = append(list, w.Window)
	}
	return list
}
