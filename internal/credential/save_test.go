package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/secret"
)

func found(id, key, webhook string) Found {
	return Found{AgentID: id, Key: secret.New(key), WebhookSecret: secret.New(webhook)}
}

func TestSavedCredentialsArePrivateAndFoundAgain(t *testing.T) {
	t.Parallel()
	s := place(t)
	if err := Save(s.DataFile, found(id, key, "whsec_1")); err != nil {
		t.Fatal(err)
	}
	if err := Save(s.DataFile, found(id, key+"2", "whsec_2")); err != nil {
		t.Fatalf("a new key of the same agent: %v", err)
	}
	f, ok, err := Find(s)
	if err != nil || !ok || f.AgentID != id || f.Key.Reveal() != key+"2" || f.WebhookSecret.Reveal() != "whsec_2" || f.From != s.DataFile {
		t.Errorf("Find = %+v, %v, %v", f, ok, err)
	}
	info, err := os.Stat(s.DataFile)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	if names, err := os.ReadDir(filepath.Dir(s.DataFile)); err != nil || len(names) != 1 {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}

func TestSaveDoesNotReplaceAnotherAgentsCredentials(t *testing.T) {
	t.Parallel()
	for _, text := range []string{pair("other", key), "garbage " + key, ""} {
		s := place(t)
		put(t, s.DataFile, text, 0o600)
		err := Save(s.DataFile, found(id, key+"2", ""))
		if e, ok := errors.AsType[*Error](err); !ok || e.Hint == "" || strings.Contains(e.Error()+e.Hint, "5ec2e7") {
			t.Errorf("Save over %q = %v", text, err)
		}
		if kept, err := os.ReadFile(s.DataFile); err != nil || string(kept) != text {
			t.Errorf("%q became %q, %v", text, kept, err)
		}
	}
}

func TestAKeyThatLooksWrongIsStoredAndThenRefused(t *testing.T) {
	t.Parallel()
	s := place(t)
	if err := Save(s.DataFile, found(id, key+" <odd>", "")); err == nil || strings.Contains(err.Error(), "5ec2e7") {
		t.Fatalf("Save = %v", err)
	}
	if kept, err := os.ReadFile(s.DataFile); err != nil || !strings.Contains(string(kept), key) {
		t.Errorf("kept = %s, %v", kept, err)
	}
	refused(t, s)
	s = place(t)
	if err := Save(s.DataFile, found("", key, "")); err == nil {
		t.Error("credentials without an id were saved")
	}
	if _, err := os.Stat(s.DataFile); err == nil {
		t.Error("credentials without an id were written")
	}
}

func TestAFailedSaveLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "none", "credentials.json")
	if e, ok := errors.AsType[*Error](Save(path, found(id, key, ""))); !ok || e.Hint == "" || strings.Contains(e.Error(), "5ec2e7") {
		t.Errorf("Save without a folder = %v", e)
	}
	// A file cannot replace a folder, which fails only at the last step.
	target := filepath.Join(dir, "folder")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(target, []byte(key)); err == nil {
		t.Error("a folder was replaced")
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("the folder holds %v, %v", names, err)
	}
}

func TestARegistrationBeginsOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := EndRegistration(dir); err != nil {
		t.Fatalf("EndRegistration without one: %v", err)
	}
	if err := BeginRegistration(dir, "My\x1b Agent"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, registrationFile)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("stat = %v, %v", info, err)
	}
	err := BeginRegistration(dir, "another name")
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrUnknownRegistration) || !strings.Contains(err.Error(), `"My\x1b Agent", started at 20`) {
		t.Fatalf("the second BeginRegistration = %v", err)
	}
	for _, part := range []string{`"My\x1b Agent"`, filepath.Join(dir, "credentials.json"), EnvAPIKey, "`rm " + path} {
		if !strings.Contains(e.Hint, part) {
			t.Errorf("hint %q lacks %q", e.Hint, part)
		}
	}
	if err := EndRegistration(dir); err != nil {
		t.Fatal(err)
	}
	if err := BeginRegistration(dir, "another name"); err != nil {
		t.Errorf("BeginRegistration after the end: %v", err)
	}
}

func TestACutOffIntentIsStillAnIntent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, registrationFile), `{"na`, 0o600)
	if err := BeginRegistration(dir, "x"); !errors.Is(err, ErrUnknownRegistration) {
		t.Errorf("BeginRegistration = %v", err)
	}
	if err := BeginRegistration(filepath.Join(dir, "none"), "x"); err == nil || errors.Is(err, ErrUnknownRegistration) {
		t.Errorf("BeginRegistration without a folder = %v", err)
	}
}

func TestOnlyOneOfManyCallersBeginsARegistration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	results := make(chan error)
	for range 8 {
		go func() { results <- BeginRegistration(dir, "x") }()
	}
	begun := 0
	for range 8 {
		if err := <-results; err == nil {
			begun++
		} else if !errors.Is(err, ErrUnknownRegistration) {
			t.Error(err)
		}
	}
	if begun != 1 {
		t.Errorf("%d callers began a registration, want 1", begun)
	}
}
