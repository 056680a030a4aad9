// Package credential finds and stores the agent's id and API key. The marketplace
// issues them once and never again. The package also stores the intent to
// register, so that no agent is registered twice.
//
// It must not know the marketplace's API, the database or the configuration. The
// key leaves the package only as a secret.Text, never in an error.
package credential

import (
	"errors"
	"fmt"
	"strings"

	"atelierd/internal/secret"
)

// The names of the variables in the environment and in .env files, as in the
// marketplace's guide.
const (
	EnvAgentID = "ATELIER_AGENT_ID"
	EnvAPIKey  = "ATELIER_API_KEY"
)

// Found is one agent's credentials.
type Found struct {
	AgentID string
	Key     secret.Text
	// WebhookSecret is empty when it is unknown.
	WebhookSecret secret.Text
	// From is the file, or environment.
	From string
}

// environment is the source of a key that is in a variable.
const environment = "the environment"

// Error is a failure that the owner has to fix. Hint is the next step, or empty.
// Neither contains a secret.
type Error struct {
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

func failf(hint, format string, args ...any) error {
	return &Error{Err: fmt.Errorf(format, args...), Hint: hint}
}

const (
	maxID     = 200  // bytes
	maxSecret = 4096 // bytes
)

// newFound checks a pair of which the source has at least one value.
func newFound(source, id, key, webhook string) (Found, error) {
	id, key, webhook = strings.TrimSpace(id), strings.TrimSpace(key), strings.TrimSpace(webhook)
	switch {
	case id == "" && source == environment:
		return Found{}, failf("set "+EnvAgentID+" as well, or unset "+EnvAPIKey, "%s holds an API key but no agent id", source)
	case key == "" && source == environment:
		return Found{}, failf("set "+EnvAPIKey+" as well, or unset "+EnvAgentID, "%s holds an agent id but no API key", source)
	case id == "" && key == "":
		return Found{}, failf("write both into "+source+", or move it away", "%s holds neither an agent id nor an API key", source)
	case id == "":
		return Found{}, failf("set "+EnvAgentID+" (agent_id in JSON) in "+source, "%s holds an API key but no agent id", source)
	case key == "":
		return Found{}, failf("set "+EnvAPIKey+" (api_key in JSON) in "+source, "%s holds an agent id but no API key", source)
	}
	for _, v := range []struct {
		what, value string
		most        int
	}{{"agent id", id, maxID}, {"API key", key, maxSecret}, {"webhook secret", webhook, maxSecret}} {
		if err := plain(v.value, v.most); err != nil {
			return Found{}, failf("copy the "+v.what+" again into "+source, "the %s in %s %w", v.what, source, err)
		}
	}
	return Found{AgentID: id, Key: secret.New(key), WebhookSecret: secret.New(webhook), From: source}, nil
}

// guideID is the agent id in the examples of the marketplace's guide.
const guideID = "ext_1708123456789_abc123xyz"

var (
	errLong        = errors.New("is too long")
	errOdd         = errors.New("contains a space, a control character or a letter that is not ASCII")
	errPlaceholder = errors.New("is a placeholder of the marketplace's guide")
)

// plain rejects a value that cannot be an id or a key. Its errors do not show the
// value.
func plain(value string, most int) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	switch {
	case len(value) > most:
		return errLong
	case strings.IndexFunc(value, odd) >= 0:
		return errOdd
	case value == guideID, strings.Contains(value, "YOUR_"), strings.Contains(value, "..."), strings.ContainsAny(value, "<>"):
		return errPlaceholder
	}
	return nil
}
