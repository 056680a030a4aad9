package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

func TestAModelThatEndsIsReportedUntilItDoesNot(t *testing.T) {
	t.Parallel()
	var list atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/models" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, list.Load())
	}))
	defer server.Close()
	st, err := store.Open(store.Options{Dir: storetest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	backend, err := provider.New(provider.Spec{
		Type: "openai", BaseURL: server.URL, Model: "m", Key: func() (secret.Text, error) { return secret.New("k"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	now := &live{
		&config.Config{Generators: map[string]config.Generator{"studio": {Model: "m"}}},
		&Services{generators: map[string]fulfill.Generator{"studio": {Backend: backend}}},
	}
	if err := st.SetAlert(order.ModelAlert("removed"), "an old one"); err != nil {
		t.Fatal(err)
	}
	soon, later := time.Now().AddDate(0, 0, 5).UTC().Format(time.DateOnly), time.Now().AddDate(0, 0, 90).UTC().Format(time.DateOnly)
	for _, step := range []struct{ name, list, want string }{
		{"never listed", `{"data":[{"id":"x"}]}`, ""},
		{"listed", `{"data":[{"id":"m"}]}`, ""},
		{"ends in months", `{"data":[{"id":"m","shutdown_date":"` + later + `"}]}`, ""},
		{"ends in days", `{"data":[{"id":"m","shutdown_date":"` + soon + `"}]}`, "the provider shuts down the model m on " + soon},
		{"an answer that is no list", `odd`, "the provider shuts down the model m on " + soon},
		{"no longer listed", `{"data":[{"id":"x"}]}`, "the provider no longer lists the model m"},
		{"listed again", `{"data":[{"id":"m"}]}`, ""},
	} {
		list.Store(step.list)
		if err := checkModels(t.Context(), now, st, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if got := reported(t, st); got != step.want {
			t.Errorf("%s: %q is reported, want %q", step.name, got, step.want)
		}
	}
}

// reported returns what the owner sees of generators.
func reported(t *testing.T, st *store.Store) string {
	t.Helper()
	status, err := st.Status(context.Background(), time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, each := range status.Attention {
		if each.What != "generator" || each.State != "ending" || each.Code != order.ModelAlert(each.ID).Code() {
			t.Errorf("shown is %+v", each)
		}
		text += each.Reason
	}
	return text
}
