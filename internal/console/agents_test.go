package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"atelierd/internal/view"
)

func TestTheAgentsOnTheAddressAreListed(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) {
		o.Neighbours = func(context.Context) *view.Agents {
			return &view.Agents{Used: 12, Limit: 30, List: []view.AgentOfMany{
				{Name: "Night Garden", State: view.AgentRuns, Self: true, Console: "http://self.test/"},
				{Name: "Day <script>", State: view.AgentRuns, Needs: 2, Open: 3, Used: 7, Console: "https://day.test/"},
				{Name: "Odd", State: view.AgentRuns, EarnsNothing: true, Console: "javascript:alert(1)"},
				{Name: "Gone", State: view.AgentStopped, Seen: time.Now().Add(-time.Hour)},
			}}
		}
	})
	s.want(s.link(), http.StatusSeeOther)
	a := s.get("/")
	s.want(a, http.StatusOK, "on this address, 12 of 30 requests", "this one", `<a href="https://day.test/" rel="noreferrer">Day &lt;script&gt;</a>`,
		"2 need you", "3 open orders", "7 requests", "earns nothing", "stopped", "seen ")
	for _, not := range []string{"<script>", "javascript:", "http://self.test"} {
		if strings.Contains(a.body, not) {
			t.Errorf("the page has %q", not)
		}
	}
}

func TestAnAgentThatSharesNothingIsShownAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.want(s.link(), http.StatusSeeOther)
	if strings.Contains(s.get("/").body, "on this address") {
		t.Error("the page lists agents")
	}
}
