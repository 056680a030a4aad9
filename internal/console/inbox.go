package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// inboxRows is how many orders a page of the inbox has.
const inboxRows = 25

// inboxPage is what clients wrote, with one of the threads on a wide screen.
type inboxPage struct {
	Sentence string
	Chips    []inboxChip
	Rows     []inboxRow
	Open     []inboxRow // that wait for a price, or are disputed
	Paging   paging
	Pane     *inboxPane
	Waiting  bool // only those who wait are shown
	// Bars say what keeps the page from being up to date. No thread was read before ReadAt,
	// which is zero if that is not known.
	Bars   []note
	ReadAt time.Time
}

type inboxChip struct {
	Text, Link string
	Count      int
	Chosen     bool
}

// inboxRow is an order. Thread is its thread next to the list, Link the page of the order.
type inboxRow struct {
	Picture      picture
	Title        string
	Text, State  string
	At           time.Time
	Waits        bool
	Thread, Link string
	Chosen       bool
}

// inboxPane is a thread next to the list.
type inboxPane struct {
	Title, Short, Link string
	State              state
	Price              string
	Picture            picture
	Thread             thread
}

func (c *console) inbox(w http.ResponseWriter, v visit) {
	q := v.URL.Query()
	waiting := q.Get("show") == "waiting"
	after, ok := cursor(q)
	if !ok {
		c.notFound(w, v)
		return
	}
	in, err := c.View.Inbox(v.Context(), waiting, after, inboxRows)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	var ids []string
	for _, row := range in.Rows {
		ids = append(ids, row.ID)
	}
	covers, err := c.covers(v.Context(), ids)
	if err != nil {
		c.fail(w, v.Request, err)
		return
	}
	p := newInbox(in, covers, waiting)
	if p.Bars, err = c.bars(v.Context()); err != nil {
		c.fail(w, v.Request, err)
		return
	}
	chosen := q.Get("order")
	if chosen == "" && len(in.Rows) > 0 {
		chosen = in.Rows[0].ID
		for _, row := range in.Rows { // the one that waits longest
			if row.Waits {
				chosen = row.ID
			}
		}
	}
	if chosen != "" {
		if p.Pane, err = c.pane(v, chosen); errors.Is(err, store.ErrNotFound) || errors.Is(err, errNotFound) {
			c.notFound(w, v)
			return
		} else if err != nil {
			c.fail(w, v.Request, err)
			return
		}
	}
	for i, row := range in.Rows {
		p.Rows[i].Chosen = row.ID == chosen
	}
	c.render(w, v, "inbox", frame{Title: p.Sentence, Tab: "inbox", Body: p})
}

// cursor reads after which row a page begins.
func cursor(q url.Values) (store.Wrote, bool) {
	if q.Get("after") == "" {
		return store.Wrote{}, true
	}
	ms, err := strconv.ParseInt(q.Get("after"), 10, 64)
	return store.Wrote{OrderID: q.Get("than"), At: time.UnixMilli(ms)}, err == nil && ms > 0 && ms < 1<<47
}

func newInbox(in view.Inbox, covers map[string]file, waiting bool) inboxPage {
	p := inboxPage{Sentence: "Nobody waits for an answer", Waiting: waiting, ReadAt: in.ReadAt}
	if in.Waiting > 0 {
		p.Sentence = plural(in.Waiting, "client waits for an answer", "clients wait for an answer")
	}
	p.Chips = []inboxChip{{Text: "All", Link: "/inbox", Chosen: !waiting}, {Text: "Waiting", Link: "/inbox?show=waiting", Count: in.Waiting, Chosen: waiting}}
	query := "?"
	if waiting {
		query = "?show=waiting&"
	}
	for _, r := range in.Rows {
		row := newInboxRow(r.Row, covers)
		row.Text, row.At, row.Waits, row.State = r.Text, r.At, r.Waits, inboxState(r.Row)
		row.Thread, row.Link = "/inbox"+query+"order="+url.QueryEscape(r.ID), orderURL(r.ID)+"#thread"
		p.Rows = append(p.Rows, row)
	}
	for _, r := range in.Open {
		row := newInboxRow(r, covers)
		row.Text, row.At, row.Link, row.State = r.Brief, r.CreatedAt, orderURL(r.ID), "waits for a price"
		if r.RemoteStatus == order.Disputed {
			row.State = "disputed by the client"
		}
		p.Open = append(p.Open, row)
	}
	p.Paging.Shown = fmt.Sprintf("the newest %d", len(in.Rows))
	if !in.Next.At.IsZero() {
		p.Paging.Older = fmt.Sprintf("/inbox"+query+"after=%d&than=%s", in.Next.At.UnixMilli(), url.QueryEscape(in.Next.OrderID))
	}
	return p
}

func newInboxRow(r view.Row, covers map[string]file) inboxRow {
	row := inboxRow{Title: r.Service, Picture: picture{Icon: "inbox"}}
	if row.Title == "" {
		row.Title = "An order"
	}
	if p := tileOf(covers, r.ID); p != nil {
		row.Picture = *p
	}
	return row
}

// inboxState is the state of an order in words.
func inboxState(r view.Row) string {
	switch {
	case r.State == order.StateDelivered:
		return "delivered"
	case r.State == order.StateHeld && r.Code == order.CodeReview:
		return "waits for your yes"
	case r.State == order.StateHeld && r.Code == order.CodeOwner:
		return "cancelled by you"
	case r.State == order.StateWorking && r.Round > 0:
		return "in work again"
	case r.State == order.StateWorking:
		return "in work"
	}
	return string(r.State)
}

// pane is the thread of an order, with the form for owners.
func (c *console) pane(v visit, id string) (*inboxPane, error) {
	v.SetPathValue("id", id)
	h, err := c.readOrder(v)
	if err != nil {
		return nil, err
	}
	o := h.Order
	p := &inboxPane{Title: o.Service, Short: shortID(o.ID), Link: orderURL(o.ID), State: c.orderState(h), Price: o.PriceUSD, Thread: c.theThread(h)}
	p.Thread.shorten(o.ID)
	if p.Title == "" {
		p.Title = "An order"
	}
	if v.who.Role != access.Owner {
		p.Thread.Closed = "You can look at everything. Writing is for an owner."
		return p, nil
	}
	out, err := c.outlook(v)
	if err != nil {
		return nil, err
	}
	f := forms{c: c, v: v, h: h, out: out}
	p.Thread.Ask = f.readThread()
	self := "/inbox?order=" + url.QueryEscape(o.ID)
	if v.URL.Query().Get("show") == "waiting" {
		self += "&show=waiting"
	}
	if p.Thread.Reply = f.reply(self); p.Thread.Reply == nil {
		p.Thread.Closed = "The marketplace takes no messages about this order now."
	}
	return p, nil
}
