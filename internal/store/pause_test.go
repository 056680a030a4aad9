package store

import (
	"testing"
)

func TestAPauseNamesWhoAndStandsUntilItIsResumed(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	o := Owner{s, "cli:jo"}
	if err := o.Resume(); err == nil {
		t.Error("what is not paused was resumed")
	}
	for _, reason := range []string{"", "on holiday"} {
		if err := o.Pause(reason); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := s.Paused(t.Context()); err != nil || text != "paused by cli:jo: on holiday" {
		t.Errorf("paused: %q, %v", text, err)
	}
	db := outside(t, s.dir)
	if n := scan[int](t, db, "SELECT count(*) FROM v_attention WHERE code = 'alert.paused'"); n != 1 {
		t.Errorf("the owner is shown %d pauses", n)
	}
	if err := o.Resume(); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Paused(t.Context()); err != nil || text != "" {
		t.Errorf("after the resume: %q, %v", text, err)
	}
	if n := scan[int](t, db, "SELECT count(*) FROM events WHERE kind = 'owner' AND actor = 'cli:jo'"); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
}
