package provider

import (
	"slices"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
)

// shippedSpec is a provider that speaks a shipped recipe.
func shippedSpec(t *testing.T, name string) Spec {
	t.Helper()
	r, err := recipe.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Type: "recipe", Recipe: r, Model: "m"}
}

// progressOf resumes a job and returns what is reported of it, each once.
func (s *scripted) progressOf(t *testing.T, spec Spec, ticket string) (list []order.Progress) {
	t.Helper()
	var last order.Progress
	_, f := s.generate(t, spec, generate.Request{Call: generate.Call{Ticket: ticket, Resumed: true, Progress: func(p order.Progress) {
		if p = p.After(last); p != last {
			last = p
			list = append(list, p)
		}
	}}})
	if f != nil {
		t.Fatal(f)
	}
	return list
}

// TestRecipesSayHowFarAJobIs guards the fields of the shipped recipes, with answers as
// their providers describe them.
func TestRecipesSayHowFarAJobIs(t *testing.T) {
	t.Parallel()
	const queued, making, downloading = order.PhaseQueued, order.PhaseMaking, order.PhaseDownloading
	file := map[string]string{"Content-Length": "4"}
	for _, c := range []struct {
		recipe, poll string
		says         []said
		want         []order.Progress
	}{
		{"runway", "GET /v1/tasks/r1", []said{
			{status: 200, body: `{"id":"r1","status":"PENDING"}`},
			{status: 200, body: `{"id":"r1","status":"RUNNING","progress":0.5}`},
			{status: 200, body: `{"id":"r1","status":"RUNNING","progress":2}`},
			{status: 200, body: `{"id":"r1","status":"SUCCEEDED","output":["{{base}}/f"]}`},
		}, []order.Progress{{Phase: queued}, {Phase: making, Fraction: 0.5}, {Phase: making, Fraction: 1}}},
		{"bfl", "GET /v1/get_result?id=r1", []said{
			{status: 200, body: `{"id":"r1","status":"Generating","result":null,"progress":0.5}`},
			{status: 200, body: `{"id":"r1","status":"Generating","result":null,"progress":-1}`},
			{status: 200, body: `{"id":"r1","status":"Ready","result":{"sample":"{{base}}/f"},"progress":1}`},
		}, []order.Progress{{Phase: making, Fraction: 0.5}}},
		{"xai", "GET /videos/r1", []said{
			{status: 202, body: ``},
			{status: 202, body: `{"status":"pending","progress":40}`},
			{status: 200, body: `{"status":"done","video":{"url":"{{base}}/f"}}`},
		}, []order.Progress{{Phase: making}, {Phase: making, Fraction: 0.4}}},
		{"stable-horde", "GET /generate/check/r1", []said{
			{status: 200, body: `{"done":false,"queue_position":4,"wait_time":9}`},
			{status: 200, body: `{"done":false,"queue_position":0,"processing":1}`},
			{status: 200, body: `{"done":true}`},
		}, []order.Progress{{Phase: queued, Queue: 4}, {Phase: making}}},
	} {
		s := script(t, map[string][]said{
			c.poll: c.says, "GET /f": {{status: 200, body: "made", header: file}},
			"GET /generate/status/r1": ok(`{"done":true,"generations":[{"state":"ok","img":"{{base}}/f"}]}`),
		})
		want := append(c.want, order.Progress{Phase: downloading, Fraction: 1, Done: 4, Total: 4})
		if got := s.progressOf(t, shippedSpec(t, c.recipe), "r1"); !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, want %+v", c.recipe, got, want)
		}
	}
}

// TestSeveralFilesAreOneDownload guards that the bar does not begin again with each file.
func TestSeveralFilesAreOneDownload(t *testing.T) {
	t.Parallel()
	file := []said{{status: 200, body: "made", header: map[string]string{"Content-Length": "4"}}}
	s := script(t, map[string][]said{
		falStatus: ok(`{"status":"COMPLETED"}`), falResult: ok(`{"images":[{"url":"{{base}}/1"},{"url":"{{base}}/2"}]}`),
		"GET /1": file, "GET /2": file,
	})
	var fractions []float64
	for _, p := range s.progressOf(t, falSpec, "r1") {
		fractions = append(fractions, p.Fraction)
	}
	if !slices.Equal(fractions, []float64{0.5, 1}) {
		t.Errorf("the fractions are %v", fractions)
	}
}

func TestAPlaceInAQueueIsANumberOrUnknown(t *testing.T) {
	t.Parallel()
	for _, position := range []string{`-1`, `2e9`, `1e300`, `"NaN"`, `null`, `[]`, `"soon"`} {
		s := script(t, map[string][]said{
			falStatus: {{status: 202, body: `{"status":"IN_QUEUE","queue_position":` + position + `}`}, {status: 200, body: `{"status":"COMPLETED"}`}},
			falResult: ok(`{"images":[{"url":"{{base}}/1"}]}`), "GET /1": ok("made"),
		})
		if got := s.progressOf(t, falSpec, "r1"); len(got) == 0 || slices.ContainsFunc(got, func(p order.Progress) bool { return p.Queue != 0 }) {
			t.Errorf("%s: got %+v", position, got)
		}
	}
}

func TestOnlyALastBarThatIsNotFullCounts(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]float64{
		"":                             0,
		"50% of the pixels":            0,
		" 45%|####  | 9/20":            0.45,
		"100%|######| 20/20":           0,
		"10%|# | 1/10\r20%|## | 2/10":  0.2,
		"30%|# | 3/10\n100%|##| 10/10": 0,
		strings.Repeat("x", 9000) + "\n 45%|####  | 9/20": 0.45,
		"999%|##| 3/4": 0,
	} {
		if got := barIn(log); got != want {
			t.Errorf("%.40q: %v, want %v", log, got, want)
		}
	}
}
