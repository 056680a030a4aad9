package app

import (
	"database/sql"
	"net/http"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

// This file is what the simulated week holds of the windows of subscriptions.

// margin is the window_margin from some time on.
type margin struct {
	from time.Time
	is   time.Duration
}

func isWeekly(s config.Service) bool { return s.Title == simWeekly }

// marginAt is how long before the end of a window the life at that time delivers it.
func (w *world) marginAt(at time.Time) time.Duration {
	is := simMargin
	for _, m := range w.margins {
		if !m.from.After(at) {
			is = m.is
		}
	}
	return is
}

// missWindow leaves the daemon down over the end of a window. Often its client looks at
// the order then, which makes it delivered without any file.
func (w *world) missWindow() {
	end := time.Now().Add(24 * time.Hour)
	id := ""
	for _, o := range w.market.Orders() {
		if o.Status == "in_progress" && o.WindowEnds.After(time.Now()) && o.WindowEnds.Before(end) {
			id, end = o.ID, o.WindowEnds
		}
	}
	if id == "" || w.guide || w.rng.IntN(3) == 0 {
		return
	}
	time.Sleep(time.Until(end) + 10*time.Minute)
	if w.rng.IntN(2) == 0 {
		w.call(http.MethodGet, "/orders/"+id, w.key(), "")
	}
}

// checkWindow holds that a window was delivered within its margin, and that each piece
// that was made reached its client once.
func (w *world) checkWindow(db *sql.DB, o sandbox.Order) {
	if len(o.Deliveries) > 1 {
		w.t.Errorf("subscription %s was delivered %d times", o.ID, len(o.Deliveries))
	}
	pieces, asked := 0, 0
	for _, m := range o.Messages {
		if strings.HasPrefix(m.Content, "Piece ") {
			pieces++
		} else if m.From == "client" {
			asked++
		}
	}
	var opened int
	err := db.QueryRow("SELECT count(*) FROM pieces WHERE order_id = ? AND message_id <> 'brief'", o.ID).Scan(&opened)
	if err != nil || opened > asked {
		w.t.Errorf("subscription %s: %d pieces were opened, and its client asked for %d, %v", o.ID, opened, asked, err)
	}
	if !w.restores.lostDelivery(o) {
		w.checkDelivered(db, o, pieces)
	}
	var made, sent int
	// A client who cancels gets nothing more, so the message of a piece made before is dropped.
	err = db.QueryRow(`SELECT count(*), coalesce(sum(message_state = 'sent'), 0) FROM v_pieces
		WHERE order_id = ? AND job_state = 'done' AND NOT (? = 'cancelled' AND message_state = 'dropped')`, o.ID, o.Status).Scan(&made, &sent)
	if err != nil || (made != pieces || sent != pieces) && !w.forgotten(o) {
		w.t.Errorf("subscription %s: %d pieces made, %d sent, %d in the thread, %v", o.ID, made, sent, pieces, err)
	}
	if pieces > simQuota {
		w.t.Errorf("subscription %s got %d pieces of %d", o.ID, pieces, simQuota)
	}
	if o.Status == "cancelled" {
		return
	}
	if made == 0 && len(o.Deliveries) == 0 && w.heldFor(db, o.ID, order.CodeNoFiles) {
		return // no piece could be made within the caps, and the owner was notified
	}
	if len(o.Deliveries) == 0 && !w.guide {
		w.t.Errorf("subscription %s was never delivered, so nobody is paid for it", o.ID)
	}
	var state, why string
	if err := db.QueryRow("SELECT state, code || ' ' || reason FROM orders WHERE id = ?", o.ID).Scan(&state, &why); err != nil || o.Status != "completed" || state != "completed" {
		w.t.Errorf("subscription %s is %s there and %s (%s) here, %v", o.ID, o.Status, state, why, err)
	}
}

// checkDelivered holds that the delivery of a window was begun within the margin of the
// life that began it, and arrived before the end.
func (w *world) checkDelivered(db *sql.DB, o sandbox.Order, pieces int) {
	for _, d := range o.Deliveries {
		begun := d.At
		var text string
		if err := db.QueryRow("SELECT min(at) FROM events WHERE order_id = ? AND kind = 'delivering'", o.ID).Scan(&text); err == nil {
			begun = must(time.Parse(time.RFC3339, text))
		}
		if begun.Before(o.WindowEnds.Add(-w.marginAt(begun)-time.Second)) && (o.QuotaTotal == 0 || pieces < o.QuotaTotal) {
			w.t.Errorf("subscription %s was delivered at %s, before the margin of its window until %s", o.ID, d.At, o.WindowEnds)
		}
		if !d.At.Before(o.WindowEnds) && w.madeBefore(db, o.ID, o.WindowEnds.Add(-leastMargin/2)) && !w.wasDown(o.WindowEnds) && !w.heldForRestore(o) {
			w.t.Errorf("subscription %s was delivered at %s, not before the end of its window at %s", o.ID, d.At, o.WindowEnds)
		}
	}
}

// wasDown reports whether there was no daemon for some of the least margin of a window.
func (w *world) wasDown(end time.Time) bool {
	return slices.ContainsFunc(w.down, func(s stay) bool {
		return s.to.After(end.Add(-leastMargin)) && s.from.Before(end) && s.to.Sub(s.from) > 20*time.Minute
	})
}

// madeBefore reports whether a piece of the order was made by then, so that the window
// could be delivered in time.
func (w *world) madeBefore(db *sql.DB, id string, at time.Time) bool {
	var n int
	err := db.QueryRow("SELECT count(*) FROM jobs WHERE order_id = ? AND kind = 'piece' AND state = 'done' AND finished_at < ?",
		id, at.UTC().Format("2006-01-02T15:04:05.000Z")).Scan(&n)
	return err == nil && n > 0
}
