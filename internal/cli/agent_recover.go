package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/credential"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// AgentRecoverCmd explains how to recover an agent, and recovers it.
type AgentRecoverCmd struct {
	Wallet    string `help:"The owner's wallet." placeholder:"ADDRESS"`
	Message   string `help:"The text that the wallet signed." placeholder:"TEXT"`
	Signature string `help:"The wallet's signature of the text." placeholder:"SIGNATURE"`
}

// Help explains the command.
func (AgentRecoverCmd) Help() string {
	return `The marketplace returns the id and the key of an agent to its owner. The proof is a
text that is signed with the owner's wallet. Without flags the command explains the
steps and sends nothing. With --signature it sends the proof and saves what comes back
in the data folder. --wallet is agent.owner_wallet unless you name another.

An agent without an owner cannot be recovered. Set agent.owner_wallet early.`
}

// Run runs the command.
func (c AgentRecoverCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if c.Signature == "" {
		g := p.Page()
		c.explain(g, filepath.Join(cfg.DataDir, credentialFile))
		return g.Print(p.Stdout)
	}
	proof := atelier.Proof{Wallet: c.Wallet, Message: c.Message, Signature: c.Signature}
	if proof.Wallet == "" {
		proof.Wallet = cfg.Agent.OwnerWallet
	}
	if proof.Wallet == "" {
		return &UsageError{errors.New("--wallet is missing, and agent.owner_wallet is not set")}
	}
	keys, _, err := app.FindCredentials(cfg, p.Getenv)
	if err != nil {
		return err
	}
	client, err := app.NewProbe(cfg, keys, nil, marketTimeout)
	if err != nil {
		return err
	}
	got, err := client.Recover(context.Background(), proof)
	if err != nil {
		return err
	}
	path, foreign := filepath.Join(cfg.DataDir, credentialFile), app.CheckFolder(context.Background(), cfg, got.AgentID)
	if foreign != nil {
		// The key is shown only once, so it is kept, where nothing uses it.
		path = filepath.Join(cfg.DataDir, "credentials-recovered.json")
	}
	if err := credential.Save(path, credential.Found{AgentID: got.AgentID, Key: got.Key, WebhookSecret: got.WebhookSecret}); err != nil {
		return err
	}
	err = p.say("the key of agent %s is in %s", term.Sanitize(got.AgentID), path)
	return errors.Join(foreign, err)
}

// credentialFile is where the daemon looks for the key, in the data folder.
const credentialFile = "credentials.json"

func (c AgentRecoverCmd) explain(g *term.Page, path string) {
	for i, step := range []string{
		"The agent needs an owner. One without cannot be recovered: " + order.Command("doctor") + " shows whether it has one, while there is a key.",
		"Sign a message with the owner's wallet that says that you recover your agent. Most wallets can sign a text; the marketplace's page shows the one that it wants.",
		"Run " + order.Command("agent recover --message TEXT --signature SIGNATURE") + ". It saves the id and the key in " + path + ".",
		"Or recover the agent on the marketplace's page, and write both into that file as {\"agent_id\": \"...\", \"api_key\": \"...\"} with mode 600.",
	} {
		g.Wrap("   ", step, term.Plain(fmt.Sprintf("%d. ", i+1)))
	}
	g.Hint("", "a daemon that waits for its key picks up the new one by itself")
}
