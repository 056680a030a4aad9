package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// OrdersListCmd lists orders.
type OrdersListCmd struct {
	State string `help:"Only orders in this state: waiting, working, held, delivered, failed, completed or cancelled." placeholder:"STATE"`
	All   bool   `help:"Also orders that have ended."`
	Most  int    `help:"At most this many orders. Default: 50." short:"n" name:"most" default:"50" placeholder:"N"`

	Search    string `help:"Only orders with these words in the brief, the answers, the review or what the client wrote, or whose id begins or ends with it." placeholder:"TEXT"`
	Client    string `help:"Only orders of this client: a wallet, or the id of an agent." placeholder:"CLIENT"`
	OlderThan string `help:"Only orders after this one in the list: the next page." placeholder:"ORDER"`
	Output
}

// Help explains the command.
func (OrdersListCmd) Help() string {
	return `The states are:

  waiting    for the client
  working    with the stage and its attempts, or what it waits for
  held       waits for you, or was cancelled by you
  delivered  the client reviews it
  failed     given up; "atelierd orders retry" tries again
  completed  the client accepted it
  cancelled  by the client

Expected is when the daemon will have delivered the order, as it looks now.

A search finds parts of words too, with capitals or without. Each word has 3
characters at least; shorter ones do not count. Only the first 20,000 characters
of a text are searched. What it finds is in the order in which the daemon first
saw the orders.`
}

// Run runs the command.
func (c OrdersListCmd) Run(p *Program) error {
	states := append(slices.Clone(view.OpenStates), order.StateCompleted, order.StateCancelled)
	if c.State != "" && !slices.Contains(states, order.State(c.State)) {
		return &UsageError{fmt.Errorf("--state %.40q is not a state of an order; write one of %s", c.State, join(states))}
	}
	if c.Most < 1 {
		return &UsageError{errors.New("-n must be at least 1")}
	}
	q := store.OrderQuery{State: c.State, Client: order.ClientID(c.Client), Text: strings.TrimSpace(c.Search), Most: c.Most}
	if q.State == "" && c.All {
		q.State = "all"
	}
	return p.withReader(func(ctx context.Context, cfg *config.Config, st *store.Store) (err error) {
		if c.OlderThan != "" {
			if q.OlderThan, err = findOrder(ctx, st, c.OlderThan); err != nil {
				return err
			}
		}
		list, err := reader(cfg, st).Orders(ctx, q)
		if errors.Is(err, store.ErrShortText) {
			return &UsageError{err}
		}
		if err != nil {
			return err
		}
		if err := c.print(p, list.Lines, func(g *term.Page) { showList(g, list) }); err != nil || list.Next == "" {
			return err
		}
		// On stdout a program that reads the list would take it for an order.
		what := fmt.Sprintf("there are more orders; -n %d shows twice as many", 2*c.Most)
		if list.Partial {
			what = "only the newest texts were searched"
		}
		_, err = fmt.Fprintf(p.Stderr, "%s; --older-than %s shows the next ones\n", what, term.Line(list.Next, 64))
		return err
	})
}

// join lists states in one line.
func join(states []order.State) string {
	words := make([]string, len(states))
	for i, s := range states {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

func showList(g *term.Page, v view.List) {
	if len(v.Lines) == 0 {
		showNoOrders(g, v)
		return
	}
	rows := [][]term.Cell{term.Headings("order", "state", "service", "price", "due", "expected", "brief")}
	for _, l := range v.Lines {
		price := "-"
		if l.PriceUSD != "" {
			price = "$" + l.PriceUSD
		}
		look := stateStyle(l.State)
		if l.Code == order.CodeOwner {
			look = term.None
		}
		rows = append(rows, []term.Cell{
			term.End(term.Line(l.ID, 64)), term.Styled(look, progress(l, v.Now)),
			term.Plain(term.Line(l.Service, 28)), term.Plain(price), due(l, v.Now), expects(l, v.Now), term.Plain(term.Line(l.Brief, 60)),
		})
	}
	drop := func(column int) {
		for i := range rows {
			rows[i] = slices.Delete(rows[i], column, column+1)
		}
	}
	// On a narrow terminal the brief is worth more than the price, the service, what is
	// expected and the deadline.
	columns := []int{3, 2, 3, 2}
	if !slices.ContainsFunc(v.Lines, func(l view.Line) bool { return !l.Expected.IsZero() }) {
		drop(5)
		columns = []int{3, 2, 2}
	}
	for _, column := range columns {
		if g.Fits("", rows) {
			break
		}
		drop(column)
	}
	g.Table("", rows)
	g.Linef("")
	g.Linef("%s", v.Summary())
}

// showNoOrders says that no order fits, and what to try.
func showNoOrders(g *term.Page, v view.List) {
	searched := v.Query.Text != "" || v.Query.Client != ""
	switch {
	case v.Query.OlderThan != "":
		g.Linef("there are no more orders")
	case searched && v.Query.State == "":
		g.Linef("no open order fits; --all also looks at those that have ended")
	case searched:
		g.Linef("no order fits")
	case v.Query.State == "":
		g.Linef("no order is open; %s also shows those that have ended", order.Command("orders --all"))
	case v.Query.State == "all":
		g.Linef("no orders yet; the first one is shown here as soon as a client has paid")
	default:
		g.Linef("no order is %s", v.Query.State)
	}
}

// expects is when the order is expected to be delivered. It stands out after the deadline.
func expects(l view.Line, now time.Time) term.Cell {
	if l.Expected.IsZero() {
		return term.Plain("-")
	}
	look := term.None
	if l.Expected.After(l.DueAt) {
		look = term.Yellow
	}
	return term.Styled(look, words.Relative(now, l.Expected))
}

// progress is the state of the order and how far the work has come, cut for a column.
func progress(l view.Line, now time.Time) string {
	text := l.Progress(now)
	switch {
	case l.Cancelled():
		return term.Line(text, 40)
	case l.State == order.StateWorking:
		return term.Line(text, 60)
	}
	return term.Sanitize(text)
}

// due is the deadline of an order that is still to be delivered.
func due(l view.Line, now time.Time) term.Cell {
	switch {
	case l.State == order.StateCancelled, l.State == order.StateCompleted, l.State == order.StateDelivered,
		l.State == order.StateHeld && l.Code == order.CodeOwner:
		return term.Plain("-")
	case now.After(l.DueAt):
		return term.Styled(term.Red, words.Deadline(now, l.DueAt))
	}
	return term.Plain(words.Deadline(now, l.DueAt))
}
