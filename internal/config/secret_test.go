package config

import (
	"slices"
	"strings"
	"testing"
)

// everySecret names the place of each secret that a configuration can name.
const everySecret = `
[agent]
key_credential = "c.agent"
[webhook]
listen = "127.0.0.1:1"
secret_credential = "c.hook"
[ping]
url_credential = "c.ping"
[generator.comfy]
type = "comfyui"
base_url = "http://127.0.0.1:8188"
workflow = "w.json"
key_credential = "c.key"
partner_key_credential = "c.partner"
[[notify]]
type = "ntfy"
url_credential = "c.topic"
token_credential = "c.token"
[[notify]]
type = "email"
server = "smtp.example.com:587"
from = "a@x.example"
to = ["b@x.example"]
user = "a"
password_credential = "c.password"
`

func TestEverySecretCanBeACredentialOfSystemd(t *testing.T) {
	t.Parallel()
	agent, rest, _ := strings.Cut(everySecret, "[webhook]")
	text := changed(t, painted, "[agent]\n", strings.TrimSpace(agent)+"\n") + "[webhook]" + rest
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Secrets() {
		if s.Credential != "" {
			got = append(got, s.Credential)
		}
	}
	slices.Sort(got)
	want := []string{"c.agent", "c.hook", "c.key", "c.partner", "c.password", "c.ping", "c.token", "c.topic"}
	if !slices.Equal(got, want) {
		t.Errorf("the credentials are %q, want %q", got, want)
	}
	for _, name := range want {
		for _, wrong := range []string{"../" + name, "/etc/" + name, ".." + name, "a b"} {
			bad := changed(t, text, `"`+name+`"`, `"`+wrong+`"`)
			if got := texts(t, bad); !strings.Contains(got, "_credential: is not the name of a credential") || strings.Contains(got, wrong) {
				t.Errorf("%q: %s", wrong, got)
			}
		}
		line := `_credential = "` + name + `"`
		if two := strings.Index(text, line); name != "c.agent" {
			key := text[strings.LastIndexByte(text[:two], '\n')+1 : two]
			got := texts(t, changed(t, text, line, line+"\n"+key+`_file = "x"`))
			if !strings.Contains(got, key+"_credential: is set next to "+key+"_file; remove one of them") {
				t.Errorf("two places of one secret: %s", got)
			}
		}
	}
}

func TestAFileOfTheSystemHasTheDataFolderOfItsUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dir, file, want string }{
		{"/etc/atelierd", "atelierd.toml", "/var/lib/atelierd"},
		{"/etc/atelierd", "second.toml", "/var/lib/atelierd-second"},
		{"/home/me", "atelierd.toml", "/home/me/atelierd-data"},
	} {
		if got := defaultData(c.dir, c.file); got != c.want {
			t.Errorf("%s/%s: %s, want %s", c.dir, c.file, got, c.want)
		}
	}
}
