package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/console/access/query"
	"atelierd/internal/store/utc"
)

// tokenPrefix begins each token, so that programs which look for leaked secrets know one.
const tokenPrefix = "atelierd_"

// ErrTaken says that there is a token of a name.
var ErrTaken = errors.New("there is a token of that name already")

// Agent is a program that acts for the owner.
type Agent struct {
	Name string
	// Allow are the tools that change something and that it may use; none may only read.
	Allow []string
	Added time.Time
	// Used is when it was used last, to the hour; Added before the first use.
	Used time.Time
}

// NewToken adds a token and returns it. It is kept nowhere else.
func (a *Access) NewToken(ctx context.Context, name string, allow []string) (token string, err error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	secret, _ := newSecret()
	token = tokenPrefix + secret
	added, err := a.q.AddToken(ctx, query.AddTokenParams{
		Name: name, Hash: hashSecret(token), Allow: strings.Join(allow, " "), Now: utc.At(time.Now()),
	})
	switch {
	case err != nil:
		return "", err
	case added == 0:
		return "", fmt.Errorf("%w: %s", ErrTaken, name)
	}
	return token, nil
}

// Token returns whose token a text is, or ErrRefused.
func (a *Access) Token(ctx context.Context, token string) (Agent, error) {
	hash, now := hashSecret(token), time.Now()
	rows, err := a.q.GetToken(ctx, hash)
	if err != nil {
		return Agent{}, err
	}
	if len(rows) == 0 {
		return Agent{}, ErrRefused
	}
	if now.Sub(rows[0].UsedAt.Time) >= usedEvery {
		if err := a.q.UseToken(ctx, query.UseTokenParams{Hash: hash, Now: utc.At(now)}); err != nil {
			return Agent{}, err
		}
	}
	return Agent{Name: rows[0].Name, Allow: strings.Fields(rows[0].Allow), Used: now}, nil
}

// Tokens returns all agents by name.
func (a *Access) Tokens(ctx context.Context) ([]Agent, error) {
	rows, err := a.q.ListTokens(ctx)
	list := make([]Agent, 0, len(rows))
	for _, r := range rows {
		list = append(list, Agent{Name: r.Name, Allow: strings.Fields(r.Allow), Added: r.AddedAt.Time, Used: r.UsedAt.Time})
	}
	return list, err
}

// RemoveToken removes the token of a name, or fails with ErrUnknown.
func (a *Access) RemoveToken(ctx context.Context, name string) error {
	removed, err := a.q.DeleteToken(ctx, name)
	if err == nil && removed == 0 {
		err = fmt.Errorf("%w token: %.100q", ErrUnknown, name)
	}
	return err
}
