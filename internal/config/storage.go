package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Types of a storage.
const (
	StorageFolder = "folder"
	StorageS3     = "s3"
)

// What a service may choose.
const (
	storageOwn         = "own"
	StorageMarketplace = "marketplace"
)

// Storage is a place of the owner's own for finished files, which the web shows. It is off
// when Type is empty.
type Storage struct {
	Type string
	// PublicURL is the address of the folder or the bucket.
	PublicURL string
	// Path is a folder, absolute.
	Path string
	// Endpoint is a URL without a path, Prefix empty or with a slash at its end.
	Endpoint, Bucket, Region, Prefix string
	AccessKey, SecretKey             Secret
	// Keep is how long files stay after their order has ended.
	Keep time.Duration
}

// On reports whether there is a storage.
func (s Storage) On() bool { return s.Type != "" }

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*/?$`)
)

// Least and most days for which files stay. The marketplace completes an order 48 hours
// after its delivery, and who can no longer object may still want to download.
const (
	leastKept, usuallyKept = 7, 90
)

func (t *table) storage(c *Config) Storage {
	defer t.done()
	if len(t.values) == 0 {
		return Storage{}
	}
	s := Storage{
		Type:      t.oneOf("type", "", StorageFolder, StorageS3),
		PublicURL: t.public(c.Local),
		Path:      t.text("path", ""), Bucket: t.text("bucket", ""), Region: t.text("region", "us-east-1"), Prefix: t.text("prefix", ""),
		Keep: time.Duration(t.number("keep_days", usuallyKept, leastKept, 36_500)) * 24 * time.Hour,
	}
	s.Endpoint = t.endpoint()
	s.AccessKey, s.SecretKey = t.secret("access_key", c.Dir), t.secret("secret_key", c.Dir)
	switch s.Type {
	case StorageFolder:
		t.onlyFor(StorageS3, "endpoint", "bucket", "region", "prefix")
		t.noKeys()
		s.Path = t.folderPath(s.Path, c)
	case StorageS3:
		t.onlyFor(StorageFolder, "path")
		t.bucket(&s)
	}
	return s
}

// public returns the address at which everybody finds the files.
func (t *table) public(local bool) string {
	s := t.address("public_url", "")
	u, err := url.Parse(s)
	switch {
	case !t.has("public_url"):
		t.problem(t.at("public_url"), `is missing; write the address at which the web shows the files, like "https://files.example.com/deliveries"`)
	case err != nil: // address has reported it
	case u.RawQuery != "" || u.Fragment != "":
		t.problem(t.at("public_url"), "contains a query or a fragment; remove it")
	case Loopback(s) && !local:
		t.warn(t.at("public_url"), "is on this machine, where the marketplace and clients fetch nothing; write the address that the web knows")
	case u.Scheme == "http" && !Loopback(s):
		t.warn(t.at("public_url"), "is http, so anybody on the way can read and change what clients get; write https")
	}
	return strings.TrimRight(s, "/")
}

// onlyFor reports keys that belong to another type.
func (t *table) onlyFor(other string, keys ...string) {
	for _, key := range keys {
		if t.has(key) {
			t.problem(t.at(key), "is for type %s only; remove it", other)
		}
	}
}

func (t *table) noKeys() {
	for _, key := range []string{"access_key", "secret_key"} {
		for _, form := range secretForms {
			t.onlyFor(StorageS3, key+form)
		}
	}
}

// folderPath returns a folder that a web server may publish: nothing of the data folder is
// in it.
func (t *table) folderPath(path string, c *Config) string {
	switch {
	case path == "":
		t.problem(t.at("path"), `is missing; write the folder that your web server publishes, like "/srv/www/deliveries"`)
		return ""
	case strings.HasPrefix(path, "~"):
		t.problem(t.at("path"), "begins with ~, which is not expanded here; write the whole path")
	case strings.ContainsRune(path, 0):
		t.problem(t.at("path"), "contains a NUL byte; remove it")
	}
	path = within(c.Dir, path)
	if inside(c.DataDir, path) || inside(path, c.DataDir) || inside(path, c.Dir) {
		t.problem(t.at("path"), "shares a folder with the data folder or the configuration, which nobody may publish; write a folder of its own")
	}
	return path
}

// inside reports whether a path is a folder or in it.
func inside(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// endpoint returns the address of an S3-compatible store.
func (t *table) endpoint() string {
	s := t.api("endpoint", "")
	if u, err := url.Parse(s); s != "" && err == nil && u.Path != "" {
		t.problem(t.at("endpoint"), "contains a path; write the host only, and the bucket as bucket")
	}
	return s
}

// bucket checks what type s3 needs.
func (t *table) bucket(s *Storage) {
	t.required("endpoint", `the address of the store, like "https://ACCOUNT.r2.cloudflarestorage.com"`)
	t.required("bucket", "the name of the bucket")
	if s.Bucket != "" && !bucketName.MatchString(s.Bucket) {
		t.problem(t.at("bucket"), "%.80q is not the name of a bucket; write 3 to 63 lower-case letters, digits, dots and hyphens", s.Bucket)
	}
	if s.Prefix != "" && !prefixForm.MatchString(s.Prefix) {
		t.problem(t.at("prefix"), `%.80q is not a prefix; write one like "deliveries/"`, s.Prefix)
	}
	if s.Prefix = strings.TrimRight(s.Prefix, "/"); s.Prefix != "" {
		s.Prefix += "/"
	}
	for _, key := range []string{"access_key", "secret_key"} {
		if !t.names(key) {
			t.problem(t.at(key+"_env"), "is missing; write the name of the environment variable that holds it, or %s_file", key)
		}
	}
}

// stored checks the services that name a storage.
func (t *table) stored(s Storage, services []Service) {
	for i, each := range services {
		if each.Storage == storageOwn && !s.On() {
			t.problem(join(element(t.at("service"), i), "storage"), `is "own", but there is no [storage]; add one, or remove the key`)
		}
	}
}
