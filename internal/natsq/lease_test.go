package natsq_test

import (
	"errors"
	"testing"

	"atelierd/internal/fence"
	"atelierd/internal/natsq/natstest"
)

func TestALeaseChangesOnlyFromTheNewestRevision(t *testing.T) {
	t.Parallel()
	q, url := natstest.Ready(t)
	north, south := q.LeaseOf("agent 1"), natstest.Open(t, url, "south").LeaseOf("agent 1")
	if _, err := north.Lease(t.Context()); !errors.Is(err, fence.ErrAbsent) {
		t.Fatalf("without a lease it reads %v", err)
	}
	first, err := north.CreateLease(t.Context(), fence.Lease{Epoch: 1, Host: "north"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := south.CreateLease(t.Context(), fence.Lease{Epoch: 1, Host: "south"}); !errors.Is(err, fence.ErrChanged) {
		t.Errorf("a second host creates it too: %v", err)
	}
	e, err := south.Lease(t.Context())
	if err != nil || e.Host != "north" || e.Epoch != 1 || e.Revision != first || e.Silent < 0 || !e.Alive(fence.Dead) {
		t.Errorf("it reads %+v, %v", e, err)
	}
	if _, err := north.ChangeLease(t.Context(), e.Lease, first); err != nil {
		t.Fatal(err)
	}
	if _, err := south.ChangeLease(t.Context(), fence.Lease{Epoch: 2, Host: "south"}, e.Revision); !errors.Is(err, fence.ErrChanged) {
		t.Errorf("a host takes it over that has read an older one: %v", err)
	}
	if _, err := q.LeaseOf("agent 2").Lease(t.Context()); !errors.Is(err, fence.ErrAbsent) {
		t.Errorf("another agent has the lease: %v", err)
	}
}
