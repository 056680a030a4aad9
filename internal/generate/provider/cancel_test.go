package provider

import (
	"testing"

	"atelierd/internal/order"
)

// TestACancelledJobCostsWhatTheProviderSays guards the books: a refund counts, and so does
// what was charged for a part.
func TestACancelledJobCostsWhatTheProviderSays(t *testing.T) {
	t.Parallel()
	const runs, done = `{"status":"RUNNING"}`, `{"status":"SUCCEEDED","output":["{{base}}/f"],"cost":{"credits":25}}`
	for name, test := range map[string]struct {
		polls  []said
		delete []said
		want   order.CancelResult
		sent   int
	}{
		"a refund":             {[]said{{200, runs, nil}, {200, `{"status":"CANCELLED","cost":{"credits":0}}`, nil}}, []said{{204, "", nil}}, order.CancelResult{CostKnown: true}, 1},
		"a part":               {[]said{{200, runs, nil}, {200, `{"status":"CANCELLED","cost":{"credits":5}}`, nil}}, []said{{204, "", nil}}, order.CancelResult{Cost: 50_000, CostKnown: true}, 1},
		"nothing said":         {[]said{{200, runs, nil}, {404, "", nil}}, []said{{204, "", nil}}, order.CancelResult{}, 1},
		"done before":          {[]said{{200, done, nil}}, nil, order.CancelResult{Ended: true, Cost: 250_000, CostKnown: true}, 0},
		"done meanwhile":       {[]said{{200, runs, nil}, {200, done, nil}}, []said{{409, "", nil}}, order.CancelResult{Ended: true, Cost: 250_000, CostKnown: true}, 1},
		"failed before":        {[]said{{200, `{"status":"FAILED","failure":"out of memory"}`, nil}}, nil, order.CancelResult{Ended: true}, 0},
		"refused and refunded": {[]said{{200, `{"status":"FAILED","failureCode":"SAFETY.INPUT","cost":{"credits":0}}`, nil}}, nil, order.CancelResult{Ended: true, CostKnown: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.sent > 0 { // a recipe names the states in which it may be sent
				test.polls = append([]said{{200, runs, nil}}, test.polls...)
			}
			s := script(t, map[string][]said{runwayTask: test.polls, "DELETE /v1/tasks/t1": test.delete})
			got, err := s.provider(t, runwaySpec).Cancel(t.Context(), "t1")
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
			if n := len(s.requests("DELETE /v1/tasks/t1")); n != test.sent {
				t.Errorf("%d requests were sent to cancel it, want %d", n, test.sent)
			}
		})
	}
}

// TestFalCancelsAtTheAddressThatItNamed guards apps whose requests are elsewhere than
// their model says.
func TestFalCancelsAtTheAddressThatItNamed(t *testing.T) {
	t.Parallel()
	const at = "/fal-ai/other/requests/r1"
	s := script(t, map[string][]said{
		"GET " + at + "/status?logs=1": {{status: 200, body: `{"status":"IN_QUEUE"}`}, {status: 200, body: `{"status":"IN_QUEUE"}`}},
		"PUT " + at + "/cancel":        {{status: 202, body: `{"status":"CANCELLATION_REQUESTED"}`}},
	})
	got, err := s.provider(t, Spec{Type: "fal", Model: "fal-ai/flux/dev"}).Cancel(t.Context(), s.url+at)
	if err != nil || got.Ended || len(s.requests("PUT "+at+"/cancel")) != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestComfyUIInterruptsNoOtherJob guards the jobs of others on the same server.
func TestComfyUIInterruptsNoOtherJob(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		"GET /history/p1": {{status: 200, body: `{}`}},
		"GET /queue": {
			{status: 200, body: `{"queue_running":[[1,"other",{}]],"queue_pending":[[2,"p1",{}]]}`},
			{status: 200, body: `{"queue_running":[[1,"other",{}]],"queue_pending":[]}`},
		},
		"POST /queue":     {{status: 200, body: ``}},
		"POST /interrupt": {{status: 200, body: ``}},
	})
	got, err := s.provider(t, plainSpec).Cancel(t.Context(), "p1")
	if err != nil || got != (order.CancelResult{CostKnown: true}) { // it has never run
		t.Errorf("got %+v, %v", got, err)
	}
	if len(s.requests("POST /queue")) != 1 || len(s.requests("POST /interrupt")) != 0 {
		t.Errorf("sent %d deletions and %d interrupts", len(s.requests("POST /queue")), len(s.requests("POST /interrupt")))
	}
}

// TestLinksAreNoJob guards results whose provider has no jobs: their ticket holds links.
func TestLinksAreNoJob(t *testing.T) {
	t.Parallel()
	s := script(t, nil)
	got, err := s.provider(t, runwaySpec).Cancel(t.Context(), `{"links":["https://x/a.png"]}`)
	if err != nil || !got.Ended || len(s.got) != 0 {
		t.Errorf("got %+v, %v after %d requests", got, err, len(s.got))
	}
}
