package credential

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Save wrote without complaint Find reads, and no error holds the key.
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
			t.Errorf("the error of Save gives the key away: %v", saved)
		}
		got, there, err := Find(Sources{DataFile: path})
		if err != nil && strings.Contains(err.Error(), key) {
			t.Errorf("the error of Find gives the key away: %v", err)
		}
		if saved == nil && (err != nil || !there || got.AgentID != strings.TrimSpace(id) ||
			got.Key.Reveal() != strings.TrimSpace(value) || got.WebhookSecret.Reveal() != strings.TrimSpace(webhook)) {
			t.Errorf("saved %q, found %q, %v, %v", id, got.AgentID, there, err)
		}
	})
}

// Whatever stands around a key in a file, it is read or refused, never shown,
// and never taken for nothing when it stands where a key belongs.
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
			t.Errorf("the error gives the key away: %v", err)
		}
		if err == nil && there && (plain(got.AgentID, maxID) != nil || plain(got.Key.Reveal(), maxSecret) != nil ||
			got.AgentID == "" || got.Key.Empty()) {
			t.Errorf("%q was taken: %q", data, got.AgentID)
		}
		if asJSON && !there {
			t.Errorf("%q was taken for nothing", data)
		}
		if !asJSON && !there && strings.HasSuffix("\n"+before, "\n"+EnvAPIKey+"=") {
			t.Errorf("%q was taken for nothing", data)
		}
	})
}

func TestAFileOfOthersIsNoGarbage(t *testing.T) {
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
