package control

import (
	"context"
	"encoding/json"
	"net"
	"net/http"

	"atelierd/internal/serve"
)

// maxPolls is how many commands may wait for a poll, or for a reload, at the same time.
const maxPolls = 16

// Serve answers commands on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, d Daemon) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.State()) })
	mux.HandleFunc("POST /wake", func(w http.ResponseWriter, _ *http.Request) {
		d.Wake()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.Handle("POST /poll", serve.Stream(maxPolls, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := d.Poll(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer(w, p)
	})))
	mux.Handle("POST /reload", serve.Stream(maxPolls, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, d.Reload()) })))
	mux.HandleFunc("POST /console/link", func(w http.ResponseWriter, r *http.Request) {
		answer(w, d.ConsoleLink(r.Context(), r.URL.Query().Get("as")))
	})
	return serve.Run(ctx, l, mux)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has left
}
