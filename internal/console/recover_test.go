package console

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAPageThatPanicsIsAnsweredAndLogged guards the owner against a page that only breaks
// the connection, and leaves no trace in the log.
func TestAPageThatPanicsIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := &console{Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	w := httptest.NewRecorder()
	c.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") })).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/orders", nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "a fault") || !strings.Contains(log.String(), "/orders") || strings.Contains(w.Body.String(), "fault") {
		t.Errorf("it answers %d %q and logs %s", w.Code, w.Body, &log)
	}
}
