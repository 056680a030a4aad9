package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"atelierd/internal/store/query"
)

// MinEnd is the least number of characters at the end of an id that name it. The
// database has an index on that many.
const MinEnd = 6

// Resolve returns the id of the one order whose id is text, or begins or ends with it.
// An end has at least MinEnd characters.
func (s *Store) Resolve(ctx context.Context, text string) (string, error) {
	text = strings.TrimPrefix(text, "…") // as a narrow terminal shows it
	ids, err := s.idsLike(ctx, text)
	if err != nil {
		return "", err
	}
	return theOne(ids, text, ErrNotFound)
}

// idsLike returns up to ten ids of orders that begin or end with text.
func (s *Store) idsLike(ctx context.Context, text string) ([]string, error) {
	ids, err := s.read.OrderIDsLike(ctx, query.OrderIDsLikeParams{Low: text, High: text + "\U0010ffff"})
	if err != nil || !isEnd(text) || slices.Contains(ids, text) {
		return ids, err
	}
	ending, err := s.read.OrderIDsEnding(ctx, text)
	return append(ids, ending...), err
}

// ResolveBounty returns the id of the one bounty we have claimed whose id is text or
// ends with it.
func (s *Store) ResolveBounty(ctx context.Context, text string) (string, error) {
	text = strings.TrimPrefix(text, "…")
	ids, err := s.read.BountyIDsEnding(ctx, text)
	if err != nil {
		return "", err
	}
	return theOne(ids, text, ErrNoBounty)
}

// Ending returns the one of some ids of bounties that is text or ends with it. An end
// has at least MinEnd characters.
func Ending(ids []string, text string) (string, error) {
	text = strings.TrimPrefix(text, "…")
	return theOne(slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return id != text && (!isEnd(text) || !strings.HasSuffix(id, text))
	}), text, ErrNoBounty)
}

// isEnd reports whether a text is long enough to name an id by its end.
func isEnd(text string) bool { return utf8.RuneCountInString(text) >= MinEnd }

// theOne returns the only id of a list, or the one that is text itself.
// If there is none, the error is missing.
func theOne(ids []string, text string, missing error) (string, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch {
	case slices.Contains(ids, text):
		return text, nil
	case len(ids) == 0 || text == "":
		return "", fmt.Errorf("%w: %.100q", missing, text)
	case len(ids) > 1:
		named := make([]string, len(ids))
		for i, id := range ids {
			named[i] = fmt.Sprintf("%q", id)
		}
		return "", fmt.Errorf("%.100q %w: %s", text, ErrAmbiguous, strings.Join(named, ", "))
	}
	return ids[0], nil
}
