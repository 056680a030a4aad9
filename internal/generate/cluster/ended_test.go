package cluster_test

import (
	"fmt"
	"testing"
	"time"

	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// pictures stores pictures of a client for a call.
func (s *site) pictures(key string, n int) (files []natsq.File) {
	s.Helper()
	for i := range n {
		f, err := s.q.PutFile(s.Context(), natsq.BucketIn("video"), natsq.Input(key, i+1), s.picture()[0].Path)
		if err != nil {
			s.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// gone checks that NATS has none of the pictures.
func (s *site) gone(what string, pictures []natsq.File) {
	s.Helper()
	for i, f := range pictures {
		if s.q.Has(s.Context(), natsq.BucketIn("video"), []natsq.File{f}) {
			s.Errorf("%s: NATS still has picture %d of the client", what, i+1)
		}
	}
}

func TestThePicturesOfACallThatHasEndedAreRemoved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i, end := range []struct {
		state natsq.State
		by    func(ticket string)
	}{
		{natsq.Done, func(ticket string) { s.gen.Committed(t.Context(), ticket) }},
		{natsq.Failed, func(ticket string) {
			var own string
			req := s.request(1, &own)
			req.Call.Ticket = ticket
			_, _ = s.gen.Generate(t.Context(), req)
		}},
		{natsq.Cancelled, func(ticket string) { _, _ = s.gen.Cancel(t.Context(), ticket) }},
	} {
		key := fmt.Sprintf("00000000-0000-5000-8000-%012d", i)
		kept, mine := s.pictures(key+"0", 1), s.pictures(key, 3)
		if _, err := s.q.Create(t.Context(), "video", key, natsq.Record{State: end.state, Worker: "w1", Result: &natsq.Result{}}); err != nil {
			t.Fatal(err)
		}
		end.by("nats:" + key)
		s.gone(string(end.state), mine)
		if !s.q.Has(t.Context(), natsq.BucketIn("video"), kept) {
			t.Errorf("%s: the picture of another call is gone", end.state)
		}
	}
}

// After an outage of NATS every worker has been silent for long, and needs a moment to be heard.
func TestAWorkerThatIsHeardAfterAnOutageIsNotLost(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *cluster.Options) { o.LostAfter = time.Second })
	var ticket string
	req := s.request(1, &ticket)
	if _, err := s.q.Create(t.Context(), "video", req.Call.Key, natsq.Record{State: natsq.Wanted}); err != nil {
		t.Fatal(err)
	}
	change := func(state natsq.State) {
		e, err := s.q.Get(t.Context(), "video", req.Call.Key)
		if err != nil {
			t.Error(err)
			return
		}
		r := e.Record
		r.State, r.Worker, r.Result = state, "w1", &natsq.Result{URL: "https://made.example"}
		if _, err := s.q.Change(t.Context(), e, r); err != nil {
			t.Error(err)
		}
	}
	change(natsq.Calling)
	for silent := time.Duration(0); silent < time.Second; {
		e, err := s.q.Get(t.Context(), "video", req.Call.Key)
		if err == nil {
			silent, err = s.q.Silent(t.Context(), e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	looks := 0
	req.Call.Ticket = "nats:" + req.Call.Key
	req.Call.Progress = func(p order.Progress) {
		if looks++; p.Phase != order.PhaseMaking || looks < 2 {
			return
		}
		state := natsq.Calling
		if looks == 5 {
			state = natsq.Done
		}
		change(state)
	}
	if got := within(s, s.start(t.Context(), req)); got.err != nil || got.made.URL == "" {
		t.Errorf("a live worker counts as lost: %+v, %v", got.made, got.err)
	}
}
