package demo

import (
	"context"
	"net"
	"net/http"
	"time"

	"atelierd/internal/sandbox"
)

// market is the marketplace of a demo, on a free port of this machine.
type market struct {
	*sandbox.Server
	address string
	stop    context.CancelFunc
	done    chan struct{}
	ended   chan error // receives the error that ended it before it was closed
}

func openMarket(f folder, seed uint64) (*market, error) {
	window, err := time.ParseDuration(window)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &market{
		address: l.Addr().String(), stop: stop, done: make(chan struct{}), ended: make(chan error, 1),
		// It counts all requests together, as the deployed marketplace does, but in a
		// shorter window: otherwise the whole demo would have 30 requests.
		Server: sandbox.New(sandbox.Options{Seed: seed, Window: window, UploadDir: f.uploads(), Webhooks: true}),
	}
	hooks := make(chan struct{})
	go func() {
		defer close(hooks)
		m.Webhooks(ctx, http.DefaultClient)
	}()
	go func() {
		defer close(m.done)
		defer func() { <-hooks }()
		if err := m.Server.Serve(ctx, l); err != nil {
			m.ended <- err
		}
	}()
	return m, nil
}

func (m *market) close() {
	m.stop()
	<-m.done
}
