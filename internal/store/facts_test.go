package store

import (
	"reflect"
	"testing"
	"time"

	"atelierd/internal/order"
)

func TestTheBudgetSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := openNew(t, Options{Dir: dir})
	want := []order.Window{{
		Scope: "all", StartedAt: placed, EndsAt: placed.Add(time.Hour), Used: 7, Limit: 30,
		BlockedUntil: placed.Add(time.Minute),
	}}
	id, err := s.CountRequest(order.Request{Kind: order.RequestDeliver, OrderID: "o1"}, []order.Window{{Scope: "all", Used: 6}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AnswerRequest(id, order.Answer{Status: 429, At: placed, Error: "slow down"}, want); err != nil {
		t.Fatal(err)
	}
	abandon(t, s)
	s = openNew(t, Options{Dir: dir})
	got, err := s.Windows(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("windows %+v, %v; want %+v", got, err, want)
	}
	st, err := s.Status(t.Context(), time.Now().Add(-time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if calls := []RequestCount{{Kind: order.RequestDeliver, Sent: 1, Refused: 1}}; !reflect.DeepEqual(st.Requests, calls) {
		t.Errorf("requests %+v, want %+v", st.Requests, calls)
	}
}

func TestAnAlertIsShownUntilItIsCleared(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	attention := func() []Attention {
		t.Helper()
		st, err := s.Status(t.Context(), placed)
		if err != nil {
			t.Fatal(err)
		}
		return st.Attention
	}
	if err := s.SetAlert(order.AlertKey, "the key is refused"); err != nil {
		t.Fatal(err)
	}
	got := attention()
	if len(got) != 1 || got[0].What != "daemon" || got[0].Reason != "the key is refused" || got[0].Since.IsZero() {
		t.Fatalf("attention %+v", got)
	}
	if err := s.SetAlert(order.AlertKey, ""); err != nil {
		t.Fatal(err)
	}
	if got := attention(); len(got) != 0 {
		t.Errorf("attention %+v after the alert was cleared", got)
	}
}

func TestAServiceHasOneRow(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, l := range []order.Listed{
		{Title: "Images", State: order.ServiceCreating},
		{Title: "Images", RemoteID: "svc_1", State: order.ServiceListed},
	} {
		if err := s.PutService(l); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Services(t.Context())
	if err != nil || len(got) != 1 || got[0].RemoteID != "svc_1" || got[0].State != order.ServiceListed {
		t.Errorf("services %+v, %v", got, err)
	}
}
