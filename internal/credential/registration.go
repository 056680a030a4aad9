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

// registrationFile is the intent to register, in the data folder.
const registrationFile = "registration.json"

// ErrUnknownRegistration means that a registration was about to be sent, and that
// nothing durable says what became of it. To send another could make a second
// agent.
var ErrUnknownRegistration = errors.New("an earlier registration has no known outcome")

type intent struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// BeginRegistration makes the intent to register an agent of that name durable
// in the folder dir. Only when it returns nil may the request be sent. When an
// intent is there already its *Error is ErrUnknownRegistration.
func BeginRegistration(dir, name string) error {
	path := filepath.Join(dir, registrationFile)
	data, err := json.Marshal(intent{name, time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return failf("", "cannot write down the registration: %w", err)
	}
	// O_EXCL settles it even between two processes.
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
	return failf("see that the folder is there, can be written and has room", "cannot write down the registration: %w", err)
}

func unknownRegistration(path string) error {
	err, name := ErrUnknownRegistration, "your agent's name"
	var i intent
	if data, _, _, readErr := readFile(path); readErr == nil && json.Unmarshal(data, &i) == nil && i.Name != "" {
		name = fmt.Sprintf("%.60q", i.Name)
		err = fmt.Errorf("%w: %s, begun at %s", err, name, i.At.Format(time.RFC3339))
	}
	file := filepath.Join(filepath.Dir(path), "credentials.json")
	return failf(fmt.Sprintf("look at the marketplace for an agent called %s; if there is one, put its id and key into %s "+
		`as {"agent_id": "...", "api_key": "..."} with mode 600, or into %s and %s; if there is none, remove %s`,
		name, file, EnvAgentID, EnvAPIKey, path), "%w", err)
}

// EndRegistration removes the intent durably: once Save has kept the answer, once
// credentials were found all the same, or once the marketplace has refused for
// certain. Without an intent it does nothing.
func EndRegistration(dir string) error {
	err := os.Remove(filepath.Join(dir, registrationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncFolder(dir)
	}
	if err != nil {
		return failf("remove it by hand", "cannot remove the note of the registration: %w", err)
	}
	return nil
}
