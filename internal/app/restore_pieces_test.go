package app

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// moderated is a drill whose marketplace shows one order in a status that nobody knows, for
// a while.
type moderated struct {
	*drill
	id    string
	until time.Time
}

func (m *moderated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.drill.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/orders/"+m.id) || time.Now().After(m.until) {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte(`"in_progress"`), []byte(`"under_moderation"`))))
	resp.ContentLength = -1
	return resp, err
}

// shownPieces is a window of which a restored ledger knows nothing.
type shownPieces struct {
	brief  string
	asks   string
	wait   time.Duration // zero until a piece is begun from the brief
	then   string        // asked for after the wait
	made   int           // before the restore
	files  int           // that are delivered in the end
	hidden time.Duration
}

// TestAPieceThatOnlyTheThreadShowsIsNotMadeAgain guards pieces that a restored ledger has
// forgotten: one that nobody asked for, also if the client asked for another one after it or
// while it was made, and one of an order in a status that is unknown while the ledger is
// compared.
func TestAPieceThatOnlyTheThreadShowsIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]shownPieces{
		"made from the brief":     {wait: simWindow - simMargin - 2*time.Hour, made: 2, files: 1},
		"and then asked for":      {wait: simWindow - simMargin - 2*time.Hour, then: "a blue one", made: 3, files: 2},
		"and asked for meanwhile": {brief: "slow roses", then: "a blue one", made: 2, files: 2},
		"an unknown status":       {asks: "a red one", wait: time.Hour, made: 2, files: 1, hidden: 30 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lookForPieces(t, c)
		})
	}
}

// lookForPieces has pieces made, puts an older copy of the ledger in place, and holds that
// none is made again.
func lookForPieces(t *testing.T, c shownPieces) {
	t.Helper()
	dirs := [4]string{storetest.Dir(t), t.TempDir(), t.TempDir(), t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, restore{})
		d.cfg.Work.Generators = 2
		d.runOn(dirs[0], func() {
			d.place("another, which shows a restore", sandbox.NewOrder{})
			d.place("window", sandbox.NewOrder{ServiceTitle: simWeekly, Brief: c.brief})
		})
		copyFolder(t, dirs[1], dirs[0])
		d.runOn(dirs[0], func() {
			if c.asks != "" {
				d.must(d.market.ClientMessage(d.orders["window"], c.asks))
			}
			time.Sleep(c.wait)
			for c.wait == 0 && d.pieces(dirs[0]) == 0 {
				time.Sleep(time.Minute)
			}
			if c.then != "" {
				d.must(d.market.ClientMessage(d.orders["window"], c.then))
				time.Sleep(30 * time.Minute)
			}
		})
		copyFolder(t, dirs[2], dirs[0])
		if len(d.made) != c.made {
			t.Fatalf("made before the restore: %v", d.made)
		}
		databaseBesideNewer(t, dirs[3], dirs[1], dirs[2])
		stop := d.start(d.openWith(dirs[3], &moderated{d, d.orders["window"], time.Now().Add(c.hidden)}))
		time.Sleep(time.Hour)
		owner, err := store.OpenOwner(dirs[3], "cli:test")
		d.must(err)
		defer owner.Close()
		must(owner.AcceptRestore())
		d.wake()
		time.Sleep(simWindow)
		stop()
		d.once()
		if o, _ := d.market.Order(d.orders["window"]); len(o.Deliveries) != 1 {
			t.Errorf("the window was delivered %d times", len(o.Deliveries))
		} else if n := len(o.Deliveries[0].URLs); n != c.files {
			t.Errorf("the window was delivered with %d files, want %d", n, c.files)
		}
		for what, n := range d.made {
			if n != 1 {
				t.Errorf("%s was made %d times", what, n)
			}
		}
	})
}

// pieces returns how many pieces of the window are begun.
func (d *drill) pieces(dir string) int {
	st, err := store.OpenReader(dir)
	d.must(err)
	defer st.Close()
	return len(must(st.Pieces(d.t.Context(), d.orders["window"])))
}
