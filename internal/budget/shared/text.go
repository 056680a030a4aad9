package shared

import (
	"slices"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/order"
)

// textVersion is that of the text. A program refuses a newer one.
const textVersion = 1

// text is the count as it is in a bucket.
type text struct {
	Version int    `json:"v"`
	ID      string `json:"id"`
	// Holder is who changes it now, or "".
	Holder  string                `json:"holder,omitempty"`
	Counts  string                `json:"counts,omitempty"`
	Learned time.Time             `json:"learned,omitzero"`
	Probed  time.Time             `json:"probed,omitzero"`
	Probing time.Time             `json:"probing,omitzero"`
	Windows map[string]textWindow `json:"windows,omitempty"`
	Agents  []textAgent           `json:"agents,omitempty"`
}

type textWindow struct {
	StartedAt    time.Time `json:"started"`
	EndsAt       time.Time `json:"ends"`
	Used         int       `json:"used"`
	Limit        int       `json:"limit,omitempty"`
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
	Anchor       string    `json:"anchor,omitempty"`
}

type textAgent struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Socket  string    `json:"socket,omitempty"`
	Console string    `json:"console,omitempty"`
	Open    int       `json:"open,omitempty"`
	Needs   int       `json:"needs,omitempty"`
	Stopped bool      `json:"stopped,omitempty"`
	Seen    time.Time `json:"seen"`
	Beat    time.Time `json:"beat,omitzero"`
	Polled  time.Time `json:"polled,omitzero"`
	Due     int       `json:"due,omitempty"`
	Sends   int       `json:"sends,omitempty"`
	// Used is what it has used of the windows that began at a time, by scope.
	Used map[string]textUsed `json:"used,omitempty"`
}

type textUsed struct {
	StartedAt time.Time `json:"started"`
	N         int       `json:"n"`
}

// common returns the count as one agent sees it.
func (t text) common(self budget.Agent) budget.Common {
	c := budget.Common{ID: t.ID, Counts: t.Counts, Learned: t.Learned, Probed: t.Probed, Probing: t.Probing, Windows: map[string]budget.CommonWindow{}, Self: self}
	for scope, w := range t.Windows {
		c.Windows[scope] = budget.CommonWindow{Anchor: w.Anchor, Window: order.Window{
			Scope: scope, StartedAt: w.StartedAt, EndsAt: w.EndsAt, Used: w.Used, Limit: w.Limit, BlockedUntil: w.BlockedUntil,
		}}
	}
	for _, r := range t.Agents {
		a := budget.Agent{
			ID: r.ID, Seen: r.Seen, Beat: r.Beat, Polled: r.Polled, Due: r.Due, Sends: r.Sends, Used: map[string]int{},
			About: budget.About{Name: r.Name, Socket: r.Socket, Console: r.Console, Open: r.Open, Needs: r.Needs, Stopped: r.Stopped},
		}
		for scope, u := range r.Used {
			if u.StartedAt.Equal(t.Windows[scope].StartedAt) {
				a.Used[scope] = u.N
			}
		}
		if a.ID == self.ID {
			a.Name = self.Name
			c.Self = a
		} else {
			c.Others = append(c.Others, a)
		}
	}
	return c
}

// put writes the windows, and the row of the agent that has changed c.
func (t *text) put(c budget.Common) {
	t.Counts, t.Learned, t.Probed, t.Probing = c.Counts, c.Learned, c.Probed, c.Probing
	a := c.Self
	own := textAgent{
		ID: a.ID, Name: a.Name, Socket: a.Socket, Console: a.Console, Open: a.Open, Needs: a.Needs, Stopped: a.Stopped,
		Seen: a.Seen, Beat: a.Beat, Polled: a.Polled, Due: a.Due, Sends: a.Sends, Used: map[string]textUsed{},
	}
	t.Windows = map[string]textWindow{}
	for scope, w := range c.Windows {
		t.Windows[scope] = textWindow{StartedAt: w.StartedAt, EndsAt: w.EndsAt, Used: w.Used, Limit: w.Limit, BlockedUntil: w.BlockedUntil, Anchor: w.Anchor}
		own.Used[scope] = textUsed{w.StartedAt, a.Used[scope]}
	}
	old := a.Seen.Add(-forgetAfter)
	t.Agents = append(slices.DeleteFunc(t.Agents, func(r textAgent) bool { return r.ID == a.ID || r.Seen.Before(old) }), own)
	slices.SortFunc(t.Agents, func(x, y textAgent) int { return x.before(y) })
}

// before orders agents by name, as the file does.
func (r textAgent) before(o textAgent) int {
	if r.Name != o.Name {
		if r.Name < o.Name {
			return -1
		}
		return 1
	}
	if r.ID < o.ID {
		return -1
	}
	return 1
}
