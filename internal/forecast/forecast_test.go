package forecast_test

import (
	"fmt"
	"testing"
	"time"

	"atelierd/internal/forecast"
	"atelierd/internal/order"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// usual: a picture takes 60 s, an upload 4 s, a delivery 1 s.
var usual = order.Usual{
	Generators: map[string]time.Duration{"py": time.Minute},
	Stages:     map[order.Stage]time.Duration{order.StageUpload: 4 * time.Second, order.StageDeliver: time.Second},
}

// plenty is a count that is never reached.
func plenty() forecast.Requests {
	c := forecast.Count{Left: 1000, Limit: 1000, Every: time.Hour}
	return forecast.Requests{Upload: c, Deliver: c}
}

func waits(id string) forecast.Job {
	return forecast.Job{Order: id, Kind: order.KindDelivery, Stage: order.StageGenerate, Generator: "py"}
}

func runs(id string, since time.Duration, p order.Progress) forecast.Job {
	j := waits(id)
	j.Running, j.Began, j.Progress = true, now.Add(-since), p
	return j
}

func change(j forecast.Job, do func(*forecast.Job)) forecast.Job {
	do(&j)
	return j
}

// left is requests of one window: so many uploads and deliveries until it ends.
func left(uploads, deliveries int, ends time.Duration) forecast.Requests {
	return forecast.Requests{
		Upload:  forecast.Count{Left: uploads, Limit: 30, Ends: now.Add(ends), Every: time.Hour},
		Deliver: forecast.Count{Left: deliveries, Limit: 30, Ends: now.Add(ends), Every: time.Hour},
	}
}

// estimates are situations, and what is expected of each order: seconds from now, or words.
var estimates = []struct {
	name string
	in   forecast.Input
	want string // of each order, in seconds from now or in words
}{
	{"nothing", forecast.Input{}, "map[]"},
	{"one that waits", forecast.Input{Jobs: []forecast.Job{waits("a")}}, "map[a:65]"},
	{"behind each other at one worker", forecast.Input{Jobs: []forecast.Job{waits("a"), waits("b"), waits("c")}}, "map[a:65 b:125 c:185]"},
	{"beside each other at two", forecast.Input{Workers: 2, Jobs: []forecast.Job{waits("a"), waits("b"), waits("c")}}, "map[a:65 b:65 c:125]"},
	{"behind one that runs", forecast.Input{Jobs: []forecast.Job{waits("b"), runs("a", 20*time.Second, order.Progress{})}}, "map[a:45 b:105]"},
	{"one that says how far it is", forecast.Input{Jobs: []forecast.Job{runs("a", 20*time.Second, order.Progress{Phase: order.PhaseMaking, Fraction: 0.1})}}, "map[a:185]"},
	{"one whose call began earlier", forecast.Input{Jobs: []forecast.Job{
		runs("a", time.Second, order.Progress{Phase: order.PhaseMaking, Began: now.Add(-50 * time.Second)}),
	}}, "map[a:15]"},
	{"one that is downloaded", forecast.Input{Jobs: []forecast.Job{runs("a", time.Hour, order.Progress{Phase: order.PhaseDownloading, Fraction: 0.1})}}, "map[a:15]"},
	{"a little late", forecast.Input{Jobs: []forecast.Job{runs("a", 80*time.Second, order.Progress{})}}, "map[a:25]"},
	{"one that hangs", forecast.Input{Jobs: []forecast.Job{runs("a", time.Hour, order.Progress{Fraction: 0.01}), waits("b")}}, "map[a:it takes longer than usual b:965]"},
	{"without a history", forecast.Input{Jobs: []forecast.Job{change(waits("a"), func(j *forecast.Job) { j.Generator = "new" })}}, "map[a:125]"},
	{"one that is put off keeps no worker", forecast.Input{Jobs: []forecast.Job{
		change(waits("a"), func(j *forecast.Job) { j.RunAt = now.Add(10 * time.Minute) }), waits("b"),
	}}, "map[a:665 b:65]"},
	{"a paused generator keeps no worker", forecast.Input{Jobs: []forecast.Job{
		change(waits("a"), func(j *forecast.Job) { j.Code = order.CodePaused }), waits("b"),
	}}, "map[a:its generator is paused b:65]"},
	{"the day's cap", forecast.Input{Jobs: []forecast.Job{change(waits("a"), func(j *forecast.Job) { j.Code = order.CodeDayCap })}}, "map[a:43265]"},
	{"approval", forecast.Input{Jobs: []forecast.Job{change(waits("a"), func(j *forecast.Job) { j.Approval = true }), waits("b")}}, "map[a:it waits for your approval once it is made b:125]"},
	{"approved already", forecast.Input{Jobs: []forecast.Job{change(waits("a"), func(j *forecast.Job) { j.Approval, j.Stage = true, order.StageUpload })}}, "map[a:5]"},
	{"made already", forecast.Input{Jobs: []forecast.Job{
		change(waits("a"), func(j *forecast.Job) { j.Stage = order.StageUpload }), change(waits("b"), func(j *forecast.Job) { j.Stage = order.StageDeliver }),
	}}, "map[a:5 b:1]"},
	{"no delivery is left", forecast.Input{Requests: left(9, 0, 10*time.Minute), Jobs: []forecast.Job{waits("a")}}, "map[a:601]"},
	{"no upload is left", forecast.Input{Requests: left(0, 9, 10*time.Minute), Jobs: []forecast.Job{waits("a")}}, "map[a:605]"},
	{"one delivery is left", forecast.Input{Workers: 2, Requests: left(9, 1, 10*time.Minute), Jobs: []forecast.Job{waits("a"), waits("b")}}, "map[a:65 b:601]"},
	{"a window that ends before", forecast.Input{Requests: left(0, 0, 30*time.Second), Jobs: []forecast.Job{waits("a")}}, "map[a:65]"},
	{"a pause that the marketplace asks for", forecast.Input{Requests: func() forecast.Requests {
		r := plenty()
		r.Deliver.Blocked = now.Add(5 * time.Minute)
		return r
	}(), Jobs: []forecast.Job{waits("a")}}, "map[a:301]"},
	{"a shared count", forecast.Input{Workers: 9, Requests: func() forecast.Requests {
		r := plenty()
		r.All = &forecast.Count{Left: 3, Limit: 4, Ends: now.Add(20 * time.Minute), Every: time.Hour}
		return r
	}(), Jobs: []forecast.Job{waits("a"), waits("b"), waits("c"), waits("d")}}, "map[a:65 b:1201 c:1205 d:4801]"},
	{"pieces and messages are no deliveries", forecast.Input{Jobs: []forecast.Job{
		change(waits("a"), func(j *forecast.Job) { j.Kind = order.KindPiece }),
		{Order: "b", Kind: order.KindMessage, Stage: order.StageSend},
		waits("c"),
	}}, "map[c:125]"},
	{"a daemon that is down", forecast.Input{Stopped: "atelierd is not running", Jobs: []forecast.Job{waits("a")}}, "map[a:atelierd is not running]"},
}

func TestOrdersAreExpected(t *testing.T) {
	t.Parallel()
	for _, c := range estimates {
		c.in.Now, c.in.Usual = now, usual
		if c.in.Requests == (forecast.Requests{}) {
			c.in.Requests = plenty()
		}
		got := map[string]any{}
		for id, x := range forecast.Estimate(c.in) {
			if got[id] = x.Unknown; x.Unknown == "" {
				got[id] = x.At.Sub(now).Seconds()
			}
		}
		if text := fmt.Sprint(got); text != c.want {
			t.Errorf("%s: %s, want %s", c.name, text, c.want)
		}
	}
}
