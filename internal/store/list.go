package store

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// MinWord is the least number of characters of a word that a search looks for.
const MinWord = 3

const (
	// searchMost is about how many texts that contain what is searched for one page looks
	// at. Their orders may not be in the state that is asked for.
	searchMost = 1000
	// maxWords is how many words of a search count.
	maxWords = 20
)

// ErrShortText is the error of a search that has no word of at least MinWord characters.
var ErrShortText = errors.New("the text to search for has no word of 3 characters or more")

// allStates is the state of an OrderQuery that selects every order.
const allStates = "all"

// OrderQuery says which orders a page shows.
type OrderQuery struct {
	// State is a state of an order, "all", or "" for the orders that have not ended.
	State string
	// Client is the wallet of a client, or "" for any.
	Client string
	// Text is what the order's id begins or ends with, or words that one of its texts
	// contains: the brief with its title and answers, the review, or a message of the
	// client. "" stands for any order.
	Text string
	// Narrow are more conditions; its zero value has none.
	Narrow Narrow
	// OlderThan is the id of the order before the first of the page, or "".
	OlderThan string
	// Most is the most orders of a page, at least 1.
	Most int
}

// OrderPage is a part of a list of orders.
type OrderPage struct {
	Lines []Line
	// Next is the OlderThan of the next page; "" if there is none.
	Next string
	// Partial means that the search stopped after many texts, or the list after many orders
	// that Narrow has not. The next page goes on.
	Partial bool
}

// Page returns orders, the newest first. It reads a page by an index, however many
// orders there are. A search is in the order in which the daemon has first seen the orders.
func (s *Store) Page(ctx context.Context, q OrderQuery) (OrderPage, error) {
	ids, p, err := s.find(ctx, q)
	if err != nil {
		return p, err
	}
	if len(ids) > q.Most {
		ids = ids[:q.Most]
		p.Next, p.Partial = ids[q.Most-1], false
	}
	if p.Lines, err = s.lines(ctx, ids); err != nil {
		return p, err
	}
	if q.Text == "" || q.OlderThan != "" || q.Client != "" {
		return p, nil
	}
	named, err := s.named(ctx, q)
	p.Lines = append(named, slices.DeleteFunc(p.Lines, func(l Line) bool {
		return slices.ContainsFunc(named, func(n Line) bool { return n.ID == l.ID })
	})...)
	return p, err
}

// finder returns the ids of the orders of a page, and one more if there is.
type finder func(context.Context, OrderQuery) ([]string, OrderPage, error)

func (s *Store) find(ctx context.Context, q OrderQuery) ([]string, OrderPage, error) {
	find := s.list
	switch {
	case q.Text != "":
		find = s.search
	case q.Narrow.Generator != "" && q.Client == "" && !q.ofOpen():
		find = s.listGenerator
	}
	if q.beyondIndex() {
		return s.narrowed(ctx, q, find)
	}
	return find(ctx, q)
}

// ofEnded and ofOpen report whether only orders are selected that have ended in one way, or
// that have not.
func (q OrderQuery) ofEnded() bool {
	return q.State == string(order.StateCompleted) || q.State == string(order.StateCancelled)
}

func (q OrderQuery) ofOpen() bool { return q.State != allStates && !q.ofEnded() }

// Orders returns orders, the newest first, in the states that an OrderQuery names.
func (s *Store) Orders(ctx context.Context, state string, most int) ([]Line, error) {
	p, err := s.Page(ctx, OrderQuery{State: state, Most: most})
	return p.Lines, err
}

// list returns the ids of the orders of a page, and one more if there is.
func (s *Store) list(ctx context.Context, q OrderQuery) (ids []string, p OrderPage, err error) {
	// The first page begins after every time, and after what is no time.
	at, id, most := utc.Time{Bad: "\U0010ffff"}, "", int64(q.Most)+1
	if q.OlderThan != "" {
		rows, err := s.read.GetOrder(ctx, q.OlderThan)
		if err != nil {
			return nil, p, err
		}
		if len(rows) == 0 {
			return nil, p, ErrNotFound
		}
		at, id = rows[0].CreatedAt, rows[0].ID
	}
	since, err := q.Narrow.since()
	if err != nil {
		return nil, p, err
	}
	switch n := q.Narrow; {
	case q.ofOpen():
		ids, err = s.read.PageOfOpen(ctx, query.PageOfOpenParams{
			State: q.State, Orders: string(n.Group), Client: q.Client, Service: n.Service, Since: since, At: at, ID: id, Most: most,
		})
	case q.Client != "" && q.ofEnded():
		ids, err = s.read.PageOfClientEnded(ctx, query.PageOfClientEndedParams{Client: q.Client, State: order.State(q.State), Since: since, At: at, ID: id, Most: most})
	case q.Client != "":
		ids, err = s.read.PageOfClient(ctx, query.PageOfClientParams{Client: q.Client, Since: since, At: at, ID: id, Most: most})
	case n.Service != "":
		ids, err = s.read.PageOfService(ctx, query.PageOfServiceParams{Service: n.Service, Since: since, At: at, ID: id, Most: most})
	case q.ofEnded():
		ids, err = s.read.PageOfEnded(ctx, query.PageOfEndedParams{State: order.State(q.State), Since: since, At: at, ID: id, Most: most})
	default:
		ids, err = s.read.PageOfAll(ctx, query.PageOfAllParams{Since: since, At: at, ID: id, Most: most})
	}
	return ids, p, err
}

// search returns the ids of the orders of a page with a text that contains all words,
// and one more if there is.
func (s *Store) search(ctx context.Context, q OrderQuery) (ids []string, p OrderPage, err error) {
	phrase := phraseOf(q.Text)
	if phrase == "" {
		return nil, p, ErrShortText
	}
	below := int64(math.MaxInt64)
	if q.OlderThan != "" {
		places, err := s.read.SearchPlace(ctx, q.OlderThan)
		if err != nil {
			return nil, p, err
		}
		if len(places) == 0 {
			return nil, p, ErrNotFound
		}
		below = places[0]
	}
	// To begin again in the middle of a million texts takes as long as to read a thousand.
	first := min(2*int64(q.Most), searchMost/2)
	for _, step := range []int64{first, searchMost - first} {
		rows, err := s.read.SearchTexts(ctx, query.SearchTextsParams{
			State: q.State, Client: q.Client, Phrase: phrase, Below: below, Most: step,
		})
		if err != nil {
			return nil, p, err
		}
		for _, r := range rows {
			// The texts of an order follow each other.
			if r.Chosen && (len(ids) == 0 || ids[len(ids)-1] != r.OrderID) {
				ids = append(ids, r.OrderID)
			}
			if len(ids) > q.Most {
				return ids, p, nil
			}
			below, p.Next = r.ID, r.OrderID
		}
		if int64(len(rows)) < step {
			p.Next = ""
			return ids, p, nil
		}
	}
	p.Partial = true
	return ids, p, nil
}

// named returns the orders in the state asked for whose id begins or ends with the text.
func (s *Store) named(ctx context.Context, q OrderQuery) ([]Line, error) {
	text := strings.TrimPrefix(q.Text, "…")
	if !isEnd(text) {
		return nil, nil
	}
	ids, err := s.idsLike(ctx, text)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	if ids, err = s.choose(ctx, q, ids); err != nil {
		return nil, err
	}
	return s.lines(ctx, ids)
}

// phraseOf returns the expression of FTS5 that matches a text with all words of at
// least MinWord characters; "" if there is none. Nothing in a word is syntax.
func phraseOf(text string) string {
	var words []string
	for _, w := range strings.Fields(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")) {
		if utf8.RuneCountInString(w) >= MinWord && len(words) < maxWords {
			words = append(words, `"`+strings.ReplaceAll(w, `"`, `""`)+`"`)
		}
	}
	return strings.Join(words, " ")
}

// lines returns the orders with these ids, in their order.
func (s *Store) lines(ctx context.Context, ids []string) ([]Line, error) {
	rows, err := s.read.OrderLines(ctx, order.EncodeStrings(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[string]Line, len(rows))
	for _, r := range rows {
		byID[r.ID] = Line{
			ID: r.ID, Service: r.Service, State: r.State, Status: r.RemoteStatus, Round: int(r.Round),
			Stage: r.Stage, Job: r.JobState, Attempt: int(r.Attempt), RunAt: laterOf(r.RunAt, r.NotBefore), JobCode: r.JobCode,
			JobReason: r.JobReason, Price: r.PriceUsdMicros,
			Brief: r.Brief, Code: r.Code, Reason: r.Reason, Hint: r.Hint, Created: r.CreatedAt.Time,
			Seen: r.SeenAt.Time, Due: r.DueAt.Time, Delivered: r.DeliveredAt.Time, Ended: r.CompletedAt.Time,
		}
	}
	list := make([]Line, 0, len(rows))
	for _, id := range ids {
		if l, ok := byID[id]; ok {
			list = append(list, l)
		}
	}
	return list, nil
}

// OrderCounts are the numbers of orders of a kind, as an owner thinks of them.
type OrderCounts struct {
	Open       int // that have not ended, nor been cancelled by the owner
	NeedYou    int // held or failed
	InWork     int
	WithClient int // waiting, or delivered
	Done       int // completed in the last 30 days, where a list shows it
}

// CountOrders counts orders without reading those that have ended. Done is not counted.
func (s *Store) CountOrders(ctx context.Context) (c OrderCounts, err error) {
	rows, err := s.read.CountOrders(ctx)
	if err != nil {
		return c, err
	}
	for _, r := range rows {
		n := int(r.Orders)
		c.Open += n
		switch r.State {
		case order.StateHeld, order.StateFailed:
			c.NeedYou += n
		case order.StateWorking:
			c.InWork += n
		default:
			c.WithClient += n
		}
	}
	return c, nil
}

// CountCompleted counts the orders that have completed since a time.
func (s *Store) CountCompleted(ctx context.Context, since time.Time) (int, error) {
	n, err := s.read.CompletedSince(ctx, utc.At(since))
	return int(n), err
}
