package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// registrationFile holds the intent to register, in the data folder.
const registrationFile = "registration.json"

// ErrUnknownRegistration means that an earlier registration may have been sent and
// that its outcome is unknown. Sending another could create a second agent.
var ErrUnknownRegistration = errors.New("an earlier registration has no known outcome")

type intent struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// BeginRegistration stores the intent to register an agent with the name, in the
// folder dir. The caller may send the request only if it returns nil. If there is
// an intent already, its *Error wraps ErrUnknownRegistration.
func BeginRegistration(dir, name string) error {
	path := filepath.Join(dir, registrationFile)
	data, err := json.Marshal(intent{name, time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return failf("", "cannot store the intent to register: %w", err)
	}
	// With O_EXCL only one of two processes succeeds.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return unknownRegistration(path)
	}
	if err == nil {
		if err = errors.Join(writeAndSync(f, append(data, '\n')), syncFolder(dir)); err == nil {
			return nil
		}
		_ = os.Remove(path) // nothing was sent
	}
	return failf("check that the folder "+dir+" exists, is writable and has free space", "cannot store the intent to register: %w", err)
}

func unknownRegistration(path string) error {
	err, name := ErrUnknownRegistration, "your agent's name"
	var i intent
	if data, _, readErr := readFile(path); readErr == nil && json.Unmarshal(data, &i) == nil && i.Name != "" {
		name = fmt.Sprintf("%.60q", i.Name)
		err = fmt.Errorf("%w: %s, started at %s", err, name, i.At.Format(time.RFC3339))
	}
	file := filepath.Join(filepath.Dir(path), "credentials.json")
	return failf(fmt.Sprintf("look on the marketplace for an agent called %s; if it exists, write its id and key into %s "+
		`as {"agent_id": "...", "api_key": "..."} with mode 600, or set %s and %s; if it does not, run `+"`rm %s`",
		name, file, EnvAgentID, EnvAPIKey, path), "%w", err)
}

// EndRegistration removes the intent durably. Call it after Save has stored the
// answer, when credentials were found in another way, or when the marketplace has
// certainly refused. Without an intent it does nothing.
func EndRegistration(dir string) error {
	path := filepath.Join(dir, registrationFile)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncFolder(dir)
	}
	if err != nil {
		return failf("run `rm "+path+"`", "cannot remove the intent to register: %w", err)
	}
	return nil
}
