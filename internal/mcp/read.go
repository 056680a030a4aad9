package mcp

import (
	"context"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/view"
)

// The limits of what one answer shows. A model reads all of it.
const (
	maxOrders   = 50
	usualOrders = 20
	maxMoments  = 40 // of a timeline, the newest
	maxMessages = 40 // of a thread, the newest
	maxBrief    = 300
)

// readers are the tools that change nothing.
func (s *Server) readers() []tool {
	return []tool{
		newTool("status", "Shows what the daemon does, what needs a decision (attention), what is paused with its fingerprint, and today's money.", reads(), s.status),
		newTool("list_orders", "Lists orders, the most urgent first. Without arguments it lists those that are open.", reads(), s.listOrders),
		newTool("get_order", "Shows one order: the brief, the thread, files, deliveries, the newest pictures, and the fingerprint that actions need.", reads(), s.getOrder),
		newTool("attempts", "Shows the attempts and calls of generators of one order, with cost, errors and logs.", reads(), s.attempts),
		newTool("earnings", "Shows what was earned and spent, and what is not paid out.", reads(), s.earnings),
		newTool("query", "Runs one SELECT on the views of the resource schema://, such as v_orders. Nothing can be changed.", reads(), s.query),
	}
}

type noArguments struct{}

func (s *Server) status(ctx context.Context, _ Caller, _ noArguments) (answer, error) {
	// What is paused is read first. If that changes meanwhile, the fingerprint is old.
	seen, err := s.pausesSeen(ctx)
	if err != nil {
		return answer{}, err
	}
	v, err := s.o.Reader.Status(ctx)
	if err != nil {
		return answer{}, err
	}
	shown, err := s.shown(v)
	if err != nil {
		return answer{}, err
	}
	return answer{value: object{"status": shown, "pause_fingerprint": seen}}, nil
}

// attention is the part of the status that needs the owner.
func (s *Server) attention(ctx context.Context) (object, error) {
	v, err := s.o.Reader.Status(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(v.Attention)
	return object{"attention": shown}, err
}

// states are what list_orders can be asked for.
var states = []string{
	"all", string(order.StateWorking), string(order.StateWaiting), string(order.StateHeld), string(order.StateFailed),
	string(order.StateDelivered), string(order.StateCompleted), string(order.StateCancelled),
}

type listArguments struct {
	State     string `json:"state,omitempty" jsonschema:"working, waiting, held, failed, delivered, completed, cancelled, or all; open ones without it"`
	Search    string `json:"search,omitempty" jsonschema:"words of the brief or of messages, of at least three characters each, or the end of an id"`
	Limit     int    `json:"limit,omitempty" jsonschema:"how many orders, 50 at most; 20 without it"`
	OlderThan string `json:"older_than,omitempty" jsonschema:"only orders after this one in the list: the next page"`
}

func (s *Server) listOrders(ctx context.Context, _ Caller, in listArguments) (answer, error) {
	if in.State != "" && !slices.Contains(states, in.State) {
		return answer{}, refuse("%s is no state of an order. The states are %s.", argument(in.State), strings.Join(states, ", "))
	}
	if in.Limit < 0 || in.Limit > maxOrders {
		return answer{}, refuse("The limit has to be from 1 to %d.", maxOrders)
	}
	q := store.OrderQuery{State: in.State, Text: strings.TrimSpace(in.Search), Most: in.Limit}
	if q.Most == 0 {
		q.Most = usualOrders
	}
	if in.OlderThan != "" {
		id, err := s.find(ctx, in.OlderThan)
		if err != nil {
			return answer{}, err
		}
		q.OlderThan = id
	}
	value, err := s.list(ctx, q)
	return answer{value: value}, err
}

// list is some orders, with short briefs.
func (s *Server) list(ctx context.Context, q store.OrderQuery) (object, error) {
	list, err := s.o.Reader.Orders(ctx, q)
	if err != nil {
		return nil, err
	}
	for i, l := range list.Lines {
		list.Lines[i].Brief = string(cut(l.Brief, maxBrief))
	}
	shown, err := s.shown(list.Lines)
	if err != nil {
		return nil, err
	}
	value := object{"orders": shown, "open": list.Counts.Open, "need_a_decision": list.Counts.NeedYou}
	if list.Next != "" {
		value["next_page_older_than"] = show(ident, list.Next)
	}
	return value, nil
}

func (s *Server) openOrders(ctx context.Context) (object, error) {
	return s.list(ctx, store.OrderQuery{Most: maxOrders})
}

// find returns the id that an agent has named.
func (s *Server) find(ctx context.Context, text string) (string, error) {
	return s.o.Reader.Store.Resolve(ctx, strings.TrimSpace(text))
}

// history is what an order shows without its attempts, and with the newest part of what may
// be long.
func history(h view.History) view.History {
	h.Attempts, h.Calls, h.Jobs = nil, nil, nil
	h.Timeline = h.Timeline[max(0, len(h.Timeline)-maxMoments):]
	h.Thread.Messages = h.Thread.Messages[max(0, len(h.Thread.Messages)-maxMessages):]
	h.Thread.Outbox = slices.DeleteFunc(slices.Clone(h.Thread.Outbox), func(m view.Outgoing) bool { return m.InThread })
	h.Thread.Outbox = h.Thread.Outbox[max(0, len(h.Thread.Outbox)-maxMessages):]
	return h
}

// seen is one order as an agent sees it, without pictures.
type seen struct {
	value object
	view.History
	order.Sight
}

// order reads one order.
func (s *Server) order(ctx context.Context, text string) (o seen, err error) {
	id, err := s.find(ctx, text)
	if err != nil {
		return o, err
	}
	// What is decided on is read first. If it changes meanwhile, the fingerprint is old.
	if o.Sight, err = s.o.Reader.Store.Sight(ctx, id); err != nil {
		return o, err
	}
	if o.History, err = s.o.Reader.Order(ctx, id); err != nil {
		return o, err
	}
	shown, err := s.shown(history(o.History))
	o.value = object{"fingerprint": o.Sight.Fingerprint(), "order": shown}
	return o, err
}

type orderArguments struct {
	Order string `json:"order" jsonschema:"the order's id, or its last six characters or more"`
}

func (s *Server) attempts(ctx context.Context, _ Caller, in orderArguments) (answer, error) {
	id, err := s.find(ctx, in.Order)
	if err != nil {
		return answer{}, err
	}
	h, err := s.o.Reader.Order(ctx, id)
	if err != nil {
		return answer{}, err
	}
	value := object{"order_id": show(ident, id), "cost_usd": h.CostUSD}
	for name, part := range map[string]any{
		"jobs": h.Jobs, "attempts": h.Attempts[max(0, len(h.Attempts)-maxMoments):], "calls": h.Calls[max(0, len(h.Calls)-maxMoments):], "work": h.Work,
	} {
		if value[name], err = s.shown(part); err != nil {
			return answer{}, err
		}
	}
	return answer{value: value}, nil
}

type earningsArguments struct {
	By   string `json:"by,omitempty" jsonschema:"day, month, service, generator or provider; day without it"`
	Days int    `json:"days,omitempty" jsonschema:"of so many days, 3660 at most; 30 without it"`
}

// groups are what earnings can be grouped by. Clients are left out, because they are
// wallets.
var groups = []string{view.ByDay, view.ByMonth, view.ByService, view.ByGenerator, view.ByProvider}

// The days that earnings cover.
const (
	usualDays = 30
	maxDays   = 3660
)

func (s *Server) earnings(ctx context.Context, _ Caller, in earningsArguments) (answer, error) {
	if in.By == "" {
		in.By = view.ByDay
	}
	if !slices.Contains(groups, in.By) {
		return answer{}, refuse("Earnings cannot be shown by %s. They can by %s.", argument(in.By), strings.Join(groups, ", "))
	}
	if in.Days == 0 {
		in.Days = usualDays
	}
	if in.Days < 1 || in.Days > maxDays {
		return answer{}, refuse("days has to be from 1 to %d.", maxDays)
	}
	value, err := s.earned(ctx, in.By, in.Days)
	return answer{value: value}, err
}

// earned is what was earned and spent in the last days.
func (s *Server) earned(ctx context.Context, by string, days int) (object, error) {
	from := time.Now().Add(-time.Duration(days) * 24 * time.Hour)
	v, err := s.o.Reader.Earnings(ctx, by, view.Period{
		Period: store.Period{From: from, First: from.UTC().Format(time.DateOnly)}, Zone: s.o.Reader.Config().Zone(), Whole: true,
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(v)
	return object{"by": by, "days": days, "earnings": shown}, err
}

func (s *Server) monthEarnings(ctx context.Context) (object, error) {
	return s.earned(ctx, view.ByDay, usualDays)
}
