package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/logonce"
	"atelierd/internal/secret"
)

// webhookSecrets knows what webhooks are signed with: the secret of the
// configuration, else that of the registration or of the profile.
type webhookSecrets struct {
	cfg         func() config.Webhook
	credentials *Credentials
	getenv      func(string) string
	client      *atelier.Client
	log         *slog.Logger

	mu       sync.Mutex
	asked    time.Time
	failures logonce.Logger
	doubt    chan struct{} // a signature fitted no secret
}

func newWebhookSecrets(b base, getenv func(string) string, c *atelier.Client) *webhookSecrets {
	return &webhookSecrets{cfg: func() config.Webhook { return b.config().Webhook }, credentials: b.Credentials, getenv: getenv, client: c, log: b.Log, doubt: make(chan struct{}, 1)}
}

// askAgain is the least time between two reads of the profile for its secret.
const askAgain = 15 * time.Minute

// all returns the secrets that a signature may be made with.
func (s *webhookSecrets) all() []secret.Text {
	configured, err := s.configured()
	if err != nil {
		s.failures.Failed(s.log, "the webhook secret cannot be read; webhooks are refused", err)
		return nil
	}
	s.failures.Recovered(s.log, "the webhook secret can be read again")
	if !configured.Empty() {
		return []secret.Text{configured}
	}
	return s.credentials.webhookSecrets()
}

// configured is the secret that the owner has put in place; empty for none.
func (s *webhookSecrets) configured() (secret.Text, error) {
	return configuredSecret(s.cfg(), s.getenv)
}

// rejected is called when a signature fits no secret: the marketplace may have
// made a new one.
func (s *webhookSecrets) rejected() {
	select {
	case s.doubt <- struct{}{}:
	default:
	}
}

// run reads the profile for the secret as long as none is known, and again when
// signatures do not fit.
func (s *webhookSecrets) run(ctx context.Context) {
	for ctx.Err() == nil {
		if s.unknown() {
			s.learn(ctx)
		}
		if !beat.Sleep(ctx, askAgain, s.doubt) {
			continue
		}
		if configured, err := s.configured(); err == nil && configured.Empty() {
			s.learn(ctx)
		}
	}
}

// unknown reports whether no secret is known, and none is configured.
func (s *webhookSecrets) unknown() bool {
	if configured, err := s.configured(); err != nil || !configured.Empty() {
		return false
	}
	return !slices.ContainsFunc(s.all(), func(t secret.Text) bool { return !t.Empty() })
}

func (s *webhookSecrets) learn(ctx context.Context) {
	if !s.mayAsk() {
		return
	}
	p, err := s.client.Profile(ctx)
	if err != nil || p.WebhookSecret.Empty() {
		s.log.Warn("the webhook secret is not known yet; webhooks are refused", "error", err,
			"hint", "the marketplace shows it once endpoint_url is set; or set [webhook] secret_file")
		return
	}
	s.credentials.learn(p.WebhookSecret)
}

// mayAsk limits reads of the profile. A refused read does not move the limit, or
// events that do not fit would put the next read off for ever.
func (s *webhookSecrets) mayAsk() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.asked) < askAgain {
		return false
	}
	s.asked = time.Now()
	return true
}
