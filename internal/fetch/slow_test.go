package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
)

// drip returns a client in a bubble. Its server never answers, or sends one byte a
// second if begin is set.
func drip(t *testing.T, o Options, begin bool) *Client {
	l := pipenet.New()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for begin {
			if _, err := io.WriteString(w, "."); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-r.Context().Done():
				return
			}
		}
		<-r.Context().Done()
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	o.Transport = &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}
	o.Trusted = []string{"files.example:8188"}
	return New(o)
}

const slow = "http://files.example:8188/a?sig=hunter2"

func TestASlowServerTimesOut(t *testing.T) {
	t.Parallel()
	for want, o := range map[time.Duration]Options{30 * time.Second: {}, 5 * time.Second: {Timeout: 5 * time.Second}} {
		for _, begin := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				n, err := drip(t, o, begin).Fetch(t.Context(), slow, io.Discard)
				if took := time.Since(start); took != want || !Temporary(err) || begin != (n > 0) {
					t.Errorf("begun %t: after %s: %d, %v", begin, took, n, err)
				}
				discreet(t, err, "files.example:8188")
			})
		}
	}
}

func TestACancelledFetchIsNotTemporary(t *testing.T) {
	t.Parallel()
	for _, begin := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("the daemon is stopping")
			time.AfterFunc(3*time.Second, func() { cancel(why) })
			start := time.Now()
			_, err := drip(t, Options{}, begin).Fetch(ctx, slow, io.Discard)
			if took := time.Since(start); took != 3*time.Second {
				t.Errorf("after %s", took)
			}
			if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || Temporary(err) || Gone(err) {
				t.Errorf("got %v", err)
			}
			discreet(t, err, "files.example:8188")
		})
	}
}

func TestADeadlineOfTheCallerIsTemporary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := drip(t, Options{}, true).Fetch(ctx, slow, io.Discard)
		if !errors.Is(err, context.DeadlineExceeded) || !Temporary(err) {
			t.Errorf("got %v", err)
		}
	})
}
