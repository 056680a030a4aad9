package sandbox

import (
	"encoding/json"
	"math/rand/v2"
	"time"
)

// shaper decides how the values of one answer about one thing look. Without a
// generator everything comes in its plain form.
type shaper struct{ g *rand.Rand }

func (s *Server) shaper(key string) shaper {
	if !s.faults.Shapes {
		return shaper{}
	}
	return shaper{s.generator("shape " + key)}
}

// one says yes in one of n cases, and never in plain answers.
func (sh shaper) one(n int) bool { return sh.g != nil && sh.g.IntN(n) == 0 }

// list is an array, the array's JSON in a string, or, for an empty one, null.
func (sh shaper) list(v []string) any {
	if len(v) == 0 {
		if sh.one(3) {
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

// value is JSON as it is, or in a string. None is null.
func (sh shaper) value(text json.RawMessage) any {
	switch {
	case text == nil:
		return nil
	case sh.one(2):
		return string(text)
	}
	return text
}

func (sh shaper) flag(v bool) any {
	if !sh.one(2) {
		return v
	}
	if v {
		return 1
	}
	return 0
}

// time is RFC 3339, or the database's form, which is UTC too. None is null.
func (sh shaper) time(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case sh.one(2):
		return t.UTC().Format(time.DateTime)
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (sh shaper) status(word string) string {
	if sh.one(32) {
		return "under_moderation"
	}
	return word
}

// extra adds fields that no client knows.
func (sh shaper) extra(row map[string]any) {
	if sh.one(2) {
		row["x_experiment"] = map[string]any{"bucket": sh.g.IntN(9), "flags": []any{true, nil, "a"}}
		row["x_score"] = sh.g.Float64()
	}
}

// orNull is null for the empty text, as the marketplace's database has it.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
