package store

import (
	"testing"

	"atelierd/internal/testdir"
)

// Version 10 knows why a claim was refused. Older rows have it in their text only.
func TestAnUpgradeKnowsWhichClaimsLackedAnOwner(t *testing.T) {
	t.Parallel()
	dir := testdir.New(t)
	file := atVersion(t, dir, 8)
	for id, reason := range map[string]string{
		"b1": "POST /bounties/b1/claim: the marketplace answered 403: an owner is required",
		"b2": "POST /bounties/b2/claim: the marketplace answered 400: it is too late",
	} {
		if _, err := file.Exec("INSERT INTO bounties (id, title, brief, category, budget_usd_micros, deadline_hours, service, message, "+
			"state, reason, claimed_at, changed_at) VALUES (?, 't', 'b', 'image_gen', 1, 1, 's', '', 'refused', ?, "+written+", "+written+")", id, reason); err != nil {
			t.Fatal(err)
		}
	}
	s := openNew(t, Options{Dir: dir})
	if err := s.OwnerKnown(true); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"b1": false, "b2": true} {
		if _, ok, err := s.Claim(t.Context(), id); err != nil || ok != want {
			t.Errorf("%s is kept: %t, %v; want %t", id, ok, err, want)
		}
	}
}
