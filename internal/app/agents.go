package app

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/fulfill"
	"atelierd/internal/mcp"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/secret"
	"atelierd/internal/store/viewsql"
	"atelierd/internal/thumb"
	"atelierd/internal/view"
)

// Agents are what agents that act for the owner are shown, and what a process does for
// them.
type Agents struct {
	// Reader reads the values. Its configuration is that in use.
	Reader view.Reader
	// Owner does what they ask for.
	Owner *owner.Actions
	// Wake has a running daemon notice what was done.
	Wake func(context.Context)
	// Thumbs makes pictures smaller, and SQL runs statements; nil makes one that does.
	Thumbs *thumb.Maker
	SQL    *viewsql.Runner
}

// NewAgents returns what answers agents on the configured data folder.
func NewAgents(o Options, a Agents) *mcp.Server {
	o = o.withDefaults()
	dir := o.Config.DataDir
	if a.Thumbs == nil {
		a.Thumbs = thumb.New(thumb.Options{Dir: dir, FilesDir: fulfill.FilesDir, Log: o.Log})
	}
	if a.SQL == nil {
		a.SQL = viewsql.New(dir)
	}
	hidden := &hidden{config: a.Reader.Config, getenv: o.Getenv}
	return mcp.New(mcp.Options{
		Reader: a.Reader, Queries: a.SQL, Wake: a.Wake, Version: Version(), Log: o.Log, Redact: hidden.clean,
		Owner: a.Owner,
		Capped: func() bool {
			s := a.Reader.Config().Spending
			return s.Order > 0 || s.Day > 0
		},
		Picture: func(f view.File) ([]byte, error) {
			return a.Thumbs.Scaled(artifactOf(dir, f), mcp.MaxPixels, mcp.MaxPicture)
		},
	})
}

// artifactOf returns the row of a file as far as making a picture of it takes.
func artifactOf(dir string, f view.File) order.Artifact {
	path, err := filepath.Rel(dir, f.Path)
	if err != nil {
		path = "" // it is no file of this folder
	}
	return order.Artifact{Path: path, Name: f.Name, MIME: f.MIME, Bytes: f.Bytes, Width: f.Width, Height: f.Height, SHA256: f.SHA256, Removed: f.RemovedAt}
}

// hiddenFor is how long what is hidden from agents counts as known. Files with keys may
// change.
const hiddenFor = 10 * time.Second

// hidden replaces in texts for agents what is secret, and the wallets.
type hidden struct {
	config func() *config.Config
	getenv func(string) string

	mu       sync.Mutex
	redactor *secret.Redactor
	of       *config.Config
	since    time.Time
}

func (h *hidden) clean(text string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cfg := h.config(); h.of != cfg || time.Since(h.since) > hiddenFor {
		c, _, err := FindCredentials(cfg, h.getenv)
		if err != nil {
			c = nil // the daemon reports it; the other secrets are still known
		}
		list := secrets(cfg, c)
		for _, wallet := range []string{cfg.Agent.PayoutWallet, cfg.Agent.OwnerWallet, cfg.Agent.PayoutAddressBase} {
			list = append(list, secret.Named{Name: "[wallet]", Text: secret.New(wallet)})
		}
		h.redactor, h.of, h.since = secret.NewRedactor(list), cfg, time.Now()
	}
	return h.redactor.Clean(text)
}

// callers returns who has a token, and what they may change: what they were given, as far
// as [mcp] allows it now.
func callers(users *access.Access, current func() *config.Config) func(context.Context, string) (mcp.Caller, error) {
	return func(ctx context.Context, token string) (mcp.Caller, error) {
		agent, err := users.Token(ctx, token)
		if errors.Is(err, access.ErrRefused) {
			err = mcp.ErrToken
		}
		allowed := current().MCP.Allow
		may := slices.DeleteFunc(agent.Allow, func(name string) bool { return !slices.Contains(allowed, name) })
		return mcp.Caller{By: order.Agent(agent.Name), Allow: may}, err
	}
}
