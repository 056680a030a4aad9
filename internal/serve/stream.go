package serve

import (
	"context"
	"net/http"
	"time"
)

// Stream returns a handler for answers that last, such as progress: they have no write
// timeout, and most of them are open at a time. One more gets the status 503. The context
// of a request ends when the client leaves and at the stop of Run.
func Stream(most int, h http.Handler) http.Handler {
	free := make(chan struct{}, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
		default:
			http.Error(w, "too many of these requests are open; try again later", http.StatusServiceUnavailable)
			return
		}
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			http.Error(w, "this connection cannot carry a stream", http.StatusInternalServerError)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if stop, ok := ctx.Value(stopKey{}).(context.Context); ok {
			defer context.AfterFunc(stop, cancel)()
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}
