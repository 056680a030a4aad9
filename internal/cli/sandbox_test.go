package cli

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWebhooksOfASandboxStayOnThisMachine(t *testing.T) {
	t.Parallel()
	here := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(here.Close)
	client := http.Client{Transport: onThisMachine{}}
	for address, sent := range map[string]bool{here.URL: true, "http://192.0.2.1:9/": false, "https://agent.test/": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != sent {
			t.Errorf("%s: %v, sent should be %v", address, err, sent)
		}
	}
}
