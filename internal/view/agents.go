package view

import (
	"context"
	"net/url"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/order"
)

// Agents are the agents that share the requests of one address. Their names and addresses
// are what other users of the machine have written.
type Agents struct {
	// Counts, Used, Limit and EndsAt are the count of all of them, as in Requests.
	Counts string        `json:"counts"`
	Used   int           `json:"used"`
	Limit  int           `json:"limit"`
	EndsAt time.Time     `json:"ends_at,omitzero"`
	List   []AgentOfMany `json:"agents"`
}

// AgentOfMany is one of the agents on an address.
type AgentOfMany struct {
	Name string `json:"name"`
	// State is running or stopped.
	State AgentState `json:"state"`
	// Seen is when it last wrote what follows.
	Seen time.Time `json:"seen"`
	// Needs is how many things need the owner. EarnsNothing: one of them stops it.
	Needs        int  `json:"needs"`
	EarnsNothing bool `json:"earns_nothing"`
	Open         int  `json:"open_orders"`
	// Used is its part of the requests that are used.
	Used int `json:"used"`
	// Console is where browsers find its console; empty for nowhere.
	Console string `json:"console,omitempty"`
	// Self is the agent whose configuration was read.
	Self bool `json:"self,omitempty"`
}

// AgentState is whether an agent's daemon runs.
type AgentState string

// The values of AgentState.
const (
	AgentRuns    AgentState = "running"
	AgentStopped AgentState = "stopped"
)

// Answering reports whether a daemon answers at a socket. known is false if that cannot be
// found out, such as for the socket of another user.
type Answering func(ctx context.Context, socket string) (answers, known bool)

// Agents returns the agents that share c with the agent of this ledger.
func (r Reader) Agents(ctx context.Context, c budget.Common, answering Answering) (Agents, error) {
	l, err := r.Store.Ledger(ctx)
	if err != nil {
		return Agents{}, err
	}
	now := r.now()
	v := Agents{Counts: c.Counts, Limit: r.Config().Budget.Poll, List: []AgentOfMany{}}
	if v.Counts == "" {
		v.Counts = "unknown"
	}
	if all := c.Windows[order.ScopeAll]; now.Before(all.EndsAt) {
		v.Used, v.EndsAt = all.Used, all.EndsAt
	}
	for _, a := range c.Others {
		row := AgentOfMany{
			Name: a.Name, State: AgentStopped, Seen: a.Seen, Needs: a.Needs, EarnsNothing: a.Stopped, Open: a.Open,
			Console: webAddress(a.Console), Self: a.ID == l.ID,
		}
		runs := a.Alive(now)
		if answers, known := answering(ctx, a.Socket); known && a.Socket != "" && !a.Beat.IsZero() {
			runs = answers
		}
		if runs {
			row.State = AgentRuns
		}
		if !v.EndsAt.IsZero() {
			row.Used = a.Used[order.ScopeAll]
		}
		v.List = append(v.List, row)
	}
	return v, nil
}

// webAddress returns a text if it is the address of a page.
func webAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}
