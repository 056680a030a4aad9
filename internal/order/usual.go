package order

import (
	"slices"
	"time"
)

// Usual is how long work has taken lately: the median of each kind.
type Usual struct {
	Generators map[string]time.Duration // a call, by the name of the generator
	Stages     map[Stage]time.Duration  // an attempt at a stage that makes nothing
	Costs      map[string]USD           // a call, by the name of the generator
}

// Of returns how long a stage takes, or 0 if that is not known. generator is the name of
// the one that makes the files, or empty.
func (u Usual) Of(s Stage, generator string) time.Duration {
	if s == StageGenerate {
		return u.Generators[generator]
	}
	return u.Stages[s]
}

// Median returns the middle of the values, or 0 without any.
func Median[V time.Duration | USD](list []V) V {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
