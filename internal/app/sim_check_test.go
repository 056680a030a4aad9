package app

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// check looks at the marketplace's record and at the database.
func (w *world) check() {
	db := w.openDatabase()
	defer db.Close()
	w.checkIntegrity(db)
	w.checkEnrolled()
	orders := slices.DeleteFunc(w.market.Orders(), func(o sandbox.Order) bool { return o.AgentID != w.agent })
	if len(orders) == 0 {
		w.t.Error("nobody has ordered anything")
	}
	for _, o := range orders {
		if plainOrder(o) && !w.odd.cancelled[o.ID] {
			w.checkOrder(db, o)
		}
	}
	w.checkKinds(db, orders)
	w.checkPaid(db)
	w.checkStorage(orders)
	w.checkAssistant(db, orders)
	w.checkBooks(db)
	w.checkSearch(db)
	w.checkBlocked(db)
	w.checkAttempts(db)
	w.checkTakes(db)
	w.checkBudget()
	w.checkHost()
	w.checkDays()
	w.checkRestores(db)
	w.checkOddities(db)
	w.checkPhones(db)
	w.checkPauses(db)
	for _, s := range w.stays {
		o, _ := w.market.Order(s.id)
		for _, d := range o.Deliveries {
			if d.At.After(s.from) && d.At.Before(s.to) && !w.lostStay(s.id) && !w.restores.hand[s.id] {
				w.t.Errorf("order %s was delivered while the owner wanted it left alone", s.id)
			}
		}
	}
	for what, times := range w.painter.made {
		id, _, _ := strings.Cut(what, " ")
		if times > 1+w.model.again() && !w.touched[id] && !w.redone[id] && !w.restores.any() {
			w.t.Errorf("%s was made %d times", what, times)
		}
	}
	if *simSeed != 0 {
		w.t.Logf("%d orders, %d crashes, %d requests, %d notifications", len(orders), w.crash, len(w.market.Requests()), len(w.phones.heard))
	}
}

func (w *world) openDatabase() *sql.DB {
	return must(sql.Open("sqlite", "file:"+filepath.Join(w.dir, store.FileName)+"?_pragma=busy_timeout(5000)"))
}

func (w *world) checkIntegrity(db *sql.DB) {
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		w.t.Errorf("integrity_check: %s, %v", verdict, err)
	}
	var unfinished int
	err := db.QueryRow("SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased')").Scan(&unfinished)
	if err != nil || unfinished != 0 {
		var one string
		_ = db.QueryRow("SELECT concat_ws(' ', order_id, kind, state, stage, code, reason, 'due', run_at) FROM jobs WHERE state IN ('ready', 'leased')").Scan(&one)
		w.t.Errorf("%d jobs are unfinished days after the faults, %v; one is %s", unfinished, err, one)
	}
	var restored string
	err = db.QueryRow("SELECT coalesce(max(text), '') FROM events WHERE kind = 'restored'").Scan(&restored)
	if err != nil || restored != "" && !w.restores.any() && len(w.restores.hand) == 0 {
		w.t.Errorf("a ledger that was never restored was taken for a restored one: %s, %v", restored, err)
	}
}

func (w *world) checkOrder(db *sql.DB, o sandbox.Order) {
	rounds := map[int]int{}
	for _, d := range o.Deliveries {
		rounds[d.Round]++
	}
	for round, times := range rounds {
		if times > w.mostDeliveries(o) {
			w.t.Errorf("order %s (%s): round %d was delivered %d times: %+v", o.ID, o.Status, round, times, o.Deliveries)
			w.logHistory(db, o)
		}
	}
	var state, code string
	if err := db.QueryRow("SELECT state, code FROM orders WHERE id = ?", o.ID).Scan(&state, &code); err != nil {
		w.t.Errorf("order %s (%s) is not in the database: %v", o.ID, o.Status, err)
		return
	}
	if o.Status == "cancelled" {
		if state != "cancelled" {
			w.t.Errorf("order %s is cancelled there and %s here", o.ID, state)
		}
		return
	}
	if len(rounds) == o.Round+1 {
		// The payout of another order has set it back to paid, and its files are lost.
		lost := o.Status == "paid" && state == "held" && code == string(order.CodeNotShown) && w.restores.lostDelivery(o)
		if (state != "completed" && state != "delivered" || o.Status != "completed") && !lost {
			w.t.Errorf("order %s is delivered, %s there and %s (%s) here", o.ID, o.Status, state, code)
		}
		return
	}
	// Not delivered in some round: the owner must have been notified, for a reason
	// that nothing but the owner can settle.
	given := slices.Contains([]string{"refused", "unclear", "order_cap"}, code) || code == "unknown_call" && w.holdUnknown ||
		code == string(order.CodeNoFeedback) && (w.odd.byAPI[o.ID] || w.odd.chatty[o.ID]) && (w.odd.heard[o.ID] < o.Round || w.restores.any()) ||
		code == string(order.CodeNoFeedback) && w.restores.lostDelivery(o) || // nobody knows whether what the client wrote came after it
		(code == string(order.CodeExpired) || code == string(order.CodeNotVisible)) && (w.lostWork(o.ID) || w.restores.any()) || // a restore waits longer than a provider keeps a result
		code == string(order.CodeUnknownCall) && len(w.restores.known) > 0 ||
		code == string(order.CodeOwner) && w.lostRetry(o.ID) ||
		slices.Contains([]string{"exit", "provider", "no_answer", "outage", "slow"}, code) && w.givenUp(db, o.ID)
	if (state != "held" && state != "failed") || !given {
		w.t.Errorf("order %s: %d of %d rounds delivered, %s there and %s (%s) here",
			o.ID, len(rounds), o.Round+1, o.Status, state, code)
		w.logHistory(db, o)
	}
}

// logHistory prints what happened to an order, for a week that has failed.
func (w *world) logHistory(db *sql.DB, o sandbox.Order) {
	for _, line := range append(w.provider.jobsOf(w.paid[o.ID]), w.historyOf(db, o.ID)...) {
		w.t.Log(line)
	}
}

// historyOf returns the end of what happened to an order.
func (w *world) historyOf(db *sql.DB, id string) (lines []string) {
	rows := must(db.Query("SELECT at, what, substr(text, 1, 200), actor FROM v_timeline WHERE order_id = ? ORDER BY at DESC LIMIT 60", id))
	defer rows.Close()
	for rows.Next() {
		var at, what, text, actor string
		w.expect(rows.Scan(&at, &what, &text, &actor))
		lines = append(lines, strings.TrimSpace(at+" "+what+": "+text+" "+actor))
	}
	slices.Reverse(lines)
	return lines
}

// givenUp reports whether some stage of the order has used all its attempts.
func (w *world) givenUp(db *sql.DB, id string) bool {
	var attempts int
	err := db.QueryRow(`SELECT coalesce(max(attempt), 0) FROM v_attempts WHERE order_id = ? AND outcome IN ('fail', 'hold')`, id).Scan(&attempts)
	return err == nil && attempts >= w.cfg.Work.MaxAttempts
}

func (w *world) checkAttempts(db *sql.DB) {
	var beyond int
	err := db.QueryRow("SELECT count(*) FROM attempts WHERE stage = 'generate' AND attempt > ? OR attempt < 1", w.cfg.Work.MaxAttempts).Scan(&beyond)
	if err != nil || beyond != 0 {
		w.t.Errorf("%d attempts are beyond their cap, %v", beyond, err)
	}
	var full int
	err = db.QueryRow("SELECT count(*) FROM attempts WHERE outcome IN ('retry', 'hold', 'fail') AND instr(error, ?)", errFull.Error()).Scan(&full)
	if err != nil || full != 0 {
		w.t.Errorf("%d attempts were used up by a full disk, %v", full, err)
	}
}

// checkBudget counts honest refusals: those that no fault has made.
func (w *world) checkBudget() {
	hours := map[time.Time]int{}
	for _, r := range w.market.Refusals() {
		if r.Fault == "" {
			hours[r.At.Truncate(time.Hour)]++
		}
	}
	for hour, n := range hours {
		// An early refusal that a fault has made blocks calls too, so that a
		// clock hour may see the end of one window and the start of another.
		if n > 4 {
			w.t.Errorf("%d requests were refused in the hour of %s", n, hour)
		}
	}
}
