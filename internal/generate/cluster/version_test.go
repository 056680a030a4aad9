package cluster_test

import (
	"encoding/json"
	"testing"

	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
)

// A worker may be older than the agent. It leaves what it does not know to newer workers.
func TestACallOfANewerVersionIsNotMade(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ticket string
	newer, known := s.request(1, &ticket), s.request(2, &ticket)
	if _, err := s.q.Create(t.Context(), "video", newer.Call.Key, natsq.Record{State: natsq.Wanted}); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(natsq.Call{Version: natsq.Version + 1, Key: newer.Call.Key, Route: "video", Request: newer})
	if err != nil {
		t.Fatal(err)
	}
	natstest.Publish(t, s.url, "gen.job.a.video", "newer", text)
	s.p.done = make(chan struct{})
	close(s.p.done)
	s.worker("w1", t.TempDir())
	s.want(s.start(t.Context(), known), known)
	s.paid(1)
	if e, err := s.q.Get(t.Context(), "video", newer.Call.Key); err != nil || e.State != natsq.Wanted {
		t.Errorf("it is %s, %v", e.State, err)
	}
}
