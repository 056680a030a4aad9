package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loadStorage loads a configuration that is complete, with a [storage].
func loadStorage(t *testing.T, storage, service string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	text := `data_dir = "./data"
[agent]
name = "Lumen Studio"
description = "Pictures and short films, made to order."
endpoint_url = "https://lumen.example.com"
capabilities = ["image_gen"]
payout_wallet = "So11111111111111111111111111111111111111112"
[generator.studio]
type = "canvas"
` + storage + `
[[service]]
title = "One picture"
description = "A picture of whatever you describe, as a file."
category = "image_gen"
price_usd = "5.00"
generator = "studio"
` + service
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path)
}

func TestAStorageIsReadWithItsDefaults(t *testing.T) {
	t.Parallel()
	cfg, err := loadStorage(t, `[storage]
type = "s3"
endpoint = "https://account.r2.cloudflarestorage.com/"
bucket = "deliveries"
region = "auto"
prefix = "lumen"
access_key_env = "S3_ACCESS"
secret_key_env = "S3_SECRET"
public_url = "https://files.example.com/"
`, "")
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Storage
	if !s.On() || s.Prefix != "lumen/" || s.PublicURL != "https://files.example.com" || s.Endpoint != "https://account.r2.cloudflarestorage.com" ||
		s.Keep != 90*24*time.Hour || s.AccessKey.Env != "S3_ACCESS" || len(cfg.Warnings()) != 0 {
		t.Errorf("%+v, %q", s, cfg.Warnings())
	}
	named := map[string]bool{}
	for _, secret := range cfg.Secrets() {
		named[secret.Env] = true
	}
	if !named["S3_ACCESS"] || !named["S3_SECRET"] {
		t.Errorf("the secrets are %v", cfg.Secrets())
	}
	if cfg, err = loadStorage(t, "[storage]\n", ""); err != nil || cfg.Storage.On() {
		t.Errorf("%v; without a key there is %+v", err, cfg.Storage)
	}
}

func TestAServiceChoosesItsStorage(t *testing.T) {
	t.Parallel()
	folder := "[storage]\ntype = \"folder\"\npath = \"/srv/www/deliveries\"\npublic_url = \"https://files.example.com/deliveries\"\n"
	cfg, err := loadStorage(t, folder, "storage = \"marketplace\"\n")
	if err != nil || cfg.Services[0].Storage != StorageMarketplace || cfg.Storage.Path != "/srv/www/deliveries" {
		t.Fatalf("%v, %+v", err, cfg)
	}
	if _, err = loadStorage(t, "", "storage = \"own\"\n"); err == nil || !strings.Contains(err.Error(), "there is no [storage]") {
		t.Error(err)
	}
	if _, err = loadStorage(t, folder, "storage = \"cloud\"\n"); err == nil || !strings.Contains(err.Error(), "own, marketplace") {
		t.Error(err)
	}
}

func TestEachMistakeInAStorageIsSaid(t *testing.T) {
	t.Parallel()
	const url = "public_url = \"https://files.example.com\"\n"
	for _, c := range []struct{ section, want string }{
		{"keep_days = 30\n", "one of folder, s3"},
		{"type = \"ftp\"\n" + url, "one of folder, s3"},
		{"type = \"folder\"\n" + url, "storage.path"},
		{"type = \"folder\"\npath = \"/srv/www\"\n", "public_url"},
		{"type = \"folder\"\npath = \"~/www\"\n" + url, "not expanded"},
		{"type = \"folder\"\npath = \"./data/www\"\n" + url, "nobody may publish"},
		{"type = \"folder\"\npath = \".\"\n" + url, "nobody may publish"},
		{"type = \"folder\"\npath = \"/\"\n" + url, "nobody may publish"},
		{"type = \"folder\"\npath = \"/srv/www\"\npublic_url = \"files.example.com\"\n", "is not a URL"},
		{"type = \"folder\"\npath = \"/srv/www\"\npublic_url = \"https://files.example.com/?a=b\"\n", "a query"},
		{"type = \"folder\"\npath = \"/srv/www\"\nkeep_days = 2\n" + url, "keep_days"},
		{"type = \"folder\"\npath = \"/srv/www\"\nbucket = \"files\"\n" + url, "for type s3 only"},
		{"type = \"folder\"\npath = \"/srv/www\"\nsecret_key_env = \"A\"\n" + url, "for type s3 only"},
		{"type = \"s3\"\nbucket = \"files\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "storage.endpoint"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "storage.bucket"},
		{"type = \"s3\"\nendpoint = \"http://s3.example.com\"\nbucket = \"files\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "is http"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com/files\"\nbucket = \"files\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "a path"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\nbucket = \"My Files\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "not the name of a bucket"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\nbucket = \"files\"\nprefix = \"../x\"\naccess_key_env = \"A\"\nsecret_key_env = \"B\"\n" + url, "not a prefix"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\nbucket = \"files\"\nsecret_key_env = \"B\"\n" + url, "access_key_env"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\nbucket = \"files\"\naccess_key = \"AKID\"\nsecret_key_env = \"B\"\n" + url, "unknown key"},
		{"type = \"s3\"\nendpoint = \"https://s3.example.com\"\nbucket = \"files\"\naccess_key_env = \"AK ID\"\nsecret_key_env = \"B\"\n" + url, "not the name of an environment variable"},
	} {
		t.Run(c.want+" in "+c.section, func(t *testing.T) {
			t.Parallel()
			if _, err := loadStorage(t, "[storage]\n"+c.section, ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	cfg, err := loadStorage(t, "[storage]\ntype = \"folder\"\npath = \"/srv/www\"\npublic_url = \"http://files.example.com\"\n", "")
	if err != nil || len(cfg.Warnings()) != 1 {
		t.Errorf("%v, %q", err, cfg.Warnings())
	}
}
