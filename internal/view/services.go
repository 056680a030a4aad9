package view

import (
	"time"

	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Difference is a field that differs between the marketplace and the
// configuration.
type Difference struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
	// Fixed is true for a field that can no longer be changed.
	Fixed bool `json:"fixed,omitempty"`
}

// Movable counts the fields that can be changed.
func Movable(list []Difference) (n int) {
	for _, d := range list {
		if !d.Fixed {
			n++
		}
	}
	return n
}

// Differences are what a plan changes.
func Differences(list []enroll.Change) []Difference {
	views := []Difference{}
	for _, c := range list {
		views = append(views, Difference(c))
	}
	return views
}

// Plan is what a sync would do about each service.
type Plan []Planned

// Planned is what a sync would do about one service.
type Planned struct {
	Step    enroll.Step  `json:"step"`
	Title   string       `json:"title"`
	ID      string       `json:"id"`
	Retired bool         `json:"retired"`
	Paused  string       `json:"paused"` // its own generator, if that is paused
	Changes []Difference `json:"changes"`

	// Pause is what the owner has paused it by; null for nothing.
	Pause *Pause `json:"paused_by_owner"`

	StandIn string         `json:"-"`
	Zone    *time.Location `json:"-"`
}

// NewPlan shows a plan, with what is paused.
func NewPlan(cfg *config.Config, plan []enroll.Planned, paused map[string]store.Fact, pauses []order.Pause) Plan {
	list := Plan{}
	for _, s := range plan {
		v := Planned{Step: s.Step, Title: s.Title, ID: s.ID, Retired: s.Retired, Changes: Differences(s.Changes)}
		v.Paused, v.StandIn = PausedService(cfg, s.Title, paused)
		if p, is := order.PauseOf(pauses, s.Title, time.Now()); is && s.Step != enroll.StepForeign {
			view := Pause(p)
			v.Pause, v.Zone = &view, cfg.Zone()
		}
		list = append(list, v)
	}
	return list
}
