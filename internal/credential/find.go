package credential

import (
	"fmt"
	"strings"
)

// Sources are the places where credentials may be, in the order in which they
// are looked at. Empty ones are left out.
type Sources struct {
	// Getenv reads the environment; os.Getenv.
	Getenv func(string) string
	// DotEnv are .env files.
	DotEnv []string
	// DataFile is the data folder's credentials.json, which Save writes.
	DataFile string
	// GuideFiles are files as the marketplace's guide writes them.
	GuideFiles []string
}

// Find gives the credentials of the first source that has any; found is false
// when none has. A source that is there but cannot be trusted (unreadable, open
// to other users, one value without the other, garbage) is an *Error and ends the
// search: to go on could end in another agent's name, or in registering anew.
func Find(s Sources) (f Found, found bool, err error) {
	if s.Getenv != nil {
		id, key := strings.TrimSpace(s.Getenv(EnvAgentID)), strings.TrimSpace(s.Getenv(EnvAPIKey))
		if id != "" || key != "" {
			f, err = newFound("the environment", id, key, "")
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

func (s Sources) jsonFiles() []string {
	if s.DataFile == "" {
		return s.GuideFiles
	}
	return append([]string{s.DataFile}, s.GuideFiles...)
}

// decoder reads the text of a file; found is false when the file is about
// something else.
type decoder func(path string, data []byte) (f Found, found bool, err error)

func findIn(path string, decode decoder) (Found, bool, error) {
	data, mode, exists, err := readFile(path)
	if err != nil || !exists {
		return Found{}, false, err
	}
	f, found, err := decode(path, data)
	// A .env without our names may be open to others: it is not our business.
	if open := mode & 0o077; open != 0 && (found || err != nil) {
		return Found{}, false, failf("chmod 600 "+path, "%s can be read by other users (mode %04o)", path, mode)
	}
	if err != nil {
		return Found{}, false, err
	}
	return f, found, nil
}

// Fingerprint changes when a file of the sources is replaced, edited or given
// other permissions. It reads no contents, so it is cheap enough to ask often.
// The environment of a running process does not change and is left out.
func Fingerprint(s Sources) string {
	var b strings.Builder
	for _, path := range append(s.DotEnv[:len(s.DotEnv):len(s.DotEnv)], s.jsonFiles()...) {
		fmt.Fprintf(&b, "%s;", stamp(path))
	}
	return b.String()
}
