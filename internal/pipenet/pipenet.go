// Package pipenet is a network without sockets, for tests in a synctest bubble. A
// goroutine that waits for a socket keeps a bubble's time from passing. One that
// waits for a pipe does not.
//
// It must not know what is sent over it.
package pipenet

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// Listener is a net.Listener that accepts the connections of its own Dial.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	// Refuse makes each Dial fail like one to a port without a listener.
	Refuse atomic.Bool
}

// New returns a Listener. Call it inside the bubble.
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

// Dial connects to the listener and ignores the address. It has the signature of
// the DialContext of an http.Transport. A refusal is a *net.OpError, as in package
// net.
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
