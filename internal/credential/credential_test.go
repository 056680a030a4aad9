package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/testdir"
)

const (
	id  = "ext_1_abc"
	key = "atelier_5ec2e7"
)

// place returns Sources in a new folder: .env, credentials.json and guide.json.
func place(t *testing.T) Sources {
	dir := t.TempDir()
	return Sources{
		Getenv:     func(string) string { return "" },
		DotEnv:     []string{filepath.Join(dir, ".env")},
		DataFile:   filepath.Join(dir, "credentials.json"),
		GuideFiles: []string{filepath.Join(dir, "guide.json")},
	}
}

func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func pair(id, key string) string { return `{"agent_id":"` + id + `","api_key":"` + key + `"}` }

// refused expects an *Error without the key, and returns its text and hint.
func refused(t *testing.T, s Sources) (text, hint string) {
	t.Helper()
	f, found, err := Find(s)
	e, ok := errors.AsType[*Error](err)
	if !ok || found {
		t.Fatalf("Find = %+v, %v, %v; want an *Error", f, found, err)
	}
	if strings.Contains(e.Error()+e.Hint, "5ec2e7") {
		t.Errorf("the error reveals the key: %v, hint: %s", e, e.Hint)
	}
	return e.Error(), e.Hint
}

func TestSourcesAreSearchedInOrder(t *testing.T) {
	t.Parallel()
	s := place(t)
	if _, found, err := Find(s); found || err != nil {
		t.Fatalf("without any source: %v, %v", found, err)
	}
	expect := func(wantID, from string) {
		t.Helper()
		f, found, err := Find(s)
		if err != nil || !found || f.AgentID != wantID || f.Key.Reveal() != key+wantID || f.From != from {
			t.Errorf("Find = %q from %q, %v, %v; want %q from %q", f.AgentID, f.From, found, err, wantID, from)
		}
	}
	put(t, s.GuideFiles[0], pair("guide", key+"guide"), 0o600)
	expect("guide", s.GuideFiles[0])
	put(t, s.DataFile, pair("data", key+"data"), 0o600)
	expect("data", s.DataFile)
	put(t, s.DotEnv[0], "PORT=80\n", 0o644)
	expect("data", s.DataFile)
	put(t, s.DotEnv[0], EnvAgentID+"=dot\n"+EnvAPIKey+"="+key+"dot\n", 0o600)
	expect("dot", s.DotEnv[0])
	s.Getenv = func(name string) string {
		return map[string]string{EnvAgentID: "env", EnvAPIKey: " " + key + "env\n"}[name]
	}
	expect("env", "the environment")
}

func TestHalfAPairIsAnErrorThatNamesTheSource(t *testing.T) {
	t.Parallel()
	s := place(t)
	put(t, s.DataFile, pair(id, key), 0o600)
	for _, name := range []string{EnvAgentID, EnvAPIKey} {
		s.Getenv = func(n string) string {
			if n == name {
				return key
			}
			return ""
		}
		if text, hint := refused(t, s); !strings.HasPrefix(text, "the environment holds an") || !strings.Contains(hint, " as well, or unset "+name) {
			t.Errorf("%s alone: %s, hint: %s", name, text, hint)
		}
	}
	s = place(t)
	put(t, s.DataFile, pair(id, key), 0o600)
	put(t, s.DotEnv[0], EnvAPIKey+"="+key, 0o600)
	if text, _ := refused(t, s); text != s.DotEnv[0]+" holds an API key but no agent id" {
		t.Error(text)
	}
}

// envPair is a good .env file.
const envPair = EnvAgentID + "=" + id + "\n" + EnvAPIKey + "=" + key + "\n"

// write returns a function that writes a source with a mode.
func write(text string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, path string) { put(t, path, text, mode) }
}

// untrusted are sources that must not be used, with a part of each error.
var untrusted = []struct {
	name, file, want string
	make             func(*testing.T, string)
}{
	{"group may read", ".env", "can be read by other users (mode 0640)", write(envPair, 0o640)},
	{"others may read", "credentials.json", "can be read by other users (mode 0604)", write(pair(id, key), 0o604)},
	{"not JSON", "credentials.json", "is not a JSON object", write("atelier_5ec2e7", 0o600)},
	{"a number for a key", "credentials.json", "is not a JSON object", write(`{"agent_id":"a","api_key":5.5ec2e7}`, 0o600)},
	{"trailing text", "credentials.json", "is not a JSON object", write(pair(id, key)+"5ec2e7", 0o600)},
	{"empty", "credentials.json", "is not a JSON object", write("", 0o600)},
	{"null", "credentials.json", "neither an agent id nor an API key", write("null", 0o600)},
	{"no id", "credentials.json", "an API key but no agent id", write(`{"api_key":"`+key+`"}`, 0o600)},
	{"no key", "credentials.json", "an agent id but no API key", write(`{"agent_id":"a"}`, 0o600)},
	{"space inside", "credentials.json", "the API key in ", write(pair(id, key+" x"), 0o600)},
	{"control character", "credentials.json", "the agent id in ", write(pair(`a\u001bb`, key), 0o600)},
	{"long id", "credentials.json", "is too long", write(pair(strings.Repeat("a", 201), key), 0o600)},
	{"long key", "credentials.json", "is too long", write(pair(id, key+strings.Repeat("a", maxSecret)), 0o600)},
	{"guide's key", "credentials.json", "placeholder", write(pair(id, "atelier_YOUR_KEY"), 0o600)},
	{"guide's key cut", "credentials.json", "placeholder", write(pair(id, "atelier_a1b2c3d4e5f6..."), 0o600)},
	{"guide's key to fill in", "credentials.json", "placeholder", write(pair(id, "atelier_<your_hex_key>"), 0o600)},
	{"guide's id", "credentials.json", "placeholder", write(pair(guideID, key), 0o600)},
	{"guide's id in capitals", "credentials.json", "placeholder", write(pair("YOUR_AGENT_ID", key), 0o600)},
	{"bad webhook secret", "credentials.json", "the webhook secret in ", write(`{"agent_id":"a","api_key":"b","webhook_secret":"5ec2e7 x"}`, 0o600)},
	{"huge", "credentials.json", "is larger than 65536 bytes", write(strings.Repeat(" ", maxFile)+pair(id, key), 0o600)},
	{"binary", ".env", "is not a text file", write("\x00"+envPair, 0o600)},
	{"no equals sign", ".env", EnvAPIKey + " in ", write(EnvAPIKey+" "+key+"=", 0o600)},
	{"open quote", ".env", ", line 2", write("\n"+EnvAPIKey+`="`+key, 0o600)},
	{"trailing words", ".env", ", line 1", write(EnvAPIKey+"="+key+" 5ec2e7", 0o600)},
	{"folder", ".env", "is not a regular file", func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}},
	{"pipe", "credentials.json", "is not a regular file", func(t *testing.T, path string) {
		testdir.Pipe(t, path)
	}},
	{"dangling link", "credentials.json", "is a link to a file that does not exist", func(t *testing.T, path string) {
		if err := os.Symlink("nowhere", path); err != nil {
			t.Fatal(err)
		}
	}},
	{"unreadable", "credentials.json", "permission denied", func(t *testing.T, path string) {
		if os.Geteuid() == 0 {
			t.Skip("root may read everything")
		}
		put(t, path, pair(id, key), 0)
	}},
	{"a file for a folder", "credentials.json/x", "not a directory", func(t *testing.T, path string) {
		put(t, filepath.Dir(path), "", 0o600)
	}},
}

func TestAnUntrustedSourceEndsTheSearch(t *testing.T) {
	t.Parallel()
	for _, c := range untrusted {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := place(t)
			put(t, s.GuideFiles[0], pair("other", key), 0o600) // a good source that must not be reached
			path := filepath.Join(filepath.Dir(s.DataFile), c.file)
			if c.file != ".env" {
				s.DataFile = path
			}
			c.make(t, path)
			text, hint := refused(t, s)
			if !strings.Contains(text, c.want) {
				t.Errorf("error = %q, want %q in it", text, c.want)
			}
			if strings.Contains(c.want, "mode") && hint != "run `chmod 600 "+path+"`" {
				t.Errorf("hint = %q", hint)
			}
		})
	}
}

func TestALinkToAGoodFileIsFollowed(t *testing.T) {
	t.Parallel()
	s := place(t)
	target := filepath.Join(t.TempDir(), "target.json")
	put(t, target, pair(id, key), 0o600)
	if err := os.Symlink(target, s.DataFile); err != nil {
		t.Fatal(err)
	}
	if f, found, err := Find(s); err != nil || !found || f.AgentID != id {
		t.Errorf("Find = %+v, %v, %v", f, found, err)
	}
}

func TestDotEnvAcceptsTheFormsInUse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		EnvAgentID + "=" + id + "\r\n" + EnvAPIKey + "=" + key + "\r\n",
		"export " + EnvAgentID + "=\"" + id + "\"\n  export\t" + EnvAPIKey + " = '" + key + "' # mine",
		"\ufeff" + EnvAgentID + "=" + id + " # a\n# " + EnvAPIKey + "=no\n" + EnvAPIKey + "=" + key,
		EnvAgentID + "=old\n" + EnvAPIKey + "=old\n" + EnvAgentID + "=" + id + "\n" + EnvAPIKey + "=" + key,
		"broken line\nA='\n" + EnvAPIKey + "_OLD=x y z\nX" + EnvAPIKey + "=x\n" + EnvAgentID + "=" + id + "\n" + EnvAPIKey + "=" + key,
	} {
		s := place(t)
		put(t, s.DotEnv[0], text, 0o600)
		if f, found, err := Find(s); err != nil || !found || f.AgentID != id || f.Key.Reveal() != key {
			t.Errorf("%q: %q %q, %v, %v", text, f.AgentID, f.Key.Reveal(), found, err)
		}
	}
}

func TestEmptyValuesInADotEnvAreIgnored(t *testing.T) {
	t.Parallel()
	s := place(t)
	put(t, s.DotEnv[0], EnvAgentID+"=\n"+EnvAPIKey+"= # to be filled in\n", 0o644)
	if f, found, err := Find(s); found || err != nil {
		t.Errorf("Find = %+v, %v, %v", f, found, err)
	}
}

func TestTheFingerprintChangesWithAFile(t *testing.T) {
	t.Parallel()
	s := place(t)
	seen := map[string]string{}
	expectNew := func(what string) {
		t.Helper()
		print := Fingerprint(s)
		if before, there := seen[print]; there {
			t.Errorf("after %s the fingerprint is the same as after %s", what, before)
		}
		if Fingerprint(s) != print {
			t.Errorf("after %s two fingerprints differ", what)
		}
		seen[print] = what
	}
	expectNew("nothing")
	put(t, s.DataFile, pair(id, key), 0o644)
	expectNew("writing it")
	if err := os.Chmod(s.DataFile, 0o600); err != nil {
		t.Fatal(err)
	}
	expectNew("chmod")
	// A file of the same size and time replaces the old one.
	info, err := os.Stat(s.DataFile)
	if err != nil {
		t.Fatal(err)
	}
	next := s.DataFile + ".next"
	put(t, next, pair(id, strings.ToUpper(key)), 0o600)
	if err := os.Chtimes(next, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, s.DataFile); err != nil {
		t.Fatal(err)
	}
	expectNew("a move")
	if err := os.Chtimes(s.DataFile, time.Time{}, info.ModTime().Add(time.Nanosecond)); err != nil {
		t.Fatal(err)
	}
	expectNew("a touch")
	put(t, s.DotEnv[0], "", 0o600)
	expectNew("a .env")
}
