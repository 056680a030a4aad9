package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/store/storetest"
)

// breaking is a listener that fails for good at a wish.
type breaking struct {
	broken chan struct{}
	once   sync.Once
}

func (b *breaking) Accept() (net.Conn, error) {
	<-b.broken
	return nil, errors.New("the listener is broken")
}

func (b *breaking) Close() error {
	b.once.Do(func() { close(b.broken) })
	return nil
}

func (b *breaking) Addr() net.Addr { return &net.TCPAddr{} }

// TestAMonitorLearnsOfAnInternalErrorAndOfNoStop guards the pings of a real daemon: one after
// a good poll, and /fail when a loop ends the process, but not when the owner does.
func TestAMonitorLearnsOfAnInternalErrorAndOfNoStop(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"an internal error": true, "a stop": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := make(chan string, 10)
			monitor := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.URL.Path }))
			defer monitor.Close()
			r := newRestarts(t, storetest.Dir(t))
			r.cfg.Ping.URL, r.cfg.Webhook.Listen = monitor.URL+"/check", "webhooks"
			r.cfg.Bounties.Interval, r.cfg.Messages.Interval, r.cfg.Messages.WindowInterval = time.Hour, time.Hour, time.Hour
			l := &breaking{broken: make(chan struct{})}
			a, err := Open(t.Context(), Options{
				Config: &r.cfg, Getenv: r.getenv, Transport: straight{r.market},
				Listen:     func(string, string) (net.Listener, error) { return l, nil },
				Generators: map[string]fulfill.Generator{"studio": {Name: "studio", Backend: &slowProvider{}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }()
			if path := <-calls; path != "/check" {
				t.Errorf("the first call is %s", path)
			}
			if fails {
				l.Close()
			} else {
				stop()
			}
			if err := <-ended; fails != (err != nil) {
				t.Errorf("the run ends with %v", err)
			}
			close(calls)
			var more []string
			for path := range calls {
				more = append(more, path)
			}
			if fails != (len(more) == 1 && more[0] == "/check/fail") || !fails && len(more) > 0 {
				t.Errorf("at its end the calls are %q", more)
			}
		})
	}
}
