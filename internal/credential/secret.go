package credential

import (
	"strings"

	"atelierd/internal/secret"
)

// ReadSecret reads a file that holds one line, a secret, and that other users
// cannot read. Its errors are *Error and never quote what is in the file.
func ReadSecret(path string) (secret.Text, error) {
	data, mode, exists, err := readFile(path)
	switch {
	case err != nil:
		return secret.Text{}, err
	case !exists:
		return secret.Text{}, failf("write the secret into it, with mode 600", "there is no file %s", path)
	case mode&0o077 != 0:
		return secret.Text{}, failf("chmod 600 "+path, "%s can be read by other users (mode %04o)", path, mode)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return secret.Text{}, failf("write the secret into it, in one line", "%s is empty", path)
	}
	if err := plain(text, maxSecret); err != nil {
		return secret.Text{}, failf("write the secret into it, in one line", "the secret in %s %w", path, err)
	}
	return secret.New(text), nil
}
