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

// refusedFile holds the last registration that the marketplace refused, in the data
// folder. It keeps a restart loop from sending the same one again and again.
const refusedFile = "registration-refused.json"

// ErrRefusedRegistration means that the marketplace has refused the same registration
// before.
var ErrRefusedRegistration = errors.New("the marketplace refused this registration")

// refusal is a refused registration. Print identifies what was sent.
type refusal struct {
	Print string    `json:"print"`
	Error string    `json:"error"`
	Hint  string    `json:"hint"`
	At    time.Time `json:"at"`
}

// NoteRefusal stores durably in the folder dir that the marketplace refused the
// registration with the print, and why.
func NoteRefusal(dir, print, why, hint string) error {
	data, err := json.MarshalIndent(refusal{print, why, hint, time.Now().UTC().Truncate(time.Second)}, "", "  ")
	if err == nil {
		err = replaceFile(filepath.Join(dir, refusedFile), append(data, '\n'))
	}
	if err != nil {
		return failf("check that the folder "+dir+" exists, is writable and has free space", "cannot store that the registration was refused: %w", err)
	}
	return nil
}

// RefusedBefore returns an *Error that wraps ErrRefusedRegistration if the registration
// with the print is the one that was refused last. Its hint has the way out. A
// registration that was changed since then may be sent.
func RefusedBefore(dir, print string) error {
	path := filepath.Join(dir, refusedFile)
	data, _, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var r refusal
	if json.Unmarshal(data, &r) != nil || r.Print == "" {
		return failf("run `rm "+path+"` to register", "%s is unreadable", path)
	}
	if r.Print != print {
		return nil
	}
	return failf(retryHint(dir, r.Hint), "%w at %s: %s", ErrRefusedRegistration, r.At.Format(time.RFC3339), r.Error)
}

// retryHint completes the hint of a refusal with the way to send the same registration
// again.
func retryHint(dir, hint string) string {
	again := "to send the same registration once more, run `rm " + filepath.Join(dir, refusedFile) + "`"
	if hint == "" {
		return "change the [agent] section of the configuration; " + again
	}
	return fmt.Sprintf("%s; %s", hint, again)
}

// ForgetRefusal removes the note once the agent has credentials.
func ForgetRefusal(dir string) error {
	err := os.Remove(filepath.Join(dir, refusedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
