package exec

import (
	"regexp"
	"strings"

	"atelierd/internal/secret"
)

var secretName = regexp.MustCompile(`(?i)KEY|TOKEN|SECRET|PASS|AUTH|CREDENTIAL`)

// newRedactor returns a redactor of the variables that look like secrets, and of more.
func newRedactor(env []string, more ...secret.Named) *secret.Redactor {
	var list []secret.Named
	for _, entry := range env {
		if key, value, _ := strings.Cut(entry, "="); secretName.MatchString(key) {
			list = append(list, secret.Named{Name: key, Text: secret.New(value)})
		}
	}
	return secret.NewRedactor(append(list, more...))
}

// leastKey is the length from which the value of a variable counts as a key that no
// file may contain. A shorter one may be a setting, such as AUTH_MODE=disabled.
const leastKey = 16

// Secrets returns the variables of an env, as in Options, that hold keys.
func Secrets(env []string) ([]secret.Named, error) {
	all, err := cleanEnv(env)
	var list []secret.Named
	for _, entry := range all {
		key, value, _ := strings.Cut(entry, "=")
		if secretName.MatchString(key) && len(value) >= leastKey {
			list = append(list, secret.Named{Name: "the variable " + key, Text: secret.New(value)})
		}
	}
	return list, err
}

// redactor returns a redactor of the secrets as they are now.
func (e *Program) redactor() *secret.Redactor {
	if e.opts.Secrets == nil {
		return newRedactor(e.env)
	}
	return newRedactor(e.env, e.opts.Secrets()...)
}
