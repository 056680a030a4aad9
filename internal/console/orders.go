package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// mostOrders is how many orders a page of the list has.
const mostOrders = 25

// ordersPage is a page of the list of orders.
type ordersPage struct {
	Chips      []chip
	Asked      wanted
	Services   []string
	Generators []string
	Filtered   bool // by more than a chip
	Rows       []orderRow
	Paging     paging
	Empty      *empty
	Short      bool // the text is too short to search for
}

// wanted is what a list of orders is asked for.
type wanted struct{ Show, Text, Client, Service, Generator, Time, Older string }

// chip is a part of the list, and how many orders it has; -1 is not counted.
type chip struct {
	Name, Link string
	N          int
	Now        bool
}

// orderRow is an order of the list.
type orderRow struct {
	view.Row
	Link    string
	Short   string
	Picture picture
	State   state
	// Began is of the work that runs.
	Began time.Time
	// Due is the deadline; zero for an order without one.
	Due  time.Time
	Warn bool
}

// The parts of the list.
var shows = []struct{ Show, Name string }{
	{"open", "Open"}, {"needs", "Needs you"}, {"work", "In work"}, {"client", "With the client"}, {"done", "Done"}, {"all", "All"},
}

// The times that a list can be limited to, by days.
var periods = []struct {
	Name, Label string
	Days        int
}{{"1", "Since yesterday", 1}, {"7", "7 days", 7}, {"30", "30 days", 30}, {"365", "A year", 365}}

// Times are the choices of a time.
func (ordersPage) Times() any { return periods }

var wallet = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`)

// readAsked reads what the address of a list asks for.
func readAsked(q url.Values) wanted {
	a := wanted{q.Get("show"), strings.TrimSpace(q.Get("q")), q.Get("client"), q.Get("service"), q.Get("generator"), q.Get("time"), q.Get("older")}
	if !slices.ContainsFunc(shows, func(s struct{ Show, Name string }) bool { return s.Show == a.Show }) {
		a.Show = "open"
	}
	if a.Client == "" && wallet.MatchString(a.Text) {
		a.Client, a.Text = a.Text, ""
	}
	return a
}

// link is the address of the list with one thing asked for otherwise.
func (a wanted) link(change func(*wanted)) string {
	a.Older = ""
	change(&a)
	q := url.Values{}
	for _, p := range []struct{ name, value string }{
		{"show", a.Show}, {"q", a.Text}, {"client", a.Client}, {"service", a.Service}, {"generator", a.Generator}, {"time", a.Time}, {"older", a.Older},
	} {
		if p.value != "" {
			q.Set(p.name, p.value)
		}
	}
	return "/orders?" + q.Encode()
}

// query is what the ledger is asked.
func (a wanted) query(now time.Time) store.OrderQuery {
	q := store.OrderQuery{Client: order.ClientID(a.Client), Text: a.Text, OlderThan: a.Older, Most: mostOrders}
	q.Narrow.Service, q.Narrow.Generator = a.Service, a.Generator
	switch a.Show {
	case "open":
		q.Narrow.Group = store.GroupOpen
	case "needs":
		q.Narrow.Group = store.GroupNeedYou
	case "client":
		q.Narrow.Group = store.GroupWithClient
	case "work":
		q.State = string(order.StateWorking)
	case "done":
		q.State = string(order.StateCompleted)
	default:
		q.State = "all"
	}
	for _, t := range periods {
		if t.Name == a.Time {
			q.Narrow.Since = now.AddDate(0, 0, -t.Days)
		}
	}
	return q
}

// orders builds the list of orders.
func (c *console) orders(v visit) (page string, f frame, err error) {
	a := readAsked(v.URL.Query())
	p := ordersPage{Asked: a, Filtered: a.Text != "" || a.Client != "" || a.Service != "" || a.Generator != "" || a.Time != ""}
	s, err := c.snapshot(v.Context())
	if err != nil {
		return "", f, err
	}
	for _, service := range s.now.Services {
		p.Services = append(p.Services, service.Title)
	}
	for _, g := range s.now.Generators {
		p.Generators = append(p.Generators, g.Name)
	}
	list, rows, err := s.now.List(v.Context(), a.query(s.now.At))
	switch {
	case errors.Is(err, store.ErrShortText):
		p.Short = true
		list.Counts, err = c.View.Store.CountOrders(v.Context())
	case errors.Is(err, store.ErrNotFound): // the order before the page is gone
		err = errNotFound
	}
	if err != nil {
		return "", f, err
	}
	if p.Rows, err = c.orderRows(v, rows, list.Now); err != nil {
		return "", f, err
	}
	p.Chips = chips(a, list.Counts)
	p.Paging = pagingOf(a, list, len(rows))
	if len(rows) == 0 {
		p.Empty = noOrders(a, p)
	}
	return "orders", frame{Title: "Orders", Tab: "orders", Body: p}, nil
}

// chips are the parts of the list. Those with many orders are not counted.
func chips(a wanted, n store.OrderCounts) []chip {
	counts := map[string]int{"open": n.Open, "needs": n.NeedYou, "work": n.InWork, "client": n.WithClient, "done": -1, "all": -1}
	var list []chip
	for _, s := range shows {
		list = append(list, chip{s.Name, a.link(func(a *wanted) { a.Show = s.Show }), counts[s.Show], a.Show == s.Show})
	}
	return list
}

func pagingOf(a wanted, list view.List, n int) (p paging) {
	p.Shown = "the newest " + fmt.Sprint(n)
	switch {
	case a.Older != "":
		p.Shown = plural(n, "order", "orders") + ", older than those before"
	case list.Next == "":
		p.Shown = plural(n, "order", "orders")
	}
	if list.Partial {
		p.Shown += "; older ones are not looked at yet"
	}
	if list.Next != "" {
		p.Older = a.link(func(a *wanted) { a.Older = list.Next })
	}
	return p
}

// noOrders says why the list is empty, and what to try.
func noOrders(a wanted, p ordersPage) *empty {
	all := a.link(func(a *wanted) { a.Show = "all" })
	switch {
	case p.Short:
		return &empty{"The text is too short", "Write at least 3 characters of the brief, or the last 6 of an id.", "", ""}
	case p.Paging.Older != "":
		return &empty{"None among these orders", "The older ones are not looked at yet.", p.Paging.Older, "Look further back"}
	case a.Older != "":
		return &empty{"No older orders", "That was the last one.", a.link(func(*wanted) {}), "To the newest"}
	case p.Filtered && a.Show != "all":
		return &empty{"No order fits", a.what(), all, "Try all orders, or the last characters of an id."}
	case p.Filtered:
		return &empty{"No order fits", a.what(), "/orders?show=all", "Try without filters, or the last characters of an id."}
	case a.Show == "all":
		return &empty{"No orders yet", "The first one will be here as soon as a client has paid.", "", ""}
	case a.Show == "needs":
		return &empty{"No order needs you", "Orders that wait for your yes, a price or a decision will be here.", "/orders", "All open orders"}
	}
	return &empty{"Nothing here", "Orders that are " + strings.ToLower(a.name()) + " will be here.", all, "All orders"}
}

func (a wanted) name() string {
	at := slices.IndexFunc(shows, func(s struct{ Show, Name string }) bool { return s.Show == a.Show })
	return shows[at].Name
}

// what names what was asked for: “tartn” of Images, in open orders.
func (a wanted) what() string {
	var parts []string
	if a.Text != "" {
		parts = append(parts, "“"+cut(60, a.Text)+"”")
	}
	if a.Client != "" {
		parts = append(parts, "client "+cut(60, a.Client))
	}
	if name := strings.TrimSpace(a.Service + " " + a.Generator); name != "" {
		parts = append(parts, cut(80, name))
	}
	for _, t := range periods {
		if t.Name == a.Time {
			parts = append(parts, strings.ToLower(t.Label))
		}
	}
	where := "in all orders"
	if a.Show != "all" {
		where = "in orders that are " + strings.ToLower(a.name())
	}
	return strings.Join(parts, ", ") + " " + where + "."
}

// orderRows are the rows of a page.
func (c *console) orderRows(v visit, rows []view.Row, now time.Time) (list []orderRow, err error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	covers, err := c.covers(v.Context(), ids)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		o := orderRow{Row: r, Link: orderURL(r.ID), Short: shortID(r.ID), Picture: picture{Icon: rowIcon(r)}}
		if t := tileOf(covers, r.ID); t != nil {
			o.Picture = *t
		}
		o.State, o.Began = rowState(r, now)
		switch r.State {
		case order.StateCompleted, order.StateCancelled, order.StateDelivered:
		default:
			if !r.Cancelled() {
				o.Due = r.DueAt
			}
		}
		o.Warn = o.State.Kind == "need" || o.State.Kind == "bad" || !o.Due.IsZero() && o.Due.Before(now)
		list = append(list, o)
	}
	return list, nil
}

// rowIcon is what stands for an order without a picture.
func rowIcon(r view.Row) string {
	switch r.Code {
	case order.CodeQuoteNeeded:
		return "tag"
	case order.CodeNoService:
		return "question"
	}
	return "rays"
}

// rowStates are the words for why an order is held.
var rowStates = map[order.Code]string{
	order.CodeReview: "needs your yes", order.CodeDryRun: "needs your yes", order.CodeQuoteNeeded: "needs a price", order.CodeNoService: "no such service",
}

// rowState is the state of an order, and since when what runs for it does.
func rowState(r view.Row, now time.Time) (s state, began time.Time) {
	switch {
	case r.Cancelled():
		return state{"off", "cancelled by you"}, began
	case r.State == order.StateHeld:
		return state{"need", cmp.Or(rowStates[r.Code], r.Code.Words(), "held")}, began
	case r.State == order.StateFailed:
		return state{"bad", cmp.Or(r.Code.Words(), "failed")}, began
	case r.State == order.StateDelivered:
		if left := r.ReviewEnds.Sub(now); left > 0 {
			return state{"sent", "completes in " + spanText(left)}, began
		}
		return state{"sent", "with the client"}, began
	case r.State == order.StateWaiting:
		return state{"sent", "waits for the client"}, began
	case r.State == order.StateCompleted:
		return state{"good", "completed"}, began
	case r.State == order.StateCancelled:
		return state{"off", "cancelled"}, began
	case r.Work == nil:
		return state{"wait", waitWords(r, now)}, began
	}
	if began = r.Work.Since; !r.Work.Progress.Began.IsZero() {
		began = r.Work.Progress.Began
	}
	return state{"work", cmp.Or(doing[r.Work.Stage], string(r.Work.Stage))}, began
}

// waitWords says what an order in work waits for.
func waitWords(r view.Row, now time.Time) string {
	switch {
	case r.JobCode == order.CodeApproved && r.RunAt.After(now):
		return "approved, goes out"
	case r.JobState == order.JobReady && !r.RunAt.After(now):
		return "next in line"
	}
	return r.Progress(now)
}
