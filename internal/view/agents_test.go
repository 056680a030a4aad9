package view_test

import (
	"context"
	"testing"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/view"
)

func TestAgentsRunWhereTheirSocketAnswersAndWithoutOneWhileTheyShowIt(t *testing.T) {
	t.Parallel()
	st, err := store.Open(store.Options{Dir: storetest.Dir(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	now := time.Now()
	r := view.Reader{Config: func() *config.Config { return &config.Config{Budget: config.Budget{Poll: 30}} }, Store: st}
	agent := func(name, socket, console string, beat time.Time) budget.Agent {
		return budget.Agent{ID: name, Beat: beat, Used: map[string]int{order.ScopeAll: 4}, About: budget.About{Name: name, Socket: socket, Console: console}}
	}
	c := budget.Common{
		Windows: map[string]budget.CommonWindow{order.ScopeAll: {Window: order.Window{Used: 12, EndsAt: now.Add(time.Hour)}}},
		Others: []budget.Agent{
			agent("answers", "yes", "http://127.0.0.1:1/", now),
			agent("was killed", "no", "javascript:alert(1)", now),
			agent("of another user", "unknown", "https://user:pass@host.test", now),
			agent("silent", "unknown", "//host.test", now.Add(-time.Hour)),
			agent("without a socket", "", "https://host.test", now),
			agent("was stopped", "yes", "", time.Time{}),
		},
	}
	v, err := r.Agents(t.Context(), c, func(_ context.Context, socket string) (bool, bool) { return socket == "yes", socket != "unknown" })
	if err != nil || v.Used != 12 || v.Limit != 30 || v.Counts != "unknown" {
		t.Errorf("%+v, %v", v, err)
	}
	want := []struct {
		state   view.AgentState
		console string
	}{
		{view.AgentRuns, "http://127.0.0.1:1/"},
		{view.AgentStopped, ""},
		{view.AgentRuns, ""},
		{view.AgentStopped, ""},
		{view.AgentRuns, "https://host.test"},
		{view.AgentStopped, ""},
	}
	for i, a := range v.List {
		if a.State != want[i].state || a.Console != want[i].console || a.Used != 4 {
			t.Errorf("%+v; want %+v", a, want[i])
		}
	}
}
