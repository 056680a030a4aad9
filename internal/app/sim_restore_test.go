package app

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// This file is the loss of the newest data: between two lives somebody puts an older
// copy of the data folder back, or of the database alone. And it is what happens to
// orders while the daemon is down.

// backups are the copies of one week.
type backups struct {
	rng     *rand.Rand
	wanted  bool // this week has restores
	byHand  bool // and deliveries by hand
	copyDir string
	copied  time.Time // zero without a copy
	done    []putBack
	// known is when the daemon has noticed a restore, or work of somebody else.
	known []time.Time
	// compared is when a reconcile has ended.
	compared []time.Time
	hand     map[string]bool // orders that were delivered by hand
	// looks: the owner has a reason to look whether a restore was noticed.
	looks atomic.Bool
}

// putBack is one restore.
type putBack struct {
	from, at time.Time // what was done between them is lost
	alone    bool      // only the database was put back
}

func newBackups(seed uint64, copyDir string) *backups {
	rng := rand.New(rand.NewPCG(seed, 23))
	wanted := rng.IntN(3) == 0
	return &backups{rng: rng, wanted: wanted, byHand: rng.IntN(4) == 0, copyDir: copyDir, hand: map[string]bool{}}
}

// lost reports whether what was done then is missing from the database.
func (r *backups) lost(at time.Time) bool {
	return slices.ContainsFunc(r.done, func(p putBack) bool { return !at.Before(p.from) && !at.After(p.at) })
}

// lostDelivery reports whether a delivery of the order is missing from the database. It
// is found at the marketplace, and is not announced. The marketplace may have received the
// request after the copy was put back.
func (r *backups) lostDelivery(o sandbox.Order) bool {
	return slices.ContainsFunc(o.Deliveries, func(d sandbox.Delivery) bool { return r.lost(d.At) || r.lost(d.At.Add(-slowest)) })
}

// lostClaim reports whether the agent's claim of a bounty is missing from the database.
func (r *backups) lostClaim(b sandbox.Bounty, agent string) bool {
	return slices.ContainsFunc(b.Claims, func(c sandbox.Claim) bool { return c.AgentID == agent && r.lost(c.At) })
}

// any reports whether something was lost.
func (r *backups) any() bool { return len(r.done) > 0 }

// unnoticed reports whether something of a day was lost and that was not noticed on the
// day: then its cap is not known.
func (r *backups) unnoticed(day time.Time) bool {
	end := day.Add(24 * time.Hour)
	return slices.ContainsFunc(r.done, func(p putBack) bool {
		return p.from.Before(end) && !p.at.Before(day) && !slices.ContainsFunc(r.known, func(k time.Time) bool { return !k.Before(p.at.Truncate(time.Millisecond)) && k.Before(end) })
	})
}

// whileDown is what happens between two lives.
func (w *world) whileDown() {
	r := w.restores
	w.endOrders(r.rng)
	if !r.wanted {
		return
	}
	switch {
	case r.copied.IsZero() || r.rng.IntN(4) == 0:
		w.expect(os.RemoveAll(r.copyDir))
		w.expect(copyTree(r.copyDir, w.dir))
		r.copied = time.Now()
	case r.rng.IntN(4) == 0:
		p := putBack{r.copied, time.Now(), r.rng.IntN(2) == 0}
		w.putBack(p.alone)
		r.done = append(r.done, p)
		r.looks.Store(true)
	}
}

// putBack replaces the data folder, or only its database, by the copy.
func (w *world) putBack(alone bool) {
	files := must(filepath.Glob(filepath.Join(w.dir, "*")))
	if alone {
		files = must(filepath.Glob(filepath.Join(w.dir, store.FileName+"*")))
	}
	for _, f := range files {
		w.expect(os.RemoveAll(f))
	}
	if !alone {
		w.expect(copyTree(w.dir, w.restores.copyDir))
		return
	}
	for _, f := range must(filepath.Glob(filepath.Join(w.restores.copyDir, store.FileName+"*"))) {
		w.expect(os.WriteFile(filepath.Join(w.dir, filepath.Base(f)), must(os.ReadFile(f)), 0o600))
	}
}

// copyTree copies a folder. Nobody else can read the copy.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}

// endOrders has a client cancel an order, or the owner deliver one by hand.
func (w *world) endOrders(rng *rand.Rand) {
	for _, o := range w.market.Orders() {
		if o.AgentID != w.agent || o.Status != "paid" || o.ClientType == "agent_x402" || rng.IntN(5) > 0 {
			continue
		}
		if !w.restores.byHand || w.guide || o.ServiceTitle == simWeekly || strings.Contains(o.Brief, "indecent") || rng.IntN(2) == 0 {
			w.cancel(o.ID)
			return
		}
		w.deliverByHand(o.ID)
		return
	}
}

// deliverByHand has the owner deliver an order that is still paid once no request of the
// last life can arrive any more: a delivery that is on its way would be a second one.
func (w *world) deliverByHand(id string) {
	time.Sleep(slowest - time.Since(w.stopped))
	if o, _ := w.market.Order(id); o.Status != "paid" {
		return
	}
	w.restores.hand[id] = true
	w.restores.looks.Store(true)
	w.call(http.MethodPost, "/orders/"+id+"/deliver", w.key(), `{"deliverable_url":"https://files.test/by-hand.png","deliverable_media_type":"image"}`)
}

// cancel has the client cancel an order.
func (w *world) cancel(id string) {
	if err := w.market.Cancel(id); err != nil {
		w.t.Errorf("a client cancels: %v", err)
	} else {
		w.looks.end(id)
	}
}

// learn notes the restores that the daemon has noticed since the last life, and when the
// ledger had what the marketplace shows.
func (w *world) learn() {
	db := w.openDatabase()
	defer db.Close()
	w.restores.known = w.events(db, "restored", w.restores.known)
	w.restores.compared = w.events(db, "reconciled", w.restores.compared)
	w.hasHeard(db)
}

// events adds the times of the daemon's events of a kind to those that are known.
func (w *world) events(db *sql.DB, kind string, known []time.Time) []time.Time {
	rows, err := db.Query("SELECT at FROM events WHERE kind = ?", kind)
	if err != nil {
		return known // the database has never been migrated
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		w.expect(rows.Scan(&text))
		at := must(time.Parse(time.RFC3339, text))
		if !slices.ContainsFunc(known, at.Equal) {
			known = append(known, at)
		}
	}
	return known
}

// accept has the owner accept each restore after a day, until ctx ends.
func (w *world) accept(ctx context.Context) {
	tick := time.NewTicker(2 * time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !w.restores.looks.Load() {
			continue // to open the database so often takes a twentieth of a week's time
		}
		o, err := store.OpenOwner(w.dir, "cli:test")
		if err != nil {
			continue // the folder is being replaced
		}
		if l, err := o.Ledger(ctx); err == nil && !l.RestoredAt.IsZero() && time.Since(l.RestoredAt) > 24*time.Hour {
			_, _ = o.AcceptRestore() // it errs while the daemon still reconciles
			if a := w.daemon.Load(); a != nil {
				a.Wake()
			}
		}
		o.Close()
	}
}

// checkRestores holds that each reconcile has ended, that nothing is held for it any
// more, and that nothing was paid for on the day of a restore that was noticed.
func (w *world) checkRestores(db *sql.DB) {
	var why string
	var restored sql.NullString
	if err := db.QueryRow("SELECT reconcile, restored_at FROM ledger").Scan(&why, &restored); err != nil || why != "" || restored.Valid {
		w.t.Errorf("the restore of %s was accepted, and is not over: %q, %v", restored.String, why, err)
	}
	var held int
	if err := db.QueryRow("SELECT count(*) FROM orders WHERE code = 'restored'").Scan(&held); err != nil || held > 0 {
		w.t.Errorf("%d orders are held for a restore that the owner has accepted, %v", held, err)
	}
	for _, p := range w.restores.done {
		if p.alone && !w.idle(p) && !slices.ContainsFunc(w.restores.known, func(k time.Time) bool { return !k.Before(p.at.Truncate(time.Millisecond)) }) {
			w.t.Errorf("the database was put back at %s, and that was not noticed", p.at)
		}
	}
	for at := range w.looks.calls {
		for _, k := range w.restores.known {
			// A later copy may have lost that the restore was known.
			if at.After(k.Add(time.Minute)) && order.Day(at).Equal(order.Day(k)) && !w.restores.lost(k.Add(time.Millisecond)) {
				w.t.Errorf("something was paid for at %s, after the restore was known at %s", at, k)
			}
		}
	}
	if *simSeed != 0 && w.restores.any() {
		w.t.Logf("restores %s, known %s", fmt.Sprint(w.restores.done), w.restores.known)
	}
}

// idle reports whether the copy was put back before another life began, so that nothing was
// lost.
func (w *world) idle(p putBack) bool {
	return slices.ContainsFunc(w.down, func(s stay) bool { return !p.from.Before(s.from) && !p.at.After(s.to) })
}

// lostStay reports whether the database has forgotten that the owner cancelled an order.
func (w *world) lostStay(id string) bool {
	return slices.ContainsFunc(w.stays, func(s stay) bool { return s.id == id && w.restores.lost(s.from) })
}

// lostRetry reports whether the database has forgotten that the owner took a cancellation
// back.
func (w *world) lostRetry(id string) bool {
	return slices.ContainsFunc(w.stays, func(s stay) bool { return s.id == id && w.restores.lost(s.to) })
}

// forgotten reports whether pieces of a window may be missing from the database: it ended
// before they were found at the marketplace, which in the guide shows no window.
func (w *world) forgotten(o sandbox.Order) bool {
	return w.restores.uncompared(o.CompletedAt) || w.restores.any() && w.guide
}

// uncompared reports whether an order that ended then may have ended after a copy was made
// and before the ledger was compared. What has ended is not compared.
func (r *backups) uncompared(end time.Time) bool {
	return slices.ContainsFunc(r.done, func(p putBack) bool {
		until := p.at
		if i := slices.IndexFunc(r.compared, func(c time.Time) bool { return !c.Before(p.at.Truncate(time.Millisecond)) }); i >= 0 {
			until = r.compared[i]
		}
		return !end.Before(p.from) && !end.After(until)
	})
}

// heldForRestore reports whether a window may have been late: its pieces were held
// until the owner had accepted a restore.
func (w *world) heldForRestore(o sandbox.Order) bool {
	return slices.ContainsFunc(w.restores.known, func(k time.Time) bool { return k.Before(o.WindowEnds) && k.Add(26*time.Hour).After(o.CreatedAt) })
}
