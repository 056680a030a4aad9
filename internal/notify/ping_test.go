package notify_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"atelierd/internal/notify"
	"atelierd/internal/secret"
)

// TestAnAddressIsCalledAndNotShown guards the signs of life: /fail goes into the path before
// a query, and an error shows no part of the secret address.
func TestAnAddressIsCalledAndNotShown(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.RequestURI())
		if strings.HasSuffix(r.URL.Path, "gone") {
			http.Error(w, "no check s3cr3t-uuid", http.StatusNotFound)
		}
	}))
	defer server.Close()
	at := func(path string) notify.Address {
		return notify.NewAddress(func() (secret.Text, error) { return secret.New(server.URL + path), nil })
	}
	for _, each := range [][2]string{{"/s3cr3t-uuid", ""}, {"/s3cr3t-uuid", "fail"}, {"/s3cr3t-uuid/?a=b", "fail"}} {
		if err := at(each[0]).Get(t.Context(), each[1]); err != nil {
			t.Error(err)
		}
	}
	want := "GET /s3cr3t-uuid, GET /s3cr3t-uuid/fail, GET /s3cr3t-uuid/fail?a=b"
	if calls := strings.Join(got, ", "); calls != want {
		t.Errorf("the calls are %s, want %s", calls, want)
	}
	err := at("/s3cr3t-uuid/gone").Get(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "404") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a refused call is %v", err)
	}
	server.Close()
	if err := at("/s3cr3t-uuid").Get(t.Context(), ""); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a call without an answer is %v", err)
	}
}
