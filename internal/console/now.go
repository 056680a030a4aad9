package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// nowPage is the first page: is it well, what needs the owner, what is being made.
type nowPage struct {
	view.Overview
	Sentence string
	Notes    []note
	Needs    needs
	Making   []makingRow
	InWork   int
	Today    today
	Pictures []delivered
	Plots    []plot
	Figures  []figure
	Ready    *ready       // before the first order
	Paused   bool         // by the owner, all of it
	Agents   *view.Agents // on the address, if they share its requests
}

// makingRow is a row of what is being made.
type makingRow struct {
	view.Row
	Picture picture
	Link    string
	Doing   string
	// Began and Usual are of the work that runs; Done is the width of its bar, or empty.
	Began   time.Time
	Usual   time.Duration
	Done    string
	Details []string
}

// today are the sums and limits of the day.
type today struct {
	Ends          time.Time // of the day in UTC, which the cap has
	Spent         string    // width of the bar; empty without a cap
	Used, Kept    string    // widths of the bars of the requests; Used is empty where each kind counts
	KeptAt        string
	Left, KeptFor int
	Kinds         []string
}

// delivered is a picture of today.
type delivered struct {
	Picture picture
	Link    string
	Price   *order.USD
	At      time.Time
}

// now builds the page.
func (c *console) now(v visit) (page string, f frame, err error) {
	s, err := c.snapshot(v.Context())
	if err != nil {
		return "", f, err
	}
	p := nowPage{Overview: s.now, Sentence: s.sentence(), Notes: c.notes(s.now), InWork: s.now.Orders[order.StateWorking], Today: todayOf(s.now)}
	p.Figures, p.Plots = monthOf(s.now.Month)
	p.Needs = needs{Rows: s.needs, Token: formToken(v)}
	if len(s.needs) > mostNeeds+1 {
		p.Needs.Rows, p.Needs.Rest = s.needs[:mostNeeds], s.needs[mostNeeds:]
		p.Needs.More = named(p.Needs.Rest)
		if beyond := len(p.Needs.Rest) - mostFolded; beyond > 0 {
			p.Needs.Rest, p.Needs.Beyond = p.Needs.Rest[:mostFolded], beyond
		}
	}
	for _, row := range s.now.Making {
		p.Making = append(p.Making, makingOf(row, s.covers, s.now.At))
	}
	for _, d := range s.now.Delivered {
		tile := picture{Icon: "pictures"}
		if t := tileOf(s.covers, d.ID); t != nil {
			tile = *t
		}
		p.Pictures = append(p.Pictures, delivered{tile, orderURL(d.ID), d.Price, d.At})
	}
	for _, pause := range s.now.Paused {
		p.Paused = p.Paused || pause.Service == ""
	}
	if !s.now.Begun {
		p.Ready = readyOf(s.now, c.Agent())
		p.Sentence = p.Ready.Sentence
	}
	if c.Neighbours != nil {
		p.Agents = c.Neighbours(v.Context())
	}
	title := "Now"
	switch n := len(s.needs); n {
	case 0:
	case 1:
		title = "1 needs you"
	default:
		title = fmt.Sprintf("%d need you", n)
	}
	return "now", frame{Title: title, Tab: "now", Body: p}, nil
}

// mostNeeds is how many rows of what needs the owner are shown at once, and mostFolded how
// many of the rest.
const (
	mostNeeds  = 5
	mostFolded = view.OrdersOfNeeds - mostNeeds
)

// named says what is folded: "2 more: a payout failed, a listing differs".
func named(rest []need) string {
	var titles []string
	for _, n := range rest[:min(len(rest), 3)] {
		titles = append(titles, cut(60, n.Title))
	}
	text := fmt.Sprintf("%d more: %s", len(rest), strings.Join(titles, ", "))
	if len(rest) > 3 {
		text += ", …"
	}
	return text
}

// formToken is the token for the forms of a page; empty for those who may change nothing.
func formToken(v visit) string {
	if v.who.Role != access.Owner {
		return ""
	}
	return v.token()
}

// snapshot is what the pages and streams of one moment share.
type snapshot struct {
	at      time.Time
	version uint64
	now     view.Overview
	needs   []need
	covers  map[string]file // of all orders in it
}

// snapshots keeps the last one.
type snapshots struct {
	mu   sync.Mutex
	last *snapshot
}

// snapshot reads what is going on, or returns what was read less than a second ago unless
// the ledger has changed since.
func (c *console) snapshot(ctx context.Context) (*snapshot, error) {
	c.snapshots.mu.Lock()
	defer c.snapshots.mu.Unlock()
	version, err := c.Version()
	if err != nil {
		return nil, err
	}
	if s := c.snapshots.last; s != nil && s.version == version && time.Since(s.at) < lookEvery {
		return s, nil
	}
	now, err := c.View.Overview(ctx)
	if err != nil {
		return nil, err
	}
	covers, err := c.covers(ctx, ordersOf(now))
	if err != nil {
		return nil, err
	}
	c.snapshots.last = &snapshot{at: time.Now(), version: version, now: now, needs: needsOf(now, covers), covers: covers}
	return c.snapshots.last, nil
}

// ordersOf returns the orders that the first page shows.
func ordersOf(n view.Overview) (ids []string) {
	for _, need := range n.Needs[:min(len(n.Needs), mostNeeds+mostFolded)] {
		if need.OfOrder() {
			ids = append(ids, need.ID)
		}
	}
	for _, row := range n.Making {
		ids = append(ids, row.ID)
	}
	for _, d := range n.Delivered {
		ids = append(ids, d.ID)
	}
	return ids
}

// sentence says how it is.
func (s *snapshot) sentence() string {
	n := s.now
	how := "Running well."
	switch {
	case len(n.Daemon.Stuck) > 0:
		how = "Running, but a part is stuck."
	case n.Daemon.Stopping:
		how = "Stopping."
	case !n.Polls.Answered.IsZero() && !n.Polls.Reached:
		how = "The marketplace does not answer."
	case paused(n):
		how = "Paused."
	}
	switch needs := len(s.needs); needs {
	case 0:
		return how + " Nothing needs you."
	case 1:
		return how + " One thing needs you."
	default:
		return fmt.Sprintf("%s %d things need you.", how, needs)
	}
}

func paused(n view.Overview) bool {
	for _, p := range n.Paused {
		if p.Service == "" {
			return true
		}
	}
	return false
}

// bars say what keeps a page from being up to date.
func (c *console) bars(ctx context.Context) ([]note, error) {
	s, err := c.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return c.notes(s.now), nil
}

// notes are bars above everything else.
func (c *console) notes(n view.Overview) (list []note) {
	if !n.Polls.Answered.IsZero() && !n.Polls.Reached {
		again := "It is tried again by itself."
		if wait := n.Polls.Next.Sub(n.At); wait > 0 {
			again = "Tried again in " + spanText(wait) + "."
		}
		list = append(list, note{
			Kind: "bad", Strong: "The marketplace has not answered for " + spanText(n.At.Sub(n.Polls.Answered)) + ".",
			Text: "Orders in work go on; nothing can be delivered. " + again,
		})
	}
	if len(n.Daemon.Stuck) > 0 {
		list = append(list, note{Kind: "bad", Strong: "Stuck: " + strings.Join(n.Daemon.Stuck, ", ") + ".", Text: "The log of the daemon says where. A restart loses nothing."})
	}
	return list
}

// doing are words for stages.
var doing = map[order.Stage]string{
	order.StageGenerate: "being made", order.StageUpload: "uploading", order.StageDeliver: "delivering", order.StageQuote: "asking for the price", order.StageSend: "sending", order.StageWrite: "writing a reply",
}

// makingOf returns the row of an order in work.
func makingOf(row view.Row, covers map[string]file, now time.Time) makingRow {
	m := makingRow{Row: row, Link: orderURL(row.ID), Picture: picture{Icon: "rays"}}
	if p := tileOf(covers, row.ID); p != nil {
		m.Picture = *p
	}
	w := row.Work
	if w == nil {
		m.Doing, m.Details = waitWords(row, now), []string{"nothing is spent meanwhile"}
		return m
	}
	m.Doing, m.Began = doing[w.Stage], w.Since
	if m.Doing == "" {
		m.Doing = string(w.Stage)
	}
	if !w.Progress.Began.IsZero() {
		m.Began = w.Progress.Began
	}
	switch w.Progress.Phase {
	case order.PhaseQueued:
		m.Doing = "queued at the provider"
		if w.Progress.Queue > 0 {
			m.Doing = fmt.Sprintf("place %d in the provider’s queue", w.Progress.Queue)
		}
	case order.PhaseDownloading:
		m.Doing = "fetching the files"
	}
	done := w.Progress.Fraction
	if w.UsualSeconds >= 1 && w.Stage == order.StageGenerate {
		m.Usual = time.Duration(w.UsualSeconds * float64(time.Second))
		if done == 0 {
			done = min(now.Sub(m.Began).Seconds()/w.UsualSeconds, 0.97)
		}
	}
	if done > 0 {
		m.Done = width(done)
	}
	m.Details = details(row, *w)
	return m
}

// details say who makes it, and how far it is.
func details(row view.Row, w view.Work) (list []string) {
	if w.Progress.Total > 0 {
		sent, _ := bytesText(w.Progress.Done) // they are numbers
		all, _ := bytesText(w.Progress.Total)
		list = append(list, sent+" of "+all)
	}
	if row.Call != nil {
		list = append(list, row.Call.Generator)
		if row.Call.Ticket != "" {
			list = append(list, "job "+cut(40, row.Call.Ticket))
		}
	} else if w.Progress.Generator != "" {
		list = append(list, w.Progress.Generator)
	}
	if w.Progress.Text != "" {
		list = append(list, cut(60, w.Progress.Text))
	}
	if w.Attempt > 1 {
		list = append(list, fmt.Sprintf("attempt %d", w.Attempt))
	}
	return list
}

// width is a part of 1 as a width of a bar that is 100 wide.
func width(part float64) string {
	return strconv.FormatFloat(min(max(part, 0), 1)*100, 'f', 1, 64)
}

// todayOf returns the bars of the day.
func todayOf(n view.Overview) today {
	t := today{Ends: order.Day(n.At).AddDate(0, 0, 1)}
	spent, errSpent := order.ParseUSD(n.Spending.Today)
	limit, errLimit := order.ParseUSD(n.Spending.Cap)
	if errSpent == nil && errLimit == nil && limit > 0 {
		t.Spent = width(float64(spent) / float64(limit))
	}
	r := n.Requests
	if r.Counts == order.CountsSeparate {
		for _, k := range r.Kinds {
			t.Kinds = append(t.Kinds, fmt.Sprintf("%s %d of %d", k.Kind, k.Used, k.Limit))
		}
		return t
	}
	if r.Limit > 0 {
		t.Left = max(r.Limit-r.Used, 0)
		t.KeptFor = min(n.Polls.Kept, t.Left)
		t.Used = width(float64(r.Used) / float64(r.Limit))
		t.Kept = width(float64(t.KeptFor) / float64(r.Limit))
		t.KeptAt = width(1 - float64(t.KeptFor)/float64(r.Limit))
	}
	return t
}

// pause keeps all work from beginning, and resume ends that.
func (c *console) pause(w http.ResponseWriter, v visit) {
	c.backToNow(w, v, c.Owner.As(order.Console(v.who.Name)).Pause(order.Pause{}, nil))
}

func (c *console) resume(w http.ResponseWriter, v visit) {
	err := c.Owner.As(order.Console(v.who.Name)).Resume("")
	if errors.Is(err, store.ErrNotPaused) {
		err = nil // somebody else was first
	}
	c.backToNow(w, v, err)
}

// backToNow goes back to the first page after an act.
func (c *console) backToNow(w http.ResponseWriter, v visit, err error) {
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	c.Wake()
	http.Redirect(w, v.Request, "/", http.StatusSeeOther)
}
