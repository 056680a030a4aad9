package main

import (
	"context"
	"net"
	"time"

	"atelierd/internal/sandbox"
)

// demoMarket is the marketplace of a demo, on a free port of this machine.
type demoMarket struct {
	*sandbox.Server
	address string
	stop    context.CancelFunc
	done    chan struct{}
	ended   chan error // gets what ended it before it was closed
}

func openDemoMarket(f demoFolder, seed uint64) (*demoMarket, error) {
	window, err := time.ParseDuration(demoWindow)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &demoMarket{address: l.Addr().String(), stop: stop, done: make(chan struct{}), ended: make(chan error, 1),
		// One count for all calls, as the deployed marketplace keeps it; only its
		// window is shorter, or 30 requests would have to do for the whole demo.
		Server: sandbox.New(sandbox.Options{Seed: seed, Shared: true, Window: window, UploadDir: f.uploads()})}
	go func() {
		defer close(m.done)
		if err := serveHTTP(ctx, l, m.Server); err != nil {
			m.ended <- err
		}
	}()
	return m, nil
}

func (m *demoMarket) close() {
	m.stop()
	<-m.done
}
