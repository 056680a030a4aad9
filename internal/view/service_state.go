package view

import (
	"context"
	"slices"

	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
)

// ServiceState is a service of the configuration or of the marketplace, with what it sells.
type ServiceState struct {
	Service
	// What follows is as it is configured; empty for a service that is not.
	Category        string
	PriceUSD        string
	PriceType       string
	Generator       string
	Mode            string
	TurnaroundHours int
	// Changes are what the marketplace shows otherwise than the configuration, as it was last
	// read: Old is what clients read, New what is configured.
	Changes []Difference
	// Orders is how many were placed in 30 days.
	Orders int
}

// Services reads the services of the configuration, and then those at the marketplace that
// are not configured. It asks the marketplace nothing.
func (r Reader) Services(ctx context.Context) ([]ServiceState, error) {
	cfg, now := r.Config(), r.now()
	listed, err := r.Store.Services(ctx)
	if err != nil {
		return nil, err
	}
	facts, err := r.Store.Facts(ctx)
	if err != nil {
		return nil, err
	}
	pauses, err := r.Store.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	services := ConfiguredServices(cfg, listed)
	titles := make([]string, len(services))
	for i, s := range services {
		titles[i] = s.Title
	}
	orders, err := r.Store.OrdersByService(ctx, titles, now.Add(-lately))
	if err != nil {
		return nil, err
	}
	differing := slices.Clone(services)
	markPaused(cfg, services, PausedGenerators(facts))
	markPausedByOwner(cfg, services, pauses, now)
	for _, f := range facts {
		if f.Name == enroll.FactFlagged {
			markFlagged(services, enroll.FlaggedServices(f.Value))
		}
	}
	list := []ServiceState{}
	for i, s := range services {
		v := ServiceState{Service: s, Orders: orders[s.Title], Changes: []Difference{}}
		if differing[i].State == ServiceDiffers {
			v.Changes = differences(listed, s.Title)
		}
		if at := slices.IndexFunc(cfg.Services, func(c config.Service) bool { return c.Title == s.Title }); at >= 0 {
			c := cfg.Services[at]
			v.Category, v.PriceUSD, v.PriceType = c.Category, c.Price.String(), c.PriceType
			v.Generator, v.Mode, v.TurnaroundHours = c.Generator, c.Mode, c.TurnaroundHours
		}
		list = append(list, v)
	}
	return list, nil
}

// differences are what the marketplace shows of a service otherwise than the configuration.
func differences(listed []order.Listed, title string) []Difference {
	for _, l := range listed {
		if order.SameTitle(l.Title, title) {
			return Differences(enroll.DecodeChanges(l))
		}
	}
	return []Difference{}
}
