// Package pipenet is a network without sockets, for tests in a synctest bubble:
// a goroutine that waits for a socket would keep the simulated time from
// passing. It must not know what is sent over it.
package pipenet

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// Listener is a net.Listener whose connections come from its own Dial.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	// Refuse makes each Dial fail, as one to a port that nobody listens on.
	Refuse atomic.Bool
}

// New makes a Listener; make it inside the bubble.
func New() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// Dial connects to the listener, whatever the address; it fits the DialContext
// of an http.Transport. A refusal has the form that package net gives it.
func (l *Listener) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	if l.Refuse.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: l.Addr(), Err: errors.New("connection refused")}
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
