package provider_test

import (
	"testing"

	"atelierd/internal/generate/provider"
)

// Another worker has another ComfyUI behind the same loopback address. A proxy there leads to
// the same service.
func TestAServerOfTheOwnerOnTheLoopbackAddressIsLocal(t *testing.T) {
	t.Parallel()
	proxy, err := provider.New(provider.Spec{Type: "http", BaseURL: "http://127.0.0.1:8188"})
	if err != nil || proxy.Local() {
		t.Errorf("a proxy is local, %v", err)
	}
	for address, want := range map[string]bool{
		"http://127.0.0.1:8188": true, "http://localhost:7860/api": true, "http://LOCALHOST": true, "http://[::1]:8188": true,
		"http://0.0.0.0:8188": true, "http://192.168.1.7:8188": false, "https://api.example.com": false, "http://gpu-1:8188": false,
	} {
		p, err := provider.New(provider.Spec{Type: "a1111", BaseURL: address})
		if err != nil {
			t.Fatal(err)
		}
		if p.Local() != want {
			t.Errorf("%s: local is %t", address, p.Local())
		}
	}
}
