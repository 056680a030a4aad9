package intake

import (
	"errors"

	"atelierd/internal/order"
)

// This file is what follows when the marketplace refuses the key, and accepts it again.

// keyIsRefused shows the owner, once, that the marketplace refuses the key.
func (p *Poller) keyIsRefused(err error) {
	if p.refused {
		return
	}
	p.refused = true
	p.o.KeyRefused(true)
	p.o.Log.Error("the marketplace refuses the key; work waits and polling slows down", "error", err,
		"hint", "replace the key; work resumes without a restart")
	p.noteErr(p.o.Store.SetAlert(order.AlertKey, "the marketplace refuses the key: "+err.Error()))
}

// keyIsAccepted ends what keyIsRefused has begun, and lets the work continue that
// waits for the key.
func (p *Poller) keyIsAccepted() {
	if !p.refused {
		return
	}
	p.refused = false
	p.o.KeyRefused(false)
	p.o.Log.Info("the marketplace accepts the key again")
	p.noteErr(p.o.Store.SetAlert(order.AlertKey, ""))
	p.noteErr(p.o.Store.RunNow(order.CodeKeyRefused))
}

func keyWasRefused(err error) bool {
	f, ok := errors.AsType[*order.Failure](err)
	return ok && (f.Code == order.CodeKeyRefused || f.Code == order.CodeForbidden)
}
