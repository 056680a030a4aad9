package view

import (
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/words"
)

// PausedGenerators returns the fact behind each paused generator, by its name.
func PausedGenerators(facts []store.Fact) map[string]store.Fact {
	list := map[string]store.Fact{}
	for _, f := range facts {
		if name, ok := strings.CutPrefix(f.Name, string(order.AlertGenerator.Code())); ok {
			list[name] = f
		}
	}
	return list
}

// GeneratorOf names the generator of a service. It is "" for a service that is
// not configured.
func GeneratorOf(cfg *config.Config, title string) string {
	at := slices.IndexFunc(cfg.Services, func(s config.Service) bool { return order.SameTitle(s.Title, title) })
	if at < 0 {
		return ""
	}
	return cfg.Services[at].Generator
}

// PausedBehind names the paused generator because of which a service is not
// listed. It is "" when the service is held for another reason.
func PausedBehind(cfg *config.Config, title, reason string, paused map[string]store.Fact) string {
	name := GeneratorOf(cfg, title)
	for _, each := range append([]string{name}, cfg.Generators[name].Fallback...) {
		if f, is := paused[each]; is && f.Value == reason {
			return each
		}
	}
	return ""
}

// PausedService names the generator of a service if it is paused. standIn is the
// generator that works in its place, "" if there is none.
func PausedService(cfg *config.Config, title string, paused map[string]store.Fact) (name, standIn string) {
	name = GeneratorOf(cfg, title)
	if _, is := paused[name]; !is {
		return "", ""
	}
	for _, other := range cfg.Generators[name].Fallback {
		if _, is := paused[other]; !is {
			return name, other
		}
	}
	return name, ""
}

// StandsIn continues a sentence about a paused generator.
func StandsIn(standIn string) string {
	if standIn == "" {
		return ""
	}
	return "; " + standIn + " stands in"
}

// markPaused marks the services whose generator is paused. The attention list
// shows the reason.
func markPaused(cfg *config.Config, services []Service, paused map[string]store.Fact) {
	for i, v := range services {
		switch v.State {
		case string(order.ServiceListed), ServiceDiffers:
			if name, standIn := PausedService(cfg, v.Title, paused); name != "" {
				services[i].State, services[i].Since = ServicePaused, paused[name].Since
				services[i].Reason = "generator " + name + " is paused" + StandsIn(standIn)
			}
		case string(order.ServiceHeld):
			if name := PausedBehind(cfg, v.Title, v.Reason, paused); name != "" {
				services[i].Reason = "not listed: generator " + name + " is paused"
			}
		}
	}
}

// Pause is what the owner has paused.
type Pause struct {
	Service  string      `json:"service"` // empty for everything
	Since    time.Time   `json:"since"`
	Until    time.Time   `json:"until,omitzero"` // until it is resumed without one
	By       order.Actor `json:"by"`
	Reason   string      `json:"reason"`
	Delisted bool        `json:"delisted"` // off the marketplace meanwhile
}

// Pauses are what the owner has paused.
func Pauses(list []order.Pause) []Pause {
	views := []Pause{}
	for _, p := range list {
		views = append(views, Pause(p))
	}
	return views
}

// PauseText says who has paused something, until when, and why.
func PauseText(p order.Pause, zone *time.Location) string {
	text := "paused"
	if p.By != "" {
		text += " by " + string(p.By)
	}
	if !p.Until.IsZero() {
		text += " until " + words.Moment(p.Until, zone)
	}
	if p.Delisted {
		text += ", off the marketplace"
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// markPausedByOwner marks the services that the owner has paused. That comes before what
// is wrong with a generator.
func markPausedByOwner(cfg *config.Config, services []Service, list []order.Pause, now time.Time) {
	for i, v := range services {
		p, paused := order.PauseOf(list, v.Title, now)
		if !paused || v.State == ServiceUnconfigured {
			continue
		}
		view := Pause(p)
		services[i].Pause = &view
		if v.State == string(order.ServiceListed) || v.State == ServiceDiffers || v.State == ServicePaused {
			services[i].State, services[i].Since = ServicePaused, p.Since
		}
		services[i].Reason = PauseText(p, cfg.Zone())
	}
}
