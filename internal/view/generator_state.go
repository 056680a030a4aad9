package view

import (
	"context"
	"maps"
	"slices"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// GeneratorState is a generator of the configuration, and how it works lately.
type GeneratorState struct {
	Generator
	// Services are those that use it. Fallback are the generators that take over from it.
	Services []string
	Fallback []string
	// PausedSince is when it was paused because it failed, and PausedFor why; zero while it
	// works.
	PausedSince time.Time
	PausedFor   string
	// Ends is what is known of a model that its provider shuts down.
	Ends string
	// Sample is the open sample of which no outcome is known; nil for none.
	Sample *Attention
	// Spent is what it has cost in 30 days.
	Spent order.USD
	// Done, Failed and Refused are how its newest calls of 30 days have ended. Refused ones
	// are not its fault.
	Done, Failed, Refused int
	// P50 and P95 are how long half and 95 percent of those took that were done; 0 if none
	// was.
	P50, P95 time.Duration
}

const (
	// lately is how far back pages look.
	lately = 30 * 24 * time.Hour
	// mostCalls is how many calls of a generator are looked at.
	mostCalls = 200
)

// Success is the share of its calls that made something, in percent; ok is false without
// calls.
func (g GeneratorState) Success() (percent int, ok bool) {
	all := g.Done + g.Failed
	if all == 0 {
		return 0, false
	}
	return g.Done * 100 / all, true
}

// Free reports whether a call costs nothing.
func (g GeneratorState) Free() bool { return g.CostUSD == "" && g.Type == config.TypeCanvas }

// Generators reads the generators of the configuration, by name.
func (r Reader) Generators(ctx context.Context) ([]GeneratorState, error) {
	cfg, now := r.Config(), r.now()
	facts, err := r.Store.Facts(ctx)
	if err != nil {
		return nil, err
	}
	samples, err := r.OpenSamples(ctx)
	if err != nil {
		return nil, err
	}
	spent, err := r.spentBy(ctx, now)
	if err != nil {
		return nil, err
	}
	paused, list := PausedGenerators(facts), []GeneratorState{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Generators)) {
		g := GeneratorState{
			Generator: viewGenerator(name, cfg.Generators[name]), Fallback: cfg.Generators[name].Fallback, Spent: spent[name],
			PausedSince: paused[name].Since, PausedFor: paused[name].Value, Ends: factOf(facts, order.ModelAlert(name)),
		}
		for _, s := range cfg.Services {
			if s.Generator == name {
				g.Services = append(g.Services, s.Title)
			}
		}
		if at := slices.IndexFunc(samples, func(a Attention) bool { return a.ID == name }); at >= 0 {
			g.Sample = &samples[at]
		}
		calls, err := r.Store.CallsOf(ctx, name, now.Add(-lately), mostCalls)
		if err != nil {
			return nil, err
		}
		g.count(calls)
		list = append(list, g)
	}
	return list, nil
}

// spentBy reads what each generator has cost lately. The books of days have it, as long as
// they are up to date.
func (r Reader) spentBy(ctx context.Context, now time.Time) (map[string]order.USD, error) {
	today := order.Day(now)
	first, last := today.Add(24*time.Hour-lately).Format(time.DateOnly), today.Format(time.DateOnly)
	if !r.Store.Writes() {
		return r.Store.SpentBy(ctx, first, last)
	}
	if left, err := r.Store.AddUpDays(ctx, first, last, addUp); err != nil {
		return nil, err
	} else if left {
		return r.Store.SpentBy(ctx, first, last)
	}
	sums, err := r.Store.SumsBy(ctx, store.DailyGenerators, first, last, groupsShown)
	spent := map[string]order.USD{}
	for _, s := range sums {
		spent[s.Key] = s.Spent
	}
	return spent, err
}

// count adds up how calls have ended.
func (g *GeneratorState) count(calls []store.EndedCall) {
	var took []time.Duration
	for _, c := range calls {
		switch c.State {
		case order.CallDone:
			g.Done++
			took = append(took, c.Took)
		case order.CallRefused:
			g.Refused++
		case order.CallFailed, order.CallExpired, order.CallUnknown:
			g.Failed++
		}
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	g.P50, g.P95 = took[len(took)/2], took[len(took)*95/100]
}

// factOf returns the text of an alert, or "".
func factOf(facts []store.Fact, a order.Alert) string {
	for _, f := range facts {
		if f.Name == string(a.Code()) {
			return f.Value
		}
	}
	return ""
}
