package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"atelierd/internal/backup"
	"atelierd/internal/config"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// TestABackupHasTheCertificates: a restored daemon with TLS has to start, and the key of the
// certificate is a secret.
func TestABackupHasTheCertificates(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	cfg := &config.Config{
		Path: filepath.Join(dir, "atelierd.toml"), Dir: dir, DataDir: storetest.Dir(t),
		Console: config.Console{Cert: filepath.Join(dir, "console.crt"), Key: filepath.Join(other, "console.key")},
		NATS:    config.NATS{CAFile: filepath.Join(dir, "nats.crt")},
	}
	for _, file := range []string{cfg.Path, cfg.Console.Cert, cfg.Console.Key, cfg.NATS.CAFile} {
		if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(store.Options{Dir: cfg.DataDir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	src, err := BackupSource(cfg, nil, st)
	if err != nil {
		t.Fatal(err)
	}
	for file, secret := range map[string]bool{cfg.Console.Cert: false, cfg.Console.Key: true, cfg.NATS.CAFile: false} {
		at := slices.IndexFunc(src.Files, func(f backup.File) bool { return f.Path == file })
		if at < 0 || src.Files[at].Secret != secret {
			t.Errorf("%s, which is secret: %v, is missing or otherwise in %+v", filepath.Base(file), secret, src.Files)
		}
	}
}
