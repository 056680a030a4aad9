// Package forecast estimates when orders will be delivered: from how long work usually
// takes, how far running work is, how many workers there are, the order in which work is
// leased, and the requests to the marketplace that are left.
//
// It is pure: it must not know the database, the configuration or the clock.
package forecast

import (
	"slices"
	"time"

	"atelierd/internal/order"
)

// The durations that are assumed for work without a history.
const (
	DefaultGenerate = 2 * time.Minute
	DefaultUpload   = 10 * time.Second
	DefaultDeliver  = 5 * time.Second
)

// Job is work that waits or runs.
type Job struct {
	Order string
	Kind  order.Kind
	Stage order.Stage
	// Generator is the name of what makes the files, as far as that is known.
	Generator string
	Running   bool
	// Began is when the running attempt began. RunAt is when a waiting one may run.
	Began, RunAt time.Time
	Progress     order.Progress
	// Code is what it waits for.
	Code order.Code
	// Approval: the owner approves its files before they are delivered.
	Approval bool
}

// Input is what an estimate is made from.
type Input struct {
	Now time.Time
	// Jobs are in the order in which they are leased.
	Jobs []Job
	// Workers is how many generations run at the same time.
	Workers  int
	Usual    order.Usual
	Requests Requests
	// Stopped is why no work runs, such as a daemon that is down; empty while it does.
	Stopped string
}

// Expectation is when an order will be delivered, or why there is no estimate.
type Expectation struct {
	At      time.Time
	Unknown string
}

// Estimate returns the expectation for each order with work on a delivery. It changes
// nothing that in points to.
func Estimate(in Input) map[string]Expectation {
	if in.Requests.All != nil {
		all := *in.Requests.All
		in.Requests.All = &all
	}
	e := estimate{Input: in, expected: map[string]Expectation{}, free: make([]time.Time, max(in.Workers, 1))}
	for i := range e.free {
		e.free[i] = in.Now
	}
	e.running()
	e.waiting()
	e.send()
	return e.expected
}

type estimate struct {
	Input
	free     []time.Time // when each worker is free
	made     []made
	expected map[string]Expectation
}

// made is a job whose files exist at a time.
type made struct {
	Job
	at time.Time
}

// running occupies a worker for each running generation, until its end.
func (e *estimate) running() {
	worker := 0
	for _, j := range e.Jobs {
		if !j.Running {
			continue
		}
		left, known := e.left(j)
		at := e.Now.Add(left)
		if j.Stage.Lane() == order.LaneGenerate && worker < len(e.free) {
			e.free[worker] = at
			worker++
		}
		if !known {
			e.unknown(j, "it takes longer than usual")
			continue
		}
		e.made = append(e.made, made{j, at})
	}
}

// waiting assigns each waiting generation to the worker that is free first. Those that may
// run now come before those that may run later.
func (e *estimate) waiting() {
	var list []Job
	for _, j := range e.Jobs {
		if j.Running {
			continue
		}
		if why := unknownWhile[j.Code]; why != "" {
			e.unknown(j, why)
			continue
		}
		if j.RunAt = later(j.RunAt, e.Now); j.Code == order.CodeDayCap {
			j.RunAt = later(j.RunAt, order.Day(e.Now).AddDate(0, 0, 1))
		}
		list = append(list, j)
	}
	slices.SortStableFunc(list, func(a, b Job) int { return a.RunAt.Compare(b.RunAt) })
	for _, j := range list {
		at := j.RunAt
		if j.Stage.Lane() == order.LaneGenerate {
			worker := slices.IndexFunc(e.free, func(t time.Time) bool { return t.Equal(slices.MinFunc(e.free, time.Time.Compare)) })
			at = later(at, e.free[worker]).Add(e.usual(j))
			e.free[worker] = at
		}
		e.made = append(e.made, made{j, at})
	}
}

// send uploads and delivers what is made, one after the other, as the requests allow.
func (e *estimate) send() {
	slices.SortStableFunc(e.made, func(a, b made) int { return a.at.Compare(b.at) })
	for _, m := range e.made {
		at := m.at
		switch {
		case m.Kind != order.KindDelivery && m.Kind != order.KindPiece:
			continue
		case m.Stage == order.StageUpload && m.Running, m.Stage == order.StageDeliver:
		default:
			at = e.Requests.take(order.RequestUpload, at)
			if m.Stage == order.StageGenerate && m.Approval {
				e.unknown(m.Job, "it waits for your approval once it is made")
				continue
			}
			at = at.Add(e.usual(Job{Stage: order.StageUpload}))
		}
		if m.Kind != order.KindDelivery {
			continue
		}
		if m.Stage != order.StageDeliver || !m.Running {
			at = e.Requests.take(order.RequestDeliver, at).Add(e.usual(Job{Stage: order.StageDeliver}))
		}
		e.expect(m.Order, Expectation{At: at})
	}
}

func (e *estimate) unknown(j Job, why string) {
	if j.Kind == order.KindDelivery {
		e.expect(j.Order, Expectation{Unknown: why})
	}
}

// expect records the expectation for an order.
func (e *estimate) expect(id string, x Expectation) {
	if e.Stopped != "" {
		x = Expectation{Unknown: e.Stopped}
	}
	e.expected[id] = x
}

// usual returns how long the stage of a job takes.
func (e *estimate) usual(j Job) time.Duration {
	known := e.Usual.Of(j.Stage, j.Generator)
	switch {
	case known > 0:
		return known
	case j.Stage.Lane() == order.LaneGenerate:
		return DefaultGenerate
	case j.Stage == order.StageUpload:
		return DefaultUpload
	}
	return DefaultDeliver
}

const (
	// leastFraction is the least progress from which the rest is computed.
	leastFraction = 0.05
	// longest is how many times as long as usual work may take before it has no estimate.
	longest = 3
)

// left returns how long a running job still takes. known is false for one that takes far
// longer than usual and does not say how far it is.
func (e *estimate) left(j Job) (left time.Duration, known bool) {
	began := j.Began
	if !j.Progress.Began.IsZero() {
		began = j.Progress.Began
	}
	usual, elapsed := e.usual(j), max(e.Now.Sub(began), 0)
	switch p := j.Progress; {
	case p.Phase == order.PhaseDownloading:
		return DefaultUpload, true
	case p.Phase == order.PhaseMaking && p.Fraction >= leastFraction:
		return time.Duration(float64(elapsed) * (1 - p.Fraction) / p.Fraction), true
	case elapsed < usual:
		return usual - elapsed, true
	}
	return elapsed / 4, elapsed < longest*usual
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unknownWhile are the codes of waits whose end cannot be estimated.
var unknownWhile = map[order.Code]string{
	order.CodePaused:              "its generator is paused",
	order.CodePausedByOwner:       "it is paused by you",
	order.CodeKeyRefused:          "the marketplace refuses the key",
	order.CodeForbidden:           "the marketplace refuses the key",
	order.CodeNoKey:               "the marketplace refuses the key",
	order.CodeUnreachable:         "the marketplace is not reached",
	order.CodeServerError:         "the marketplace is not reached",
	order.CodeMoved:               "the marketplace is not reached",
	order.CodeUncompared:          "the ledger is not reconciled",
	order.CodeChecking:            "the ledger is not reconciled",
	order.CodeSecondDaemon:        "another daemon works as this agent",
	order.CodeLease:               "the lease is not renewed",
	order.CodeEnded:               "the marketplace takes no delivery of it now",
	order.CodeNotListed:           "the marketplace does not list it now",
	order.CodeNoFeedback:          "it waits for the client's feedback",
	order.CodeProviderUnreachable: "its provider is not reached",
	order.CodeOutage:              "its provider is not reached",
	order.CodeTryLater:            "its generator asks to be run later",
	order.CodeDiskFull:            "the disk is full",
	order.CodeNoMemory:            "this machine lacks memory",
}
