package app

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/engine"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// telling is a drill whose generator says that it is at 40%, unless it is silent.
type telling struct {
	*drill
	silent bool
}

func (g *telling) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	for range 1000 {
		if !g.silent {
			r.Call.Report(order.Progress{Phase: order.PhaseMaking, Fraction: 0.4, Text: "upscaling"})
		}
	}
	return g.drill.Generate(ctx, r)
}

// TestALongGenerationIsLoggedOnceAMinute guards the line that shows whether work moves. A
// new process asks again: it shows nothing of what an earlier one was told.
func TestALongGenerationIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.slow = 30 * time.Second // work does not begin when the loop looks
		var log bytes.Buffer
		d.log = slog.NewTextHandler(&log, nil)
		g := &telling{drill: d}
		stop := d.start(d.openWith(dir, g))
		time.Sleep(20 * time.Minute)
		d.place("a quick one", sandbox.NewOrder{})
		time.Sleep(20 * time.Minute)
		d.place("slow one", sandbox.NewOrder{})
		time.Sleep(20*time.Minute - 10*time.Second) // the loop looks at each full minute
		stop()
		if early := regexp.MustCompile(`(?m)^.*msg="still working".* for=\d+s .*$`).FindString(log.String()); early != "" {
			t.Errorf("work of less than a minute is logged: %s", early)
		}
		lines := working(log.String(), d.orders["slow one"])
		if len(lines) < 12 || len(lines) > 20 {
			t.Errorf("%d lines in up to 20 minutes:\n%s", len(lines), strings.Join(lines, "\n"))
		}
		for _, line := range lines {
			if !strings.Contains(line, " stage=generate attempt=1 ") || !strings.Contains(line, " progress=40% text=upscaling usual=1m") {
				t.Errorf("the line is %s", line)
			}
		}
		log.Reset()
		g.silent = true
		stop = d.start(d.openWith(dir, g))
		time.Sleep(5 * time.Minute)
		stop()
		lines = working(log.String(), d.orders["slow one"])
		if len(lines) == 0 || strings.Contains(lines[0], "progress=") || !strings.Contains(lines[0], " for=1m") {
			t.Errorf("after the restart:\n%s", strings.Join(lines, "\n"))
		}
	})
}

// working returns the lines of the log about running work on an order.
func working(log, id string) (list []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="still working"`) && strings.Contains(line, id) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

func TestProgressOfWorkThatEndedIsForgotten(t *testing.T) {
	t.Parallel()
	var p progress
	one, two := order.Job{Token: "one"}, order.Job{Token: "two"}
	p.report(one, order.Progress{Fraction: 0.5})
	p.report(two, order.Progress{Fraction: 0.7})
	p.report(two, order.Progress{Fraction: 0.6})
	p.keep([]engine.Attempt{{Job: two}})
	if a, b := p.of(one), p.of(two); a != (order.Progress{}) || b.Fraction != 0.7 || len(p.by) != 1 {
		t.Errorf("%+v and %+v are kept", a, b)
	}
}
