package cli

import (
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// This file finds which services are affected by generators that are paused.

// pausedGenerators returns the fact behind each paused generator, by its name.
func pausedGenerators(facts []store.Fact) map[string]store.Fact {
	list := map[string]store.Fact{}
	for _, f := range facts {
		if name, ok := strings.CutPrefix(f.Name, string(order.AlertGenerator.Code())); ok {
			list[name] = f
		}
	}
	return list
}

// generatorOf names the generator of a service. It is "" for a service that is
// not configured.
func generatorOf(cfg *config.Config, title string) string {
	at := slices.IndexFunc(cfg.Services, func(s config.Service) bool { return order.SameTitle(s.Title, title) })
	if at < 0 {
		return ""
	}
	return cfg.Services[at].Generator
}

// pausedBehind names the paused generator because of which a service is not
// listed. It is "" when the service is held for another reason.
func pausedBehind(cfg *config.Config, title, reason string, paused map[string]store.Fact) string {
	name := generatorOf(cfg, title)
	for _, each := range append([]string{name}, cfg.Generators[name].Fallback...) {
		if f, is := paused[each]; is && f.Value == reason {
			return each
		}
	}
	return ""
}

// pausedService names the generator of a service if it is paused. standIn is the
// generator that works in its place, "" if there is none.
func pausedService(cfg *config.Config, title string, paused map[string]store.Fact) (name, standIn string) {
	name = generatorOf(cfg, title)
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

// standsIn continues a sentence about a paused generator.
func standsIn(standIn string) string {
	if standIn == "" {
		return ""
	}
	return "; " + standIn + " stands in"
}

// markPaused marks the services whose generator is paused. The attention list
// shows the reason.
func markPaused(cfg *config.Config, services []serviceView, paused map[string]store.Fact) {
	for i, v := range services {
		switch v.State {
		case string(order.ServiceListed), serviceDiffers:
			if name, standIn := pausedService(cfg, v.Title, paused); name != "" {
				services[i].State, services[i].Since = servicePaused, paused[name].Since
				services[i].Reason = "generator " + name + " is paused" + standsIn(standIn)
			}
		case string(order.ServiceHeld):
			if name := pausedBehind(cfg, v.Title, v.Reason, paused); name != "" {
				services[i].Reason = "not listed: generator " + name + " is paused"
			}
		}
	}
}

// pauseView is what the owner has paused.
type pauseView struct {
	Service  string      `json:"service"` // empty for everything
	Since    time.Time   `json:"since"`
	Until    time.Time   `json:"until,omitzero"` // until it is resumed without one
	By       order.Actor `json:"by"`
	Reason   string      `json:"reason"`
	Delisted bool        `json:"delisted"` // off the marketplace meanwhile
}

func viewPauses(list []order.Pause) []pauseView {
	views := []pauseView{}
	for _, p := range list {
		views = append(views, pauseView(p))
	}
	return views
}

// pauseText says who has paused something, until when, and why.
func pauseText(p order.Pause, zone *time.Location) string {
	text := "paused"
	if p.By != "" {
		text += " by " + string(p.By)
	}
	if !p.Until.IsZero() {
		text += " until " + clockIn(p.Until, zone)
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
func markPausedByOwner(cfg *config.Config, services []serviceView, list []order.Pause, now time.Time) {
	for i, v := range services {
		p, paused := order.PauseOf(list, v.Title, now)
		if !paused || v.State == serviceUnconfigured {
			continue
		}
		view := pauseView(p)
		services[i].Pause = &view
		if v.State == string(order.ServiceListed) || v.State == serviceDiffers || v.State == servicePaused {
			services[i].State, services[i].Since = servicePaused, p.Since
		}
		services[i].Reason = pauseText(p, cfg.Zone())
	}
}
