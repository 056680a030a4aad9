package app

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/notify"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// This file is what the owner of the simulated week is notified of, by a webhook and by
// the webhook of a chat. Both services fail and lose answers.

const (
	phoneHost = "phone.test"
	// inTime is within what an alert is announced while the daemon runs: after the minute
	// that it stands, the tries that fail, and a disk that is full.
	inTime = 30 * time.Minute
)

// phonesConfig adds the targets.
func phonesConfig(cfg *config.Config) {
	for name, kind := range map[string]string{"phone": notify.TypeWebhook, "chat": notify.TypeDiscord} {
		cfg.Notify = append(cfg.Notify, config.Notify{
			Name: name, Type: kind, News: order.AllNews(), URL: "http://" + phoneHost + "/" + name, Zone: time.UTC,
		})
	}
}

// phones are the owner's targets, and what they have received.
type phones struct {
	mu      sync.Mutex
	rng     *rand.Rand
	calm    bool
	failing map[string]int // in a row, by path
	heard   []heard        // by the webhook
	chat    []string       // the texts of the chat's messages
	// unrecorded are the times at which it was not recorded that a message was sent.
	unrecorded []time.Time
}

// heard is a message that the owner has received.
type heard struct {
	at              time.Time
	ID, Title, Text string
	lost            bool // the answer
}

func newPhones(seed uint64) *phones {
	return &phones{rng: rand.New(rand.NewPCG(seed, 27)), failing: map[string]int{}}
}

func (p *phones) setCalm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calm = true
}

// hook is the hook of a life's store.
func (p *phones) hook(f *fate) func(string) error {
	return func(at string) error {
		err := f.step(at)
		if err != nil && at == "before:dispatch_sent" {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.unrecorded = append(p.unrecorded, time.Now())
		}
		return err
	}
}

// ServeHTTP takes a message. At most two requests in a row fail.
func (p *phones) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	luck := p.rng.Float64()
	if p.calm || p.failing[r.URL.Path] == 2 {
		luck = 1
	}
	if luck >= 0.3 {
		p.failing[r.URL.Path] = 0
	} else if p.failing[r.URL.Path]++; luck < 0.15 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.take(w, r, luck < 0.3)
	if luck < 0.3 {
		panic(http.ErrAbortHandler)
	}
}

func (p *phones) take(w http.ResponseWriter, r *http.Request, lost bool) {
	var m struct {
		heard
		Content string
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		panic(err)
	}
	m.at, m.lost = time.Now(), lost
	var n int
	switch _, err := fmt.Sscan(path.Base(r.URL.Path), &n); {
	case r.URL.Path == "/phone":
		p.heard = append(p.heard, m.heard)
	case err == nil:
		p.chat[n-1] = m.Content
	default:
		p.chat = append(p.chat, m.Content)
		fmt.Fprintf(w, `{"id":"%d"}`, len(p.chat))
	}
}

// received reports whether the owner has received a message that contains the text.
func (p *phones) received(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.heard, func(m heard) bool { return strings.Contains(m.Title+"\n"+m.Text, text) })
}

// hasHeard holds, at the end of a life, that the owner has heard of each order that is held.
func (w *world) hasHeard(db *sql.DB) {
	if time.Since(w.looks.began) < inTime {
		return
	}
	rows, err := db.Query("SELECT 'order ' || id || ' ', changed_at FROM orders WHERE state IN ('held', 'failed') AND code <> 'owner'")
	if err != nil {
		w.t.Errorf("read what is wrong: %v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var what, text string
		w.expect(rows.Scan(&what, &text))
		if since := must(time.Parse(time.RFC3339, text)); time.Since(since) > inTime && !w.phones.received(what) {
			w.t.Errorf("%sneeds the owner since %s, and the owner was not notified until %s", what, since, time.Now())
		}
	}
}

// checkPhones holds that the owner was notified of each alert that stood for a minute,
// once, and that it is over; a message is repeated only if it is not known to have arrived.
func (w *world) checkPhones(db *sql.DB) {
	w.checkRepeats()
	w.checkDispatches(db)
	w.checkDigests(db)
	rows := must(db.Query(`SELECT a.id, a.what || ' ' || a.subject || ' ' || a.code, a.opened_at, coalesce(a.closed_at, ''), t.target,
		coalesce((SELECT min(n.created_at) FROM notices AS n WHERE n.alert_id = a.id AND n.target = t.target AND n.kind = 'alert'), ''),
		coalesce((SELECT d.created_at FROM notices AS n JOIN dispatches AS d ON d.id = n.dispatch_id WHERE n.alert_id = a.id AND n.target = t.target AND n.kind = 'alert'), ''),
		(SELECT count(*) FROM notices AS n WHERE n.alert_id = a.id AND n.target = t.target AND n.kind = 'alert'),
		(SELECT count(*) FROM notices AS n WHERE n.alert_id = a.id AND n.target = t.target AND n.kind = 'over')
		FROM alerts AS a, (SELECT 'phone' AS target UNION SELECT 'chat') AS t`))
	defer rows.Close()
	for rows.Next() {
		var id, alerts, overs int
		var what, opened, closed, target, announced, begun string
		w.expect(rows.Scan(&id, &what, &opened, &closed, &target, &announced, &begun, &alerts, &overs))
		from, to := must(time.Parse(time.RFC3339, opened)), time.Now()
		if closed != "" {
			to = must(time.Parse(time.RFC3339, closed))
		}
		if at, err := time.Parse(time.RFC3339, announced); err == nil && at.Sub(from) < order.AnnounceAfter {
			w.t.Errorf("alert %d (%s) was announced to %s %s after it was opened", id, what, target, at.Sub(from))
		}
		if closed != "" && begun > closed {
			w.t.Errorf("alert %d (%s) was over at %s, and a message to %s announced it at %s", id, what, closed, target, begun)
		}
		if alerts > 1 || alerts == 0 && w.watched(from, to) {
			w.t.Errorf("alert %d (%s), open from %s to %s, was announced to %s %d times", id, what, from, to, target, alerts)
		}
		if closed != "" && overs != alerts {
			w.t.Errorf("alert %d (%s) was announced to %s %d times, and %d times that it is over", id, what, target, alerts, overs)
		}
	}
}

// watched reports whether the daemon ran for long enough to announce an alert that was
// open then. What a restore has lost was perhaps announced.
func (w *world) watched(from, to time.Time) bool {
	if slices.ContainsFunc(w.restores.done, func(p putBack) bool { return p.from.Before(to) && p.at.After(from) }) {
		return false
	}
	for i, s := range w.down {
		end := w.stopped // of the life that has begun when s was over
		if i+1 < len(w.down) {
			end = w.down[i+1].from
		}
		if latest, first := slices.MaxFunc([]time.Time{from, s.to}, time.Time.Compare), slices.MinFunc([]time.Time{to, end}, time.Time.Compare); first.Sub(latest) > inTime {
			return true
		}
	}
	return false
}

// checkRepeats holds that a message is sent again only if its answer was lost, if it was
// not recorded that it was sent, or after the end of a life.
func (w *world) checkRepeats() {
	last := map[string]heard{}
	for _, m := range w.phones.heard {
		within := func(at time.Time) bool { return !at.Before(last[m.ID].at) && !at.After(m.at) }
		if before, ok := last[m.ID]; ok && !before.lost && !slices.ContainsFunc(w.phones.unrecorded, within) &&
			!slices.ContainsFunc(w.down, func(s stay) bool { return within(s.from) }) {
			w.t.Errorf("message %s was sent at %s and again at %s: %s", m.ID, before.at, m.at, m.Title)
		}
		last[m.ID] = m
	}
}

// checkDispatches holds that each message that counts as sent has arrived with all of its
// lines, and that none waits.
func (w *world) checkDispatches(db *sql.DB) {
	var ledger string
	w.expect(db.QueryRow("SELECT id FROM ledger").Scan(&ledger))
	rows := must(db.Query("SELECT n.target, n.kind, n.line, n.created_at, coalesce(d.id, 0), coalesce(d.created_at, ''), coalesce(d.sent_at, '') FROM notices AS n LEFT JOIN dispatches AS d ON d.id = n.dispatch_id"))
	defer rows.Close()
	for rows.Next() {
		var target, kind, line, created, begun, sent string
		var id int64
		w.expect(rows.Scan(&target, &kind, &line, &created, &id, &begun, &sent))
		if sent == "" {
			if at := must(time.Parse(time.RFC3339, created)); time.Since(at) > time.Hour {
				w.t.Errorf("the line for %s of %s was never sent: %s %q", target, at, kind, line)
			}
			continue
		}
		if target != "phone" {
			continue
		}
		name := fmt.Sprintf("%s-%s-%d-%d", ledger, target, id, must(time.Parse(time.RFC3339, begun)).Unix())
		said := func(m heard) bool {
			return m.ID == name && strings.Contains(flat(m.Title+"\n"+m.Text), flat(term.Text(line)))
		}
		if !slices.ContainsFunc(w.phones.heard, said) {
			w.t.Errorf("message %s counts as sent at %s, and did not arrive: %s %q", name, sent, kind, line)
		}
	}
}

// flat returns the text in one line.
func flat(text string) string { return strings.ReplaceAll(text, "\n", " ") }

// checkDigests holds that each target got the summary of each day once, from its first on.
// A day on which the daemon hardly ran is sent late, or not at all.
func (w *world) checkDigests(db *sql.DB) {
	for _, target := range []string{"phone", "chat"} {
		sent := map[string]int{} // by the name of the day
		var first time.Time
		rows := must(db.Query("SELECT line, created_at FROM notices WHERE kind = 'digest' AND target = ? ORDER BY id", target))
		for rows.Next() {
			var line, created string
			w.expect(rows.Scan(&line, &created))
			if at := must(time.Parse(time.RFC3339, created)); first.IsZero() {
				first = at.Truncate(24 * time.Hour)
			}
			day, _, _ := strings.Cut(line, ":")
			sent[day]++
		}
		rows.Close()
		if first.IsZero() && w.stopped.Sub(w.down[0].to) > 72*time.Hour {
			w.t.Errorf("no day was summed up for %s until %s", target, w.stopped)
		}
		for day, n := range sent {
			if n > 1 {
				w.t.Errorf("the summary of %s was sent to %s %d times", day, target, n)
			}
		}
		for day := first; !first.IsZero() && day.Before(w.stopped); day = day.AddDate(0, 0, 1) {
			if name := day.Format("Monday, 2 January"); sent[name] == 0 && w.watched(day.AddDate(0, 0, 1), day.AddDate(0, 0, 2)) {
				w.t.Errorf("the summary of %s was not sent to %s", name, target)
			}
		}
	}
}

// asOwner does as a command of the owner, and reports whether there is a database.
func (w *world) asOwner(do func(store.Owner) error) bool {
	o, err := store.OpenOwner(w.dir, "cli:test")
	if err != nil {
		return false
	}
	defer o.Close()
	w.expect(do(o))
	if a := w.daemon.Load(); a != nil {
		a.Wake()
	}
	return true
}
