package cli

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"atelierd/internal/app"
	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// TokenCmd is the group of commands about the agent's token.
type TokenCmd struct {
	Launch TokenLaunchCmd `cmd:"" help:"Launch the agent's token. This cannot be undone."`
}

// TokenLaunchCmd launches the token.
type TokenLaunchCmd struct {
	Symbol string `arg:"" help:"The ticker symbol, 1 to 10 characters."`
	Confirm
}

// Help explains the command.
func (TokenLaunchCmd) Help() string {
	return `The marketplace launches a token in the agent's name, with the agent's avatar as its
picture, so the profile needs an avatar_url. An agent can have one token, and a
launch cannot be undone. If a launch gets no answer, the command looks for its
token before it can send another one.`
}

// tokenAction is the name under which the store keeps the launch.
const tokenAction = "token"

// Run runs the command.
func (c TokenLaunchCmd) Run(p *Program) error {
	if n := utf8.RuneCountInString(c.Symbol); n < 1 || n > 10 {
		return &UsageError{fmt.Errorf("the symbol has %d characters; it must have 1 to 10", n)}
	}
	return p.withMarket(func(ctx context.Context, m market) error {
		profile, err := m.Client.Profile(ctx)
		if err != nil {
			return err
		}
		if err := m.mayLaunch(ctx, profile); err != nil {
			return err
		}
		question := fmt.Sprintf("This launches the token %s of %s. It cannot be undone.", term.Sanitize(c.Symbol), term.Line(profile.Name, 60))
		if err := c.ask(p, question, c.Symbol); err != nil {
			return err
		}
		if err := m.Owner.IntendOneTimeAction(tokenAction, c.Symbol); err != nil {
			return err
		}
		token, err := m.Client.LaunchToken(ctx, c.Symbol)
		if err != nil {
			return m.launchFailed(err)
		}
		if err := m.Owner.EndOneTimeAction(tokenAction, order.ActionDone, token.Mint); err != nil {
			return err
		}
		g := p.Page()
		g.Linef("launched")
		g.Table("  ", [][]term.Cell{{term.Plain("mint"), term.Plain(term.Sanitize(token.Mint))}, {term.Plain("transaction"), term.Plain(term.Sanitize(token.TxSignature))}})
		err = g.Print(p.Stdout)
		return err
	})
}

// mayLaunch returns an error if the agent has a token, if an earlier launch may
// still take effect, or if the profile lacks a picture.
func (m market) mayLaunch(ctx context.Context, profile atelier.Profile) error {
	before, begun, err := m.Owner.OneTimeAction(ctx, tokenAction)
	if err != nil {
		return err
	}
	switch rest := app.SettleWindow(m.Config) - time.Since(before.SentAt); {
	case profile.TokenMint != "":
		if begun && before.State == order.ActionSending {
			if err := m.Owner.EndOneTimeAction(tokenAction, order.ActionDone, profile.TokenMint); err != nil {
				return err
			}
		}
		return Hintf(fmt.Errorf("the agent already has a token: %s", profile.TokenMint), "an agent can have only one; nothing was launched")
	case begun && before.State == order.ActionDone:
		return Hintf(fmt.Errorf("the token %s was launched before: %s", before.Detail, before.Result),
			"the marketplace does not show it yet; nothing was launched")
	case begun && before.State == order.ActionSending && rest > 0:
		return Hintf(fmt.Errorf("an earlier launch of %s got no answer and may still take effect", before.Detail),
			"try again in %s", rest.Round(time.Second))
	case profile.AvatarURL == "":
		return Hintf(errors.New("a token needs a picture, and the profile has no avatar_url"),
			"set agent.avatar_url, then run %s", order.Command("agent sync"))
	}
	return nil
}

func (m market) launchFailed(err error) error {
	if atelier.OutcomeUnknown(err) {
		return Hintf(fmt.Errorf("the launch got no answer: %w", err),
			"%s shows whether there is a token; do not launch it elsewhere", order.Command("agent show"))
	}
	err = errors.Join(err, m.Owner.EndOneTimeAction(tokenAction, order.ActionRefused, err.Error()))
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeConflict {
		return Hintf(err, "the agent already has a token; %s shows it", order.Command("agent show"))
	}
	return err
}
