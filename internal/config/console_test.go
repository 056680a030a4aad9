package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAConsoleThatOthersReachIsEncrypted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`listen = "127.0.0.1:8378"`: "",
		`listen = "[::1]:8378"`:     "",
		`listen = "localhost:8378"`: "",
		"":                          "",
		`listen = "0.0.0.0:8378"`:   "is reachable from other machines without encryption",
		`listen = ":8378"`:          `write "127.0.0.1:8378" and use an SSH tunnel`,
		`listen = "[::]:8378"`:      "is reachable",
		`listen = "10.0.0.1:8378"`:  "is reachable",
		`listen = "a.example:8378"`: "is reachable",
		`listen = ":8378"
public_url = "https://c.example"`: "is reachable",
		`listen = "localhost"`: "is not a host and a port",
		`listen = ":8378"
behind_proxy = true`: "console.public_url: is missing",
		`listen = "127.0.0.1:8378"
behind_proxy = true`: "console.public_url: is missing",
		`listen = ":8378"
behind_proxy = true
public_url = "https://c.example"`: "",
		`listen = ":8378"
tls_cert = "c.crt"
tls_key = "c.key"`: "console.public_url: is missing",
		`listen = ":8378"
tls_cert = "c.crt"
tls_key = "c.key"
public_url = "https://c.example:8378"`: "",
		`listen = "127.0.0.1:8378"
tls_cert = "c.crt"`: "has one of tls_cert and tls_key",
		`listen = "127.0.0.1:8378"
tls_cert = "c.crt"
tls_key = "c.key"
public_url = "http://c.example"`: "is http, but the console has a certificate",
		`listen = "127.0.0.1:8378"
public_url = "https://c.example"`: "nothing here ends TLS",
		`listen = "unix:/run/c.sock"`: "console.public_url: is missing",
		`listen = "unix:"`:            "names no socket",
		`listen = "unix:c.sock"
public_url = "https://c.example"`: "",
		`listen = "127.0.0.1:8378"
public_url = "https://c.example/console"
behind_proxy = true`: "has more than a host",
		`listen = "127.0.0.1:8378"
public_url = "c.example"
behind_proxy = true`: "is not a URL",
		`listen = "127.0.0.1:8378"
behind_proxy = "yes"`: "is a string; write true or false",
		`tls = true`: "unknown key",
	} {
		got := problems(t, good+"\n[console]\n"+text+"\n")
		if (want == "") != (len(got) == 0) || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%s\ngives %q, want %q", text, got, want)
		}
	}
}

func TestTheConsoleMeetsNoOtherListener(t *testing.T) {
	t.Parallel()
	got := problems(t, good+"\n[metrics]\nlisten = \"127.0.0.1:9\"\n[console]\nlisten = \"127.0.0.1:9\"\n")
	if len(got) != 1 || !strings.Contains(got[0], "console.listen: is the address of metrics.listen as well") {
		t.Errorf("the problems are %q", got)
	}
}

func TestBrowsersFindTheConsoleUnderItsName(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]struct {
		host   string
		secure bool
	}{
		"https://c.example":      {"c.example", true},
		"https://C.example:443/": {"c.example", true},
		"https://c.example:8378": {"c.example:8378", true},
		"http://c.example:80":    {"c.example", false},
		"http://[::1]:8378":      {"[::1]:8378", false},
		"":                       {"", false},
	} {
		c := Console{PublicURL: strings.TrimSuffix(strings.ToLower(address), "/")}
		if c.Host() != want.host || c.Secure() != want.secure {
			t.Errorf("%s: %s, %t", address, c.Host(), c.Secure())
		}
	}
	dir := t.TempDir()
	c, wrong := parse([]byte(good+"\n[console]\nlisten = \"unix:c.sock\"\npublic_url = \"https://C.example/\"\n[mcp]\nallow = [\"approve\"]\n"), dir)
	if len(wrong) > 0 || c.Console.Socket() != filepath.Join(dir, "c.sock") || c.Console.PublicURL != "https://c.example" || len(c.MCP.Allow) != 1 {
		t.Errorf("it is %+v, %+v, %v", c.Console, c.MCP, wrong)
	}
}

func TestAnUnknownToolForAgentsIsAMistake(t *testing.T) {
	t.Parallel()
	got := problems(t, good+"\n[mcp]\nallow = [\"approve\", \"deliver\", \"launch\"]\n")
	if len(got) != 2 || !strings.Contains(got[0], `"deliver" is no tool that changes something; write some of approve, redo`) {
		t.Errorf("the problems are %q", got)
	}
}
