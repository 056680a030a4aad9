package app

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/beat"
	"atelierd/internal/bounty"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/web"
)

// webhooks takes the marketplace's webhooks and passes them on as hints.
type webhooks struct {
	port    net.Listener
	secrets *webhookSecrets
	store   *store.Store
	poller  *intake.Poller
	watcher *bounty.Watcher
	log     *slog.Logger

	mu   sync.Mutex
	last time.Time
}

func newWebhooks(b base, a *App, c *atelier.Client, in hinted) *webhooks {
	return &webhooks{
		port: a.port, store: b.Store, poller: in.Poller, watcher: in.Watcher, log: b.Log,
		secrets: newWebhookSecrets(b, a.o.Getenv, c),
	}
}

// run serves webhooks until ctx ends. Without a port it only waits.
func (w *webhooks) run(ctx context.Context) error {
	beat.Idle(ctx)
	if w.port == nil {
		<-ctx.Done()
		return nil
	}
	w.log.Info("listening for webhooks", "address", w.port.Addr().String())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var learning sync.WaitGroup
	learning.Go(func() { w.secrets.run(ctx) })
	receiver := &web.Receiver{
		Log: w.log, Secrets: w.secrets.all, Rejected: w.secrets.rejected, Notify: w.pass,
		Record: func(e web.Event) error { return w.store.RecordWebhook(e.Webhook()) },
	}
	err := servePort(ctx, w.port, receiver)
	stop()
	receiver.Wait()
	learning.Wait()
	return err
}

// pass gives an event to the loops that it concerns. It is a hint: they look at
// the marketplace before they do anything.
func (w *webhooks) pass(e web.Event) {
	w.poller.Event(e.Name, e.OrderID)
	if e.BountyID != "" {
		w.watcher.Hint()
	}
	if w.firstOfMinute() {
		w.note(w.store.SetFact(order.FactWebhook, time.Now().UTC().Format(time.RFC3339)))
	}
	if e.PayoutFailed && e.OrderID != "" {
		w.note(w.store.Note(e.OrderID, "payout failed", "the marketplace reports that the payout failed"))
	}
}

func (w *webhooks) firstOfMinute() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.last) <= time.Minute {
		return false
	}
	w.last = time.Now()
	return true
}

func (w *webhooks) note(err error) {
	if err != nil {
		w.log.Warn("a webhook could not be recorded", "error", err)
	}
}
