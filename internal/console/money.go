package console

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// moneyPage is what was earned and spent.
type moneyPage struct {
	Times           []timeChoice
	Dates, Midnight string // Midnight is when a day ends, unless that is at midnight
	Figures         []figure
	Elsewhere       string // what was spent on orders that are not completed, if anything
	Plots           []plot
	PlotCSV         string
	Groups          []moneyGroup
	Failed          []store.Unpaid
	Waiting         []store.Unpaid
	FailedSum       order.USD
	WaitingSum      order.USD
	Unknown         bool // the marketplace reports no payouts
	NoWallet        bool
	Adding, Empty   bool
	ByClient        string // a note in place of the clients
	Note            note
}

// timeChoice is one of several, as a link.
type timeChoice struct {
	Text, Link string
	Chosen     bool
}

// moneyGroup is a table of sums.
type moneyGroup struct {
	Title, Head, CSV string
	Spent            bool // the groups are generators, which earn nothing by themselves
	Mono             bool // the names are those of the configuration
	Rows             []store.Sums
	Total            *store.Sums
	Foot             string
	Below            string // a line below the table
}

// moneyTime is a time that the page can show.
type moneyTime struct {
	Name, Text string
	first      func(today time.Time) time.Time // nil for all
}

var moneyTimes = []moneyTime{
	{"30d", "30 days", func(t time.Time) time.Time { return t.AddDate(0, 0, 1-view.MoneyDays) }},
	{"12m", "12 months", func(t time.Time) time.Time { return time.Date(t.Year(), t.Month()-11, 1, 0, 0, 0, 0, time.UTC) }},
	{"all", "All", nil},
}

// moneyTime returns the time that a request names, with its first day; "" is the beginning.
func (c *console) moneyTime(q url.Values) (t moneyTime, first string, ok bool) {
	name := q.Get("time")
	if name == "" {
		name = moneyTimes[0].Name
	}
	at := slices.IndexFunc(moneyTimes, func(t moneyTime) bool { return t.Name == name })
	if at < 0 {
		return t, "", false
	}
	if t = moneyTimes[at]; t.first != nil {
		first = t.first(order.Day(c.format.now())).Format(time.DateOnly)
	}
	return t, first, true
}

func (c *console) money(w http.ResponseWriter, v visit) {
	n := note{}
	if v.URL.Query().Get("asked") == "payout" {
		n = note{Kind: "good", Strong: "Asked for.", Text: "It is shown here once the marketplace reports it as paid."}
	}
	c.showMoney(w, v, n)
}

// showMoney shows the page, with a note about what was just done.
func (c *console) showMoney(w http.ResponseWriter, v visit, n note) {
	t, first, ok := c.moneyTime(v.URL.Query())
	if !ok {
		c.notFound(w, v)
		return
	}
	m, err := c.View.Money(v.Context(), first)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	p := c.newMoney(m, t)
	p.Note = n
	c.render(w, v, "money", frame{Title: "Money", Tab: "money", Body: p})
}

func (c *console) newMoney(m view.Money, t moneyTime) moneyPage {
	p := moneyPage{
		Adding: m.Adding, NoWallet: m.WalletMissing, Unknown: m.Payouts.Paid == 0 && len(m.Payouts.Orders) > 0,
		Empty: m.Total.Orders == 0 && m.Total.Spent == 0,
	}
	for _, each := range moneyTimes {
		p.Times = append(p.Times, timeChoice{each.Text, "/money?time=" + each.Name, each.Name == t.Name})
	}
	today := order.Day(c.format.now())
	p.Dates = "Until " + c.plainDay(today)
	if from, err := time.Parse(time.DateOnly, m.First); err == nil {
		p.Dates = c.plainDay(from) + " to " + c.plainDay(today)
	}
	if at := today.AddDate(0, 0, 1).In(c.Zone()).Format("15:04"); at != "00:00" {
		p.Midnight = at
	}
	total := m.Total
	p.Figures = []figure{
		{"Earned, after the fee", moneyText(total.Net())},
		{"Spent", moneyText(total.Spent)},
		{"Profit", moneyText(total.Net() - total.Spent)},
		{"Orders completed", thousands(int64(total.Orders))},
	}
	if rest := total.Spent - total.Cost; rest > 0 {
		p.Elsewhere = moneyText(rest)
	}
	p.Plots, p.PlotCSV = moneyPlots(m), moneyCSV(view.ByDay, moneyTimes[0].Name)
	for _, u := range m.Payouts.Orders {
		if u.Failed != "" {
			p.Failed, p.FailedSum = append(p.Failed, u), p.FailedSum+u.Net
		} else if !p.Unknown {
			p.Waiting, p.WaitingSum = append(p.Waiting, u), p.WaitingSum+u.Net
		}
	}
	p.addGroups(m, t)
	return p
}

// addGroups adds the tables.
func (p *moneyPage) addGroups(m view.Money, t moneyTime) {
	add := func(by string, g moneyGroup) {
		if len(g.Rows) > 0 {
			g.CSV = moneyCSV(by, t.Name)
			p.Groups = append(p.Groups, g)
		}
	}
	earned := func(rows []store.Sums) []store.Sums {
		return slices.DeleteFunc(slices.Clone(rows), func(s store.Sums) bool { return s.Orders == 0 && s.Spent == 0 })
	}
	add(view.ByService, moneyGroup{Title: "By service", Head: "Service", Rows: earned(m.Services), Total: &m.Total, Foot: t.Text})
	add(view.ByGenerator, moneyGroup{Title: "By generator", Head: "Generator", Spent: true, Mono: true, Rows: m.Generators, Total: &m.Total, Foot: t.Text, Below: sentBack(m.Rounds)})
	months := slices.Clone(m.Months)
	slices.Reverse(months)
	for i, each := range months {
		if at, err := time.Parse("2006-01", each.Key); err == nil {
			months[i].Key = at.Format("January 2006")
		}
	}
	add(view.ByMonth, moneyGroup{Title: "By month", Head: "Month", Rows: months})
	clients := slices.DeleteFunc(slices.Clone(m.Clients), func(s store.Sums) bool { return s.Key == "" })
	add(view.ByClient, moneyGroup{Title: "By client", Head: "Client", Mono: true, Rows: clients})
	if t.Name != moneyTimes[0].Name && !p.Empty {
		p.ByClient = moneyCSV(view.ByClient, t.Name)
	}
}

// sentBack compares the rounds with the assistant and without it; "" without one.
func sentBack(r *view.Rounds) string {
	if r == nil {
		return ""
	}
	return upper(r.Text()) + "."
}

// moneyPlots are what was earned and what was spent in each of the last days.
func moneyPlots(m view.Money) []plot {
	var days []time.Time
	var earned, spent []order.USD
	for _, d := range m.Days {
		at, err := time.Parse(time.DateOnly, d.Key)
		if err != nil {
			continue // it is ours
		}
		days, earned, spent = append(days, at), append(earned, d.Net()), append(spent, d.Spent)
	}
	return []plot{newPlot("earned, after the fee", "earned", days, earned, 0), newPlot("spent on generators", "spent", days, spent, m.Cap)}
}

func moneyCSV(by, time string) string { return "/money.csv?by=" + by + "&time=" + time }

// plainDay is a day such as 27 Oct.
func (c *console) plainDay(t time.Time) string {
	if t.Year() == c.format.now().Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// moneyText is an amount.
func moneyText(u order.USD) string {
	text, err := money(u)
	if err != nil {
		panic(err) // an amount is one
	}
	return text
}

// moneyFile sends the accounts, as `atelierd earnings --csv --tz UTC` prints them. It reads each
// order, so it may take a while.
func (c *console) moneyFile(w http.ResponseWriter, v visit) {
	by := v.URL.Query().Get("by")
	t, first, ok := c.moneyTime(v.URL.Query())
	if !ok || !slices.Contains([]string{view.ByDay, view.ByMonth, view.ByService, view.ByClient, view.ByGenerator, view.ByOrder}, by) {
		c.notFound(w, v)
		return
	}
	when, err := view.NewPeriod(time.UTC, first, "", c.format.now())
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	// The time for the answer begins when it is ready.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileWithin))
	e, err := c.View.Earnings(v.Context(), by, when)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	var file bytes.Buffer
	if err := e.WriteCSV(&file); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	sendCSV(w, fmt.Sprintf("earnings-by-%s-%s.csv", by, t.Name), file.Bytes())
}

// fileWithin is how long the accounts of years may take.
const fileWithin = 2 * time.Minute

// askPayout asks the marketplace again to pay out an order. It leads back to the page, which
// can be loaded again without a second request.
func (c *console) askPayout(w http.ResponseWriter, v visit) {
	ctx, cancel := asks(w, v)
	defer cancel()
	id := v.PostForm.Get("order")
	if err := c.Desk.AskPayout(ctx, v.actor(), id); err != nil {
		c.showMoney(w, v, refused(err))
		return
	}
	http.Redirect(w, v.Request, "/money?asked=payout", http.StatusSeeOther)
}
