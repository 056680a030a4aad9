package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Sources are the places that Find looks at, in this order. It skips empty ones.
type Sources struct {
	// Credential is the name of a systemd credential in the form of DataFile, and
	// CredentialFolder is the folder that has it. Where it is named, no other place counts.
	Credential, CredentialFolder string
	// Getenv reads the environment, like os.Getenv.
	Getenv func(string) string
	// DotEnv are .env files.
	DotEnv []string
	// DataFile is the data folder's credentials.json, which Save writes.
	DataFile string
	// GuideFiles are files in the form of the marketplace's guide.
	GuideFiles []string
}

// Find returns the credentials of the first source that has any. found is false
// when none has. A source that exists but cannot be trusted is an *Error and ends
// the search: one that is unreadable, open to other users, malformed, or has only
// one of the two values. Searching further could use another agent, or register a second.
func Find(s Sources) (f Found, found bool, err error) {
	if s.Credential != "" {
		return findCredential(s.CredentialFolder, s.Credential)
	}
	if s.Getenv != nil {
		id, key := strings.TrimSpace(s.Getenv(EnvAgentID)), strings.TrimSpace(s.Getenv(EnvAPIKey))
		if id != "" || key != "" {
			f, err = newFound(environment, id, key, "")
			return f, err == nil, err
		}
	}
	for _, path := range s.DotEnv {
		if f, found, err = findIn(path, dotEnv); found || err != nil {
			return f, found, err
		}
	}
	for _, path := range s.jsonFiles() {
		if f, found, err = findIn(path, jsonFile); found || err != nil {
			return f, found, err
		}
	}
	return Found{}, false, nil
}

// findCredential reads a systemd credential. One that is not there is an error, because
// the agent exists.
func findCredential(folder, name string) (Found, bool, error) {
	if err := loaded(folder, name); err != nil {
		return Found{}, false, err
	}
	path := filepath.Join(folder, name)
	data, _, err := readFile(path)
	if err != nil {
		return Found{}, false, err
	}
	return jsonFile(path, data)
}

func (s Sources) jsonFiles() []string {
	if s.DataFile == "" {
		return s.GuideFiles
	}
	return append([]string{s.DataFile}, s.GuideFiles...)
}

// decoder reads the text of a file. found is false when the file holds no
// credentials.
type decoder func(path string, data []byte) (f Found, found bool, err error)

func findIn(path string, decode decoder) (Found, bool, error) {
	data, mode, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Found{}, false, nil
	}
	if err != nil {
		return Found{}, false, err
	}
	f, found, err := decode(path, data)
	// A .env file without our names may be open to other users.
	if found || err != nil {
		if open := private(path, mode); open != nil {
			return Found{}, false, open
		}
	}
	if err != nil {
		return Found{}, false, err
	}
	return f, found, nil
}

// private returns an *Error if other users can read a file with the mode.
func private(path string, mode fs.FileMode) error {
	if !openToOthers(mode) {
		return nil
	}
	return failf("run `chmod 600 "+path+"`", "%s can be read by other users (mode %04o)", path, mode)
}

// Fingerprint changes when a file of the sources is replaced, edited or gets other
// permissions. It reads no contents, so it is cheap. It leaves out the environment,
// which does not change in a running process.
func Fingerprint(s Sources) string {
	var b strings.Builder
	for _, path := range append(s.DotEnv[:len(s.DotEnv):len(s.DotEnv)], s.jsonFiles()...) {
		fmt.Fprintf(&b, "%s;", stamp(path))
	}
	return b.String()
}
