package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/bounty"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/intake"
	"atelierd/internal/logonce"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/web"
)

// hook is the port for webhooks: opened before anything is started, because the
// owner may have given an address that is taken, or a secret that is not there.
type hook struct {
	net.Listener // nil when webhooks are off
}

func listen(cfg *config.Config) (hook, error) {
	if !cfg.Webhook.On() {
		return hook{}, nil
	}
	if _, err := (&secrets{cfg: cfg.Webhook, getenv: os.Getenv}).set(); err != nil {
		return hook{}, err
	}
	l, err := net.Listen("tcp", cfg.Webhook.Listen)
	if err != nil {
		return hook{}, &hinted{err: fmt.Errorf("listen for webhooks: %w", err),
			hint: "choose another address in [webhook] listen, or leave it out", code: exitUsage}
	}
	return hook{l}, nil
}

// secrets knows what webhooks are signed with: what the owner has set, what came
// with the registration, or what the profile shows.
type secrets struct {
	cfg    config.Webhook
	keys   *keyring
	getenv func(string) string
	client *atelier.Client
	log    *slog.Logger

	mu       sync.Mutex
	learned  secret.Text
	asked    time.Time
	failures logonce.Logger
	doubt    chan struct{} // told that a signature fitted no secret
}

// askAgain is the least time between two reads of the profile for its secret.
const askAgain = 15 * time.Minute

func (s *secrets) all() []secret.Text {
	set, err := s.set()
	if err != nil {
		s.failures.Failed(s.log, "the webhook secret cannot be read; webhooks are refused", err)
		return nil
	}
	s.failures.Recovered(s.log, "the webhook secret can be read again")
	if !set.Empty() {
		return []secret.Text{set}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return []secret.Text{s.keys.webhookSecret(), s.learned}
}

// set is the secret that the owner has put in place, if he has.
func (s *secrets) set() (secret.Text, error) {
	if name := s.cfg.SecretEnv; name != "" {
		text := strings.TrimSpace(s.getenv(name))
		if text == "" {
			return secret.Text{}, &credential.Error{Err: fmt.Errorf("the variable %s, for the webhook secret, is not set", name),
				Hint: "set it, or leave [webhook] secret_env out"}
		}
		return secret.New(text), nil
	}
	if s.cfg.SecretFile == "" {
		return secret.Text{}, nil
	}
	return credential.ReadSecret(s.cfg.SecretFile)
}

// run asks the profile for the secret as long as none is known, and again when
// signatures do not fit the one that is.
func (s *secrets) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if s.wanted() {
			s.learn(ctx)
		}
		t := time.NewTimer(askAgain)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-s.doubt:
			if set, err := s.set(); err == nil && set.Empty() {
				s.learn(ctx)
			}
		}
		t.Stop()
	}
	return nil
}

// wanted says whether no secret is known, and none is set that would come first.
func (s *secrets) wanted() bool {
	if set, err := s.set(); err != nil || !set.Empty() {
		return false
	}
	return !slices.ContainsFunc(s.all(), func(t secret.Text) bool { return !t.Empty() })
}

func (s *secrets) learn(ctx context.Context) {
	s.mu.Lock()
	early := time.Since(s.asked) < askAgain
	if !early {
		s.asked = time.Now() // not before: doubts that keep coming would put it off for ever
	}
	s.mu.Unlock()
	if early {
		return
	}
	p, err := s.client.Profile(ctx)
	if err != nil || p.WebhookSecret.Empty() {
		s.log.Warn("the webhook secret is not known yet; webhooks are refused", "error", err,
			"hint", "the marketplace shows it once endpoint_url is set; or set [webhook] secret_file")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned = p.WebhookSecret
}

// serveWebhooks takes webhooks until ctx ends.
func serveWebhooks(ctx context.Context, h hook, cfg *config.Config, st *store.Store, keys *keyring, c *atelier.Client, p *intake.Poller, hunt *bounty.Watcher, log *slog.Logger) error {
	if h.Listener == nil {
		return nil
	}
	s := &secrets{cfg: cfg.Webhook, keys: keys, getenv: os.Getenv, client: c, log: log, doubt: make(chan struct{}, 1)}
	var last time.Time
	var mu sync.Mutex
	r := &web.Receiver{Log: log, Secrets: s.all,
		Rejected: func() {
			select {
			case s.doubt <- struct{}{}:
			default:
			}
		},
		Notify: func(e web.Event) {
			p.Event(e.Name, e.OrderID)
			if e.BountyID != "" {
				hunt.Hint()
			}
			mu.Lock()
			note := time.Since(last) > time.Minute
			if note {
				last = time.Now()
			}
			mu.Unlock()
			if note {
				noteErr(log, st.SetFact(factWebhook, time.Now().UTC().Format(time.RFC3339)))
			}
			if e.PayoutFailed && e.OrderID != "" {
				noteErr(log, st.Note(e.OrderID, "payout failed", "the marketplace says that the payout failed"))
			}
		}}
	log.Info("webhooks are taken", "address", h.Addr().String())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var learning sync.WaitGroup
	learning.Go(func() { _ = s.run(ctx) }) // it ends with ctx, and only then
	err := web.Serve(ctx, h, r)
	stop()
	learning.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// factWebhook is when the last webhook came, to the minute.
const factWebhook = "webhook.last"

func noteErr(log *slog.Logger, err error) {
	if err != nil {
		log.Warn("could not be written", "error", err)
	}
}
