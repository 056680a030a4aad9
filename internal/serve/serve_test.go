package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
)

func TestTheServerStopsInTimeDespiteOpenConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := pipenet.New()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Run(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
		}()
		for range 32 {
			c, err := l.Dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
			go func(c net.Conn) { io.Copy(io.Discard, c) }(c)
		}
		synctest.Wait()
		began := time.Now()
		cancel()
		err := <-ended
		t.Logf("stopped after %s with %v", time.Since(began), err)
		if time.Since(began) > 5*time.Second {
			t.Errorf("it took %s", time.Since(began))
		}
	})
}
