package sandbox

import (
	"encoding/json"
	"math/rand/v2"
	"time"
)

// shaper chooses the form of the values of one answer about one thing. Without a
// generator every value has its plain form.
type shaper struct{ g *rand.Rand }

func (s *Server) shaper(key string) shaper {
	if !s.faults.Shapes {
		return shaper{}
	}
	return shaper{s.generator("shape " + key)}
}

// oneIn returns true once in n times, and never in plain answers.
func (sh shaper) oneIn(n int) bool { return sh.g != nil && sh.g.IntN(n) == 0 }

// list returns an array, or its JSON in a string. An empty one may be null.
func (sh shaper) list(v []string) any {
	if len(v) == 0 {
		if sh.oneIn(3) {
			return nil
		}
		v = []string{}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return v // strings always marshal
	}
	return sh.value(text)
}

// value returns JSON, or that JSON in a string. Nil becomes null.
func (sh shaper) value(text json.RawMessage) any {
	switch {
	case text == nil:
		return nil
	case sh.oneIn(2):
		return string(text)
	}
	return text
}

func (sh shaper) flag(v bool) any {
	if !sh.oneIn(2) {
		return v
	}
	if v {
		return 1
	}
	return 0
}

// time returns RFC 3339, or the form of the database, which is UTC too. Zero becomes
// null.
func (sh shaper) time(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case sh.oneIn(2):
		return t.UTC().Format(time.DateTime)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (sh shaper) status(word string) string {
	if sh.oneIn(32) {
		return "under_moderation"
	}
	return word
}

// extra adds unknown fields.
func (sh shaper) extra(row map[string]any) {
	if sh.oneIn(2) {
		row["x_experiment"] = map[string]any{"bucket": sh.g.IntN(9), "flags": []any{true, nil, "a"}}
		row["x_score"] = sh.g.Float64()
	}
}

// orNull returns null for an empty text, as in the marketplace's database.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
