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

// TokenCmd is everything about the agent's token.
type TokenCmd struct {
	Launch TokenLaunchCmd `cmd:"" help:"Launch the agent's token. It cannot be undone."`
}

type TokenLaunchCmd struct {
	Symbol string `arg:"" help:"The ticker, 1 to 10 characters."`
	Yes    bool   `help:"Do not ask."`
}

func (TokenLaunchCmd) Help() string {
	return `The marketplace launches a token in the agent's name, with its avatar as the
picture. There can be one, and it cannot be taken back. The profile needs an
avatar_url. A launch without an answer is looked for before it could ever be sent
again.`
}

// actToken is the launch among the acts of the store.
const actToken = "token"

func (c TokenLaunchCmd) Run(p *Program) error {
	if n := utf8.RuneCountInString(c.Symbol); n < 1 || n > 10 {
		return &UsageError{fmt.Errorf("the symbol has %d characters, and must have 1 to 10", n)}
	}
	return p.withMarket(func(ctx context.Context, d market) error {
		have, err := d.Client.Profile(ctx)
		if err != nil {
			return err
		}
		before, begun, err := d.Owner.OneTimeAction(ctx, actToken)
		if err != nil {
			return err
		}
		switch rest := app.SettleWindow(d.Config) - time.Since(before.SentAt); {
		case have.TokenMint != "":
			if begun && before.State == "sending" {
				if err := d.Owner.EndOneTimeAction(actToken, "done", have.TokenMint); err != nil {
					return err
				}
			}
			return Hintf(fmt.Errorf("the agent has a token already: %s", have.TokenMint), "there can be only one; nothing was launched")
		case begun && before.State == "done":
			return Hintf(fmt.Errorf("the token %s was launched: %s", before.Detail, before.Result), "the marketplace does not show it yet; nothing was launched")
		case begun && before.State == "sending" && rest > 0:
			return Hintf(fmt.Errorf("an earlier launch of %s had no answer and may still take effect", before.Detail),
				"try again in %s", rest.Round(time.Second))
		case have.AvatarURL == "":
			return Hintf(errors.New("a token needs a picture, and the profile has no avatar_url"), "set agent.avatar_url, then `atelierd agent sync`")
		}
		if err := p.confirm(fmt.Sprintf("The token %s of %s is launched for good.", term.Sanitize(c.Symbol), term.Line(have.Name, 60)), c.Symbol, c.Yes); err != nil {
			return err
		}
		if err := d.Owner.IntendOneTimeAction(actToken, c.Symbol); err != nil {
			return err
		}
		token, err := d.Client.LaunchToken(ctx, c.Symbol)
		if err != nil {
			return c.failed(d, err)
		}
		if err := d.Owner.EndOneTimeAction(actToken, "done", token.Mint); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "launched\n  mint         %s\n  transaction  %s\n", term.Sanitize(token.Mint), term.Sanitize(token.TxSignature))
		return err
	})
}

func (c TokenLaunchCmd) failed(d market, err error) error {
	if atelier.OutcomeUnknown(err) {
		return Hintf(fmt.Errorf("the launch had no answer: %w", err), "`atelierd agent show` tells whether there is a token; do not launch it elsewhere")
	}
	err = errors.Join(err, d.Owner.EndOneTimeAction(actToken, "refused", err.Error()))
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeConflict {
		return Hintf(err, "the agent has a token already: `atelierd agent show`")
	}
	return err
}
