package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/config"
	"atelierd/internal/secret"
)

// TestEverySecretOfTheDaemonIsKnown guards that none is forgotten where secrets are
// looked for, and that one that was replaced is known at once.
func TestEverySecretOfTheDaemonIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(credentialsFile, `{"agent_id":"a","api_key":"atelier_key-of-the-agent","webhook_secret":"whsec_registered"}`)
	cfg := &config.Config{
		Dir: dir, DataDir: dir, Webhook: config.Webhook{Secret: config.Secret{File: write("webhook", "whsec_configured")}},
		Generators: map[string]config.Generator{
			"remote": {Type: "openai", Key: config.Secret{File: write("remote.key", "sk-of-the-provider")}},
			"comfy":  {Type: "comfyui", PartnerKey: config.Secret{File: write("partner.key", "comfyui-of-the-partner")}},
			"own":    {Type: config.TypeExec, Env: []string{"OWN_TOKEN=token-of-the-program", "AUTH_MODE=disabled"}},
		},
		Notify:   []config.Notify{{Name: "phone", Token: config.Secret{File: write("phone.token", "token-of-the-phone")}, Address: config.Secret{File: write("phone.url", "https://phone.test/secret-topic")}}},
		Ping:     config.Ping{Secret: config.Secret{File: write("ping.url", "https://monitor.test/uuid-of-the-check")}},
		Services: []config.Service{{Quote: &config.Quote{Env: []string{"PRICE_KEY=key-of-the-pricing"}}}},
	}
	c, _, err := FindCredentials(cfg, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	c.learn(secret.New("whsec_of-the-profile"))
	client, err := clientOptions(cfg, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range []string{
		"atelier_key-of-the-agent", "whsec_registered", "whsec_configured", "whsec_of-the-profile",
		"sk-of-the-provider", "comfyui-of-the-partner", "token-of-the-program", "key-of-the-pricing",
		"token-of-the-phone", "https://phone.test/secret-topic", "https://monitor.test/uuid-of-the-check",
	} {
		if name := secretIn(cfg, c, "("+each+")"); name == "" || strings.Contains(name, each) {
			t.Errorf("%s is %q", each, name)
		}
		if text := client.Clean("the marketplace says " + each); strings.Contains(text, each) {
			t.Errorf("an error of the marketplace's client has it: %s", text)
		}
	}
	if name := secretIn(cfg, c, "the mode is disabled"); name != "" {
		t.Errorf("an ordinary word is %s", name)
	}
	files := KeyFiles(cfg, c)
	for _, name := range []string{credentialsFile, "webhook", "remote.key", "partner.key", "phone.token", "phone.url", "ping.url"} {
		if !slices.Contains(files, filepath.Join(dir, name)) {
			t.Errorf("%s is not hidden from isolated programs", name)
		}
	}
	write("remote.key", "sk-the-next-one")
	if secretIn(cfg, c, "sk-the-next-one") == "" {
		t.Error("a replaced key is not known")
	}
}
