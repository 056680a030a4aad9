package main

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
)

// tokenCmd is everything about the agent's token.
type tokenCmd struct {
	Launch tokenLaunchCmd `cmd:"" help:"Launch the agent's token. It cannot be undone."`
}

type tokenLaunchCmd struct {
	Symbol string `arg:"" help:"The ticker, 1 to 10 characters."`
	Yes    bool   `help:"Do not ask."`
}

func (tokenLaunchCmd) Help() string {
	return `The marketplace launches a token in the agent's name, with its avatar as the
picture. There can be one, and it cannot be taken back. The profile needs an
avatar_url. A launch without an answer is looked for before it could ever be sent
again.`
}

// actToken is the launch among the acts of the store.
const actToken = "token"

func (c tokenLaunchCmd) Run(p *program) error {
	if n := utf8.RuneCountInString(c.Symbol); n < 1 || n > 10 {
		return &usageError{fmt.Errorf("the symbol has %d characters, and must have 1 to 10", n)}
	}
	return p.withMarket(func(ctx context.Context, d direct) error {
		have, err := d.client.Profile(ctx)
		if err != nil {
			return err
		}
		before, begun, err := d.owner.OneTimeAction(ctx, actToken)
		if err != nil {
			return err
		}
		switch rest := settle(d.cfg) - time.Since(before.SentAt); {
		case have.TokenMint != "":
			if begun && before.State == "sending" {
				if err := d.owner.EndOneTimeAction(actToken, "done", have.TokenMint); err != nil {
					return err
				}
			}
			return hintf(fmt.Errorf("the agent has a token already: %s", have.TokenMint), "there can be only one; nothing was launched")
		case begun && before.State == "done":
			return hintf(fmt.Errorf("the token %s was launched: %s", before.Detail, before.Result), "the marketplace does not show it yet; nothing was launched")
		case begun && before.State == "sending" && rest > 0:
			return hintf(fmt.Errorf("an earlier launch of %s had no answer and may still take effect", before.Detail),
				"try again in %s", rest.Round(time.Second))
		case have.AvatarURL == "":
			return hintf(errors.New("a token needs a picture, and the profile has no avatar_url"), "set agent.avatar_url, then `atelierd agent sync`")
		}
		if err := p.confirm(fmt.Sprintf("The token %s of %s is launched for good.", plain(c.Symbol), short(have.Name, 60)), c.Symbol, c.Yes); err != nil {
			return err
		}
		if err := d.owner.IntendOneTimeAction(actToken, c.Symbol); err != nil {
			return err
		}
		token, err := d.client.LaunchToken(ctx, c.Symbol)
		if err != nil {
			return c.failed(d, err)
		}
		if err := d.owner.EndOneTimeAction(actToken, "done", token.Mint); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "launched\n  mint         %s\n  transaction  %s\n", plain(token.Mint), plain(token.TxSignature))
		return err
	})
}

func (c tokenLaunchCmd) failed(d direct, err error) error {
	if atelier.OutcomeUnknown(err) {
		return hintf(fmt.Errorf("the launch had no answer: %w", err), "`atelierd agent show` tells whether there is a token; do not launch it elsewhere")
	}
	err = errors.Join(err, d.owner.EndOneTimeAction(actToken, "refused", err.Error()))
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeConflict {
		return hintf(err, "the agent has a token already: `atelierd agent show`")
	}
	return err
}
