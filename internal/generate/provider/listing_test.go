package provider

import (
	"testing"
	"time"

	"atelierd/internal/generate"
)

func TestAListSaysWhenAModelEnds(t *testing.T) {
	t.Parallel()
	listed := generate.Listing{Known: true, Listed: true}
	ends := listed
	ends.Ends = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	gone, silent := generate.Listing{Known: true}, generate.Listing{}
	const openaiList, geminiList, account = "GET /models", "GET /v1beta/models?pageSize=1000", "GET /v1/organization"
	for name, test := range map[string]struct {
		typ, place, body string
		want             generate.Listing
	}{
		"a date":                {"openai", openaiList, `{"data":[{"id":"x"},{"id":"m","shutdown_date":"2026-12-01"}]}`, ends},
		"a time":                {"openai", openaiList, `{"data":[{"id":"m","shutdown_date":"2026-12-01T01:00:00+01:00"}]}`, ends},
		"seconds":               {"openai", openaiList, `{"data":[{"id":"m","shutdown_date":1796083200}]}`, ends},
		"no date":               {"openai", openaiList, `{"data":[{"id":"m","shutdown_date":null}]}`, listed},
		"an odd date":           {"openai", openaiList, `{"data":[{"id":"m","shutdown_date":{}}]}`, listed},
		"not in the list":       {"openai", openaiList, `{"data":[{"id":"x"}]}`, gone},
		"an empty list":         {"openai", openaiList, `{"data":[]}`, silent},
		"no list":               {"openai", openaiList, `[]`, silent},
		"only alone":            {"openai", "GET /models/m", `{"id":"m","shutdown_date":"2026-12-01"}`, ends},
		"gemini":                {"gemini", geminiList, `{"models":[{"name":"models/m"}]}`, listed},
		"gemini without it":     {"gemini", geminiList, `{"models":[{"name":"models/x"}]}`, gone},
		"gemini with more":      {"gemini", geminiList, `{"models":[{"name":"models/x"}],"nextPageToken":"p"}`, silent},
		"runway":                {"runway", account, `{"tier":{"models":{"m":{}}}}`, listed},
		"runway without it":     {"runway", account, `{"tier":{"models":{"x":{}}}}`, gone},
		"runway without a list": {"runway", account, `{"creditBalance":1}`, silent},
		"a provider without":    {"luma", account, `{}`, silent},
	} {
		s := script(t, map[string][]said{test.place: {{status: 200, body: test.body}}})
		got, err := s.provider(t, Spec{Type: test.typ, Model: "m"}).Listing(t.Context())
		if err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, test.want)
		}
	}
}
