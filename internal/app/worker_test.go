package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"atelierd/internal/config"
	"atelierd/internal/credential"
)

func TestAWorkerDoesNotStartNextToAKeyOfTheMarketplace(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	inEnvironment := func(name string) string {
		return map[string]string{credential.EnvAgentID: "agent_1", credential.EnvAPIKey: "atelier_0123456789abcdef0123456789abcdef"}[name]
	}
	for name, c := range map[string]struct {
		getenv func(string) string
		file   string
	}{
		"in the environment": {inEnvironment, ""},
		"in a .env file":     {none, ".env"},
		"half of it":         {func(name string) string { return map[string]string{credential.EnvAPIKey: "atelier_1"}[name] }, ""},
	} {
		dir := t.TempDir()
		if c.file != "" {
			text := credential.EnvAgentID + "=agent_1\n" + credential.EnvAPIKey + "=atelier_0123456789abcdef0123456789abcdef\n"
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w := &config.Worker{Dir: dir, DataDir: filepath.Join(dir, "data"), Name: "w1"}
		if _, _, err := OpenWorker(w, slog.New(slog.DiscardHandler), c.getenv, "test"); !errors.Is(err, ErrMarketKey) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
