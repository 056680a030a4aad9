package app

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/credential"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"

	"go.uber.org/fx"
)

const (
	credentialsFile = "credentials.json"
	guideFile       = "atelier_credentials.json" // as the marketplace's guide names it
)

// Credentials is the agent's id and key. It picks up new ones from where the
// first were found.
type Credentials struct {
	sources credential.Sources

	mu    sync.Mutex
	found credential.Found
	print string
	// agent is the agent that the data folder belongs to; empty while it is unknown.
	// foreign is called with the ids of others, and with "" when that is over.
	agent    string
	foreign  func(id string)
	refusing bool
	learned  secret.Text // the webhook secret that the profile has shown
}

// FindCredentials looks for credentials; found is false when there are none at
// all. Its errors are *credential.Error.
func FindCredentials(cfg *config.Config, getenv func(string) string) (c *Credentials, found bool, err error) {
	c = &Credentials{sources: credential.Sources{
		Credential: cfg.Agent.KeyCredential, CredentialFolder: getenv(credential.EnvFolder),
		Getenv:     getenv,
		DotEnv:     []string{filepath.Join(cfg.Dir, ".env")},
		DataFile:   filepath.Join(cfg.DataDir, credentialsFile),
		GuideFiles: []string{filepath.Join(cfg.Dir, guideFile)},
	}}
	found, err = c.read()
	return c, found, err
}

func (c *Credentials) read() (bool, error) {
	found, ok, err := credential.Find(c.sources)
	if err != nil {
		return false, err
	}
	if ok && c.refuses(found.AgentID) {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found, c.print = found, credential.Fingerprint(c.sources)
	return ok, nil
}

// belongTo limits the credentials that are picked up from now on to those of one agent.
// foreign is called with the id of another one, and with "" when that is over.
func (c *Credentials) belongTo(agent string, foreign func(id string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agent, c.foreign = agent, foreign
}

// refuses reports whether credentials are those of another agent than the data folder's.
func (c *Credentials) refuses(id string) bool {
	c.mu.Lock()
	other, before, report := c.agent != "" && id != c.agent, c.refusing, c.foreign
	c.refusing = other
	if other {
		c.print = credential.Fingerprint(c.sources)
	}
	c.mu.Unlock()
	switch {
	case other:
		report(id)
	case before:
		report("")
	}
	return other
}

func (c *Credentials) current() atelier.Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return atelier.Credentials{AgentID: c.found.AgentID, Key: c.found.Key}
}

// AgentID returns the agent's id.
func (c *Credentials) AgentID() string { return c.current().AgentID }

// From names the place where the credentials were found.
func (c *Credentials) From() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found.From
}

// webhookSecrets returns the secrets of the registration and of the profile.
func (c *Credentials) webhookSecrets() []secret.Text {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []secret.Text{c.found.WebhookSecret, c.learned}
}

func (c *Credentials) learn(s secret.Text) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learned = s
}

// changed reads the credentials again if their files have changed, and reports
// whether the id or the key is another.
func (c *Credentials) changed() bool {
	c.mu.Lock()
	same := c.print == credential.Fingerprint(c.sources)
	before := c.found
	c.mu.Unlock()
	if same {
		return false
	}
	if ok, err := c.read(); err != nil || !ok {
		return false // perhaps half-written; the next look decides
	}
	after := c.current()
	return after.AgentID != before.AgentID || after.Key.Reveal() != before.Key.Reveal()
}

// registrar keeps a registration's intent and its answer in the data folder. What one
// marketplace has refused may be sent to another.
type registrar struct{ dir, baseURL string }

func (r registrar) Begin(name string) error { return credential.BeginRegistration(r.dir, name) }
func (r registrar) End() error              { return credential.EndRegistration(r.dir) }
func (r registrar) Save(a atelier.Registered) error {
	return errors.Join(credential.Save(filepath.Join(r.dir, credentialsFile),
		credential.Found{AgentID: a.AgentID, Key: a.Key, WebhookSecret: a.WebhookSecret}), credential.ForgetRefusal(r.dir))
}

func (r registrar) Refused(print string) error {
	return credential.RefusedBefore(r.dir, r.baseURL+" "+print)
}

func (r registrar) NoteRefusal(print string, why *order.Failure) error {
	return credential.NoteRefusal(r.dir, r.baseURL+" "+print, why.Error(), why.Hint)
}

// registerRetry is the pause between tries to reach the marketplace.
const registerRetry = 30 * time.Second

// register gets credentials where there are none.
func (a *App) register(ctx context.Context) error {
	var client *atelier.Client
	if err := fx.New(a.module(), fx.Populate(&client), fx.WithLogger(fxLog)).Err(); err != nil {
		return err
	}
	for {
		a.o.Service.Starts("registering the agent at the marketplace", waitWithin)
		err := a.registerOnce(ctx, client)
		if err == nil || !a.o.WaitForMarket || !errors.Is(err, atelier.ErrNotSent) {
			return err
		}
		a.o.Log.Warn("the marketplace cannot be reached to register; trying again in half a minute", "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(registerRetry):
		}
	}
}

func (a *App) registerOnce(ctx context.Context, client *atelier.Client) error {
	cfg := a.o.Config
	if err := enroll.Registrable(ConfiguredProfile(cfg), cfg.Local); err != nil {
		return err
	}
	_, err := enroll.Register(ctx, client, registrar{cfg.DataDir, cfg.BaseURL}, registration(cfg), a.o.Log)
	if errors.Is(err, enroll.ErrOutcomeUnknown) {
		return &credential.Error{Err: err, Hint: RegistrationHint(cfg)}
	}
	if err == nil {
		if _, err = a.credentials.read(); err != nil {
			return err
		}
		return a.bind()
	}
	if again := RegistrationRefused(cfg); again != nil && !errors.Is(err, credential.ErrRefusedRegistration) {
		return again // it names the way out
	}
	return err
}

// registration is what the agent of the configuration says of itself.
func registration(cfg *config.Config) atelier.Registration {
	a := cfg.Agent
	return atelier.Registration{
		Name: a.Name, Description: a.Description, EndpointURL: a.EndpointURL,
		Capabilities: a.Capabilities, OwnerWallet: a.OwnerWallet, AvatarURL: a.AvatarURL,
	}
}

// RegistrationRefused returns an error with the way out if the marketplace has refused
// to register the agent of the configuration.
func RegistrationRefused(cfg *config.Config) error {
	return registrar{cfg.DataDir, cfg.BaseURL}.Refused(enroll.Fingerprint(registration(cfg)))
}

// ConfiguredProfile is the profile that the configuration describes.
func ConfiguredProfile(cfg *config.Config) atelier.Profile {
	a := cfg.Agent
	return atelier.Profile{
		Name: a.Name, Description: a.Description, EndpointURL: a.EndpointURL, AvatarURL: a.AvatarURL,
		Capabilities: a.Capabilities, OwnerWallet: a.OwnerWallet, PayoutWallet: a.PayoutWallet,
		PayoutAddressBase: a.PayoutAddressBase, PayoutChain: a.PayoutChain, AIModels: a.AIModels,
	}
}

// RegistrationHint is what to do about a registration of unknown outcome.
func RegistrationHint(cfg *config.Config) string {
	return "look for an agent named " + term.Sanitize(cfg.Agent.Name) + " at the marketplace: if it is there, get its key from support and put both into " +
		filepath.Join(cfg.DataDir, credentialsFile) + "; if not, remove " + filepath.Join(cfg.DataDir, "registration.json") + " and start again"
}

// keyRefused reports whether the marketplace or this machine lacks a valid key.
func keyRefused(err error) bool {
	if _, ok := errors.AsType[*credential.Error](err); ok {
		return true
	}
	f, ok := errors.AsType[*order.Failure](err)
	return ok && (f.Code == order.CodeKeyRefused || f.Code == order.CodeNoKey)
}
