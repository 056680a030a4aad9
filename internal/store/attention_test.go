package store

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

// needs returns what v_attention shows, as `status` reads it.
func needs(t *testing.T, s *Store) string {
	t.Helper()
	st, err := s.Status(t.Context(), placed)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, a := range st.Attention {
		list = append(list, a.What+" "+a.ID+" "+a.State)
	}
	return strings.Join(list, ", ")
}

func TestAnOrderCancelledByTheOwnerNeedsNoAttention(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	failUpload(t, s)
	if got, want := needs(t, s), "order o1 failed"; got != want {
		t.Fatalf("%q needs the owner, want %q", got, want)
	}
	if err := openOwner(t, s.dir).Cancel(t.Context(), "o1", ""); err != nil {
		t.Fatal(err)
	}
	st, err := s.Status(t.Context(), placed)
	if err != nil {
		t.Fatal(err)
	}
	if got := needs(t, s); got != "" || st.Orders[order.StateHeld] != 0 {
		t.Errorf("%q needs the owner, and %d orders are held", got, st.Orders[order.StateHeld])
	}
}

func TestAlertsComeBeforeOrders(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, name := range []order.Alert{order.GeneratorAlert("studio"), order.AlertSpending} {
		if err := s.SetAlert(name, "something"); err != nil {
			t.Fatal(err)
		}
	}
	failUpload(t, s)
	if err := s.PutService(order.Listed{Title: "Images", State: order.ServiceHeld}); err != nil {
		t.Fatal(err)
	}
	db := outside(t, s.dir)
	mustExec(t, db, "UPDATE facts SET changed_at = '2026-01-01T00:00:00.000Z' WHERE name = 'alert.generator.studio'")
	mustExec(t, db, "UPDATE facts SET changed_at = '2026-01-02T00:00:00.000Z' WHERE name = 'alert.spending'")
	mustExec(t, db, "UPDATE services SET changed_at = '2026-01-03T00:00:00.000Z'")
	want := "daemon alert.spending held, generator studio paused, order o1 failed, service Images held"
	if got := needs(t, s); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMoneyThatBoughtNothingIsLost(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "o1")
	states := []order.CallState{
		order.CallFailed, order.CallRefused, order.CallExpired,
		order.CallUnknown, order.CallDone,
	}
	for i, state := range states {
		j := take(t, s, order.LaneGenerate)
		g, err := s.BeginCall(j, order.NewCall{Generator: "studio", Price: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CloseCall(g.ID, state, 10_000<<i, ""); err != nil {
			t.Fatal(err)
		}
		finish(t, s, order.Done{Job: j, Failure: order.Failf(order.Wait, "later", "not yet")})
	}
	lost := func() string {
		return scan[string](t, s.reads, "SELECT cost_usd || ' ' || lost_usd || ' ' || attempts FROM v_costs_daily")
	}
	if got, want := lost(), "0.31 0.15 5"; got != want {
		t.Errorf("cost, lost and attempts are %s, want %s", got, want)
	}
	if spent := otherCosts(t, s, false); spent != 310_000 {
		t.Errorf("$%s was spent on orders that have not completed", spent)
	}
	if err := openOwner(t, s.dir).Cancel(t.Context(), "o1", ""); err != nil {
		t.Fatal(err)
	}
	if got, want := lost(), "0.31 0.31 5"; got != want {
		t.Errorf("after the owner's cancel they are %s, want %s", got, want)
	}
}
