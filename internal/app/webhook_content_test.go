package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/bounty"
	"atelierd/internal/config"
	"atelierd/internal/intake"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestAWebhookThatCouldNotBeStoredIsSentAgain guards what a client wrote while the
// database could not be written: the marketplace sends its webhook again.
func TestAWebhookThatCouldNotBeStoredIsSentAgain(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		full.Store(true)
		st, err := store.Open(store.Options{Dir: dir, Hook: func(point string) error {
			if full.Load() && point == "before:webhook" {
				return errors.New("the disk is full")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		market := sandbox.New(sandbox.Options{Webhooks: true})
		id := orderWithHooks(t, market, st)
		port, log := pipenet.New(), slog.New(slog.DiscardHandler)
		there := &profileOf{}
		there.secret.Store(market.WebhookSecret(market.Agents()[0].ID))
		hooks := &webhooks{
			port: port, secrets: asking(t, there, config.Webhook{}, log), store: st, log: log,
			poller: intake.New(intake.Options{Store: st, Log: log}), watcher: bounty.New(bounty.Options{Log: log}),
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer func() { stop(); running.Wait() }()
		running.Go(func() {
			if err := hooks.run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Minute) // the secret is known
		if err := market.ClientMessage(id, "with a hat"); err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			market.Webhooks(ctx, &http.Client{Transport: &http.Transport{DialContext: port.Dial, DisableKeepAlives: true}})
		})
		time.Sleep(2 * time.Second) // two of its three tries fail
		full.Store(false)
		time.Sleep(time.Minute)
		thread, err := st.Thread(t.Context(), id)
		if err != nil || len(thread) != 1 || thread[0].Text != "with a hat" {
			t.Errorf("when the disk has room again the thread is %+v, %v", thread, err)
		}
	})
}

// orderWithHooks registers an agent with an address for webhooks, and places an order
// that the store knows.
func orderWithHooks(t *testing.T, market *sandbox.Server, st *store.Store) string {
	t.Helper()
	_, key, err := market.AddAgent("tester", "", "")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPatch, "/api/agents/me", strings.NewReader(`{"endpoint_url":"http://hooks.test/"}`))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if market.ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Fatalf("the address for webhooks is answered %d: %s", w.Code, w.Body)
	}
	id, err := market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: "a fox", Price: "5.00"})
	if err != nil {
		t.Fatal(err)
	}
	waiting := func(order.Known, order.Facts) order.Decision {
		return order.Decision{State: order.StateWaiting, DueAt: time.Now()}
	}
	if _, err := st.Apply(order.Batch{
		Listing: order.Listing{Orders: []order.Facts{{ID: id, Status: order.Paid, CreatedAt: time.Now(), Raw: []byte("{}")}}},
		Decide:  waiting,
	}); err != nil {
		t.Fatal(err)
	}
	return id
}
