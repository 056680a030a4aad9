package fulfill

import (
	"context"

	"atelierd/internal/order"
)

// blocked returns why nothing is made or quoted for the order's client; nil if something is.
func (f *Fulfiller) blocked(o order.Order) *order.Failure {
	if o.ClientApproved || !f.o.Clients().Blocks(o.ClientAgent, o.ClientWallet) {
		return nil
	}
	return order.BlockedClient()
}

// allowed returns nil if the owner's rules for clients let work on an order begin.
func (f *Fulfiller) allowed(ctx context.Context, j order.Job, o order.Order) error {
	if why := f.blocked(o); why != nil {
		return why
	}
	most := f.o.Clients().MaxOpen
	if most == 0 || o.ClientApproved || j.Kind != order.KindDelivery {
		return nil
	}
	ahead, err := f.o.Store.ClientAhead(ctx, o.ID)
	if err != nil || ahead < most {
		return err
	}
	return order.ClientAtWork(ahead, most)
}
