package provider_test

import (
	"testing"

	"atelierd/internal/generate/provider"
)

// Another worker has another server behind the same loopback address.
func TestAServerOnTheLoopbackAddressIsLocal(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:8188": true, "http://localhost:7860/api": true, "http://LOCALHOST": true, "http://[::1]:8188": true,
		"http://0.0.0.0:8188": true, "http://192.168.1.7:8188": false, "https://api.example.com": false, "http://gpu-1:8188": false,
	} {
		p, err := provider.New(provider.Spec{Type: "http", BaseURL: address})
		if err != nil {
			t.Fatal(err)
		}
		if p.Local() != want {
			t.Errorf("%s: local is %t", address, p.Local())
		}
	}
}
