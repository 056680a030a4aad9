package cli

import (
	"context"
	"io"

	"atelierd/internal/app"
	"atelierd/internal/mcp"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// MCPCmd answers an agent that acts for the owner.
type MCPCmd struct{}

// Help explains the command.
func (MCPCmd) Help() string {
	return `An agent's program starts this command and speaks the Model Context Protocol with it,
on standard input and output. It works with and without a running daemon. The agent sees
what you see, without the key, the wallet and the configuration. It changes only what
[mcp] allow in the configuration names. docs/mcp.md explains it.`
}

// Run runs the command.
func (MCPCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return err
	}
	defer st.Close()
	o := p.options(cfg)
	by := order.Agent(o.By.Name())
	actions, err := app.OpenOwner(o)
	if err != nil {
		return err
	}
	defer actions.Close()
	server := app.NewAgents(o, app.Agents{Reader: reader(cfg, st), Owner: actions, Wake: func(ctx context.Context) { p.wake(ctx, cfg.DataDir) }})
	return server.Serve(context.Background(), mcp.Caller{By: by, Allow: cfg.MCP.Allow}, io.NopCloser(p.Stdin), nopCloser{p.Stdout})
}

// nopCloser leaves standard output open.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
