package app

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// halfRead is a drill whose marketplace lists orders, and shows none of them alone. It
// shows threads if threads is set.
type halfRead struct {
	*drill
	threads bool
}

func (h *halfRead) RoundTrip(r *http.Request) (*http.Response, error) {
	thread := strings.HasSuffix(r.URL.Path, "/messages")
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/orders/") && (!thread || !h.threads) {
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return h.drill.RoundTrip(r)
}

// TestARestoreIsFoundAfterAProcessThatHasOnlyPolled guards an old data folder that was put
// back as a whole. Processes take over what the listing and the threads show, and end
// before they have compared it with the ledger. The next one still finds the restore.
func TestARestoreIsFoundAfterAProcessThatHasOnlyPolled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		threads      bool // can be read, and have messages of ours
		before, then func(d *drill)
	}{
		"only the listing": {
			before: func(d *drill) { d.place("slow one", sandbox.NewOrder{}); d.place("slow two", sandbox.NewOrder{}) },
			then:   func(*drill) {},
		},
		"orders that the copy lacks": {
			before: func(d *drill) { d.place("before", sandbox.NewOrder{}) },
			then: func(d *drill) {
				d.place("one", sandbox.NewOrder{})
				d.place("two", sandbox.NewOrder{})
			},
		},
		"only threads": {
			threads: true,
			before: func(d *drill) {
				d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly})
				d.place("another window", sandbox.NewOrder{ServiceTitle: simWeekly})
			},
			then: func(d *drill) {
				d.must(d.market.ClientMessage(d.orders["window"], "a red one"))
				d.must(d.market.ClientMessage(d.orders["another window"], "a blue one"))
			},
		},
		"every state": {threads: true, before: (*drill).begin, then: (*drill).afterCopy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dirs := [3]string{storetest.Dir(t), t.TempDir(), t.TempDir()}
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t, restore{})
				if !c.threads {
					d.cfg.Messages.Templates = nil
				}
				d.runOn(dirs[0], func() { c.before(d); time.Sleep(10 * time.Minute) })
				copyFolder(t, dirs[1], dirs[0])
				d.runOn(dirs[0], func() { c.then(d); time.Sleep(2 * time.Hour) })
				before := d.done()
				copyFolder(t, dirs[2], dirs[1])
				for range 2 {
					stop := d.start(d.openWith(dirs[2], &halfRead{d, c.threads}))
					time.Sleep(11 * time.Minute)
					stop()
				}
				d.runOn(dirs[2], func() { time.Sleep(2 * time.Hour) })
				d.seesRestore(dirs[2])
				for what, n := range d.done() {
					if n != before[what] {
						t.Errorf("%s: %d times, before the restore %d times", what, n, before[what])
					}
				}
			})
		})
	}
}
