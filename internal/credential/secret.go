package credential

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"atelierd/internal/secret"
)

// ReadSecret reads a file that holds a secret in one line and that other users
// cannot read. folder is the one of systemd's credentials, whose modes are not checked, or
// empty. Its errors are *Error and never quote the file.
func ReadSecret(path, folder string) (secret.Text, error) {
	hint := "write the secret into " + path + ", in one line and with mode 600"
	data, mode, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Text{}, failf(hint, "there is no file %s", path)
	}
	if err == nil && (folder == "" || filepath.Dir(path) != filepath.Clean(folder)) {
		err = private(path, mode)
	}
	if err != nil {
		return secret.Text{}, err
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return secret.Text{}, failf(hint, "%s is empty", path)
	}
	if err := plain(text, maxSecret); err != nil {
		return secret.Text{}, failf(hint, "the secret in %s %w", path, err)
	}
	return secret.New(text), nil
}
