package credential

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Find reads what Save wrote without an error, and no error contains the key.
func FuzzCredentials(f *testing.F) {
	f.Add(id, key, "whsec_1")
	f.Add("", key, "")
	f.Add(guideID, `a"\`, "é")
	f.Add(" a ", "YOUR_KEY", "\x00")
	f.Fuzz(func(t *testing.T, id, rest, webhook string) {
		value := key + rest
		path := filepath.Join(t.TempDir(), "credentials.json")
		saved := Save(path, found(id, value, webhook))
		if saved != nil && strings.Contains(saved.Error(), key) && !strings.Contains(id, key) {
			t.Errorf("the error of Save reveals the key: %v", saved)
		}
		got, there, err := Find(Sources{DataFile: path})
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("the error of Find reveals the key: %v", err)
		}
		if saved == nil && (err != nil || !there || got.AgentID != strings.TrimSpace(id) ||
			got.Key.Reveal() != strings.TrimSpace(value) || got.WebhookSecret.Reveal() != strings.TrimSpace(webhook)) {
			t.Errorf("saved %q, found %q, %v, %v", id, got.AgentID, there, err)
		}
	})
}

// Whatever surrounds a key in a file, the decoders read or refuse it, never show
// it, and never ignore it in the place of a key.
func FuzzDecoders(f *testing.F) {
	f.Add(EnvAgentID+"=a\n"+EnvAPIKey+"=", "\n", false)
	f.Add("export "+EnvAPIKey+"='", "' # x\r\n"+EnvAgentID+"=a", false)
	f.Add(EnvAPIKey+": ", "", false)
	f.Add(`{"agent_id":"a","api_key":"`, `"}`, true)
	f.Add(`{"agent_id":"a","api_key":5`, `}`, true)
	f.Add(`[`, `]`, true)
	f.Fuzz(func(t *testing.T, before, after string, asJSON bool) {
		data := []byte(before + key + after)
		decode := dotEnv
		if asJSON {
			decode = jsonFile
		}
		got, there, err := decode("FILE", data)
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("the error reveals the key: %v", err)
		}
		if err == nil && there && (plain(got.AgentID, maxID) != nil || plain(got.Key.Reveal(), maxSecret) != nil ||
			got.AgentID == "" || got.Key.Empty()) {
			t.Errorf("%q was accepted: %q", data, got.AgentID)
		}
		if asJSON && !there {
			t.Errorf("%q was ignored", data)
		}
		if !asJSON && !there && strings.HasSuffix("\n"+before, "\n"+EnvAPIKey+"=") {
			t.Errorf("%q was ignored", data)
		}
	})
}

func TestADotEnvOfAnotherProgramIsIgnored(t *testing.T) {
	t.Parallel()
	s := place(t)
	for _, path := range s.DotEnv {
		if err := os.WriteFile(path, []byte("SECRET_KEY_BASE=(\n[x]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, there, err := Find(s); there || err != nil {
		t.Errorf("Find = %v, %v", there, err)
	}
}
