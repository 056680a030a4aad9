// Package serve serves HTTP on one listener. It bounds the connections, cuts off slow
// senders, and ends everything at a stop. An answer that lasts is a stream, and only a few
// of those are open at a time.
//
// It must not know what is served, or to whom.
package serve

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options are how a listener is served. The zero value suits a few programs that ask.
type Options struct {
	// Conns is the most connections at the same time; 0 is 32. The marketplace needs one
	// or two, an owner a few more.
	Conns int
	// TLS encrypts the connections; nil leaves them plain.
	TLS *tls.Config
	// Log gets at debug which connections failed; nil is the default log.
	Log *slog.Logger
}

// stopKey is the key of a request's context for the context that ends at the stop.
type stopKey struct{}

// Run serves h on l with the zero value of Options.
func Run(ctx context.Context, l net.Listener, h http.Handler) error { return Options{}.Run(ctx, l, h) }

// Run serves h on l until ctx is cancelled, then stops within 5 seconds. Streams end at
// once, and other requests may finish.
func (o Options) Run(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
		// Requests outlive ctx, so that they can finish.
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.WithoutCancel(ctx), stopKey{}, ctx)
		},
	}
	if o.Log != nil {
		server.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	}
	ended := make(chan error, 1)
	go func() {
		l := &limited{Listener: l, free: make(chan struct{}, cmp.Or(o.Conns, 32)), closed: make(chan struct{})}
		if o.TLS == nil {
			ended <- server.Serve(l)
			return
		}
		server.TLSConfig = o.TLS
		ended <- server.ServeTLS(l, "", "")
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // whoever has no answer asks again
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// limited is a listener that accepts at most cap(free) connections at a time.
type limited struct {
	net.Listener
	free   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &conn{Conn: c, release: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close also ends an Accept that waits for a free place.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type conn struct {
	net.Conn
	release func()
}

func (c *conn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
