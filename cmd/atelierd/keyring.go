package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/enroll"
	"atelierd/internal/secret"
)

const (
	credentialsFile = "credentials.json"
	guideFile       = "atelier_credentials.json" // as the marketplace's guide names it
)

// keyring holds the agent's id and key, and picks up new ones from where the
// first were found.
type keyring struct {
	sources credential.Sources

	mu    sync.Mutex
	found credential.Found
	print string
}

// newKeyring looks for credentials; ok is false when there are none at all.
func newKeyring(cfg *config.Config, getenv func(string) string) (k *keyring, ok bool, err error) {
	k = &keyring{sources: credential.Sources{
		Getenv:     getenv,
		DotEnv:     []string{filepath.Join(cfg.Dir, ".env")},
		DataFile:   filepath.Join(cfg.DataDir, credentialsFile),
		GuideFiles: []string{filepath.Join(cfg.Dir, guideFile)},
	}}
	ok, err = k.read()
	return k, ok, err
}

func (k *keyring) read() (bool, error) {
	found, ok, err := credential.Find(k.sources)
	if err != nil {
		return false, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.found, k.print = found, credential.Fingerprint(k.sources)
	return ok, nil
}

func (k *keyring) credentials() atelier.Credentials {
	k.mu.Lock()
	defer k.mu.Unlock()
	return atelier.Credentials{AgentID: k.found.AgentID, Key: k.found.Key}
}

func (k *keyring) webhookSecret() secret.Text {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.found.WebhookSecret
}

func (k *keyring) where() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.found.From
}

// changed reads the credentials anew if their files have changed, and says
// whether another key came of it.
func (k *keyring) changed() bool {
	k.mu.Lock()
	same := k.print == credential.Fingerprint(k.sources)
	before := k.found
	k.mu.Unlock()
	if same {
		return false
	}
	if ok, err := k.read(); err != nil || !ok {
		return false // half-written perhaps; the next look will tell
	}
	after := k.credentials()
	return after.AgentID != before.AgentID || after.Key.Reveal() != before.Key.Reveal()
}

// vault is where a registration's answer is kept.
type vault struct{ dir string }

func (v vault) Begin(name string) error { return credential.BeginRegistration(v.dir, name) }
func (v vault) End() error              { return credential.EndRegistration(v.dir) }
func (v vault) Save(r atelier.Registered) error {
	return credential.Save(filepath.Join(v.dir, credentialsFile),
		credential.Found{AgentID: r.AgentID, Key: r.Key, WebhookSecret: r.WebhookSecret})
}

// register gets credentials where there are none. A marketplace that cannot be
// reached is waited for; anything else ends in an error for the owner.
func register(ctx context.Context, cfg *config.Config, k *keyring, c *atelier.Client, wait bool, log *slog.Logger) error {
	a := cfg.Agent
	for {
		_, err := enroll.Register(ctx, c, vault{cfg.DataDir}, atelier.Registration{Name: a.Name, Description: a.Description,
			EndpointURL: a.EndpointURL, Capabilities: a.Capabilities, OwnerWallet: a.OwnerWallet, AvatarURL: a.AvatarURL}, log)
		if err == nil {
			_, err = k.read()
			return err
		}
		if errors.Is(err, enroll.ErrOutcomeUnknown) {
			return &hinted{err: err, code: exitCredentials, hint: registrationHint(cfg)}
		}
		if !wait || !errors.Is(err, atelier.ErrNotSent) {
			return err
		}
		log.Warn("the marketplace cannot be reached to register; trying again in half a minute", "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(30 * time.Second):
		}
	}
}

func registrationHint(cfg *config.Config) string {
	return "look for an agent named " + plain(cfg.Agent.Name) + " at the marketplace: if it is there, get its key from support and put both into " +
		filepath.Join(cfg.DataDir, credentialsFile) + "; if not, remove " + filepath.Join(cfg.DataDir, "registration.json") + " and start again"
}
