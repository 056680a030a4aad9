package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"atelierd/internal/order"
)

// Attempt is one try at a stage, as shown to people.
type Attempt struct {
	Kind    order.Kind
	Round   int
	Stage   order.Stage
	Number  int
	Started time.Time
	Ended   time.Time // zero while it runs
	Outcome string
	Code    order.Code
	Error   string
	Log     string
	Cost    order.USD
	// Looks is how often work that waits has looked from Started to Ended.
	Looks int
}

// Moment is one entry of an order's timeline.
type Moment struct {
	At   time.Time
	Kind string
	Text string
	By   order.Actor
}

// Handover is a delivery, as shown to people.
type Handover struct {
	order.Delivery
	Settled time.Time
	Note    string
}

// Call is one call of a generator, as shown to people.
type Call struct {
	order.Call
	Kind  order.Kind
	Round int
	Note  string
	// Purpose is what it was for.
	Purpose order.Purpose
}

// History is everything that the database knows of one order.
type History struct {
	Order order.Order
	// Fingerprint names what an owner decides on. It was read before the rest, so that it
	// never stands for something later than what is shown.
	Fingerprint order.Fingerprint
	Works       []Work
	Attempts    []Attempt
	// Calls are the calls of generators during its attempts.
	Calls     []Call
	Artifacts []order.Artifact
	// Takes are those that the owner or the assistant's check has opened.
	Takes []order.Take
	// Prompts are those that the assistant was to write, and Checks those that it was to make.
	Prompts    []order.Prompt
	Checks     []order.Check
	Deliveries []Handover
	// Redeliveries are the further deliveries of its rounds.
	Redeliveries []Again
	// Quote is nil if there is none.
	Quote    *order.Quote
	Pieces   []order.Piece
	Messages []order.Message
	Outbox   []order.Outgoing
	Events   []Moment
	// Cost is what the order has cost, also in attempts that were removed.
	Cost order.USD
}

// History returns everything that the database knows of one order.
func (s *Store) History(ctx context.Context, id string) (h History, err error) {
	sight, err := s.Sight(ctx, id)
	if err != nil {
		return h, err
	}
	h.Fingerprint = sight.Fingerprint()
	if h.Order, err = s.Order(ctx, id); err != nil {
		return h, err
	}
	for _, read := range []func(context.Context, *History) error{
		s.readWork, s.readCalls, s.readFiles, s.readDeliveries, s.readRedeliveries, s.readDialogue, s.readEvents,
	} {
		if err := read(ctx, &h); err != nil {
			return h, fmt.Errorf("read the history of order %s: %w", id, err)
		}
	}
	return h, nil
}

func (s *Store) readWork(ctx context.Context, h *History) (err error) {
	if h.Works, err = s.Works(ctx, h.Order.ID); err != nil {
		return err
	}
	cost, err := s.read.SpentOnOrder(ctx, h.Order.ID)
	if h.Cost = order.USD(cost); err != nil {
		return err
	}
	attempts, err := s.read.OrderAttempts(ctx, h.Order.ID)
	for _, a := range attempts {
		h.Attempts = append(h.Attempts, Attempt{
			Kind: a.Kind, Round: int(a.Round), Stage: a.Stage, Number: int(a.Attempt),
			Started: a.StartedAt.Time, Ended: a.FinishedAt.Time, Outcome: a.Outcome, Code: a.Code,
			Error: a.Error, Log: a.Log, Cost: a.CostUsdMicros, Looks: int(a.Looks),
		})
	}
	return err
}

func (s *Store) readCalls(ctx context.Context, h *History) error {
	calls, err := s.read.OrderCalls(ctx, h.Order.ID)
	for _, c := range calls {
		h.Calls = append(h.Calls, Call{Call: order.Call{
			ID: c.ID, Generator: c.Generator, Key: c.Key, Ticket: c.Ticket,
			State: c.State.Shown(!c.CancelWantedAt.IsZero()), Cost: c.CostUsdMicros, BeganAt: c.BeganAt.Time,
		}, Kind: c.Kind, Round: int(c.Round), Note: c.Note, Purpose: c.Purpose})
	}
	return err
}

func (s *Store) readFiles(ctx context.Context, h *History) error {
	artifacts, err := s.read.OrderArtifacts(ctx, h.Order.ID)
	for _, a := range artifacts {
		h.Artifacts = append(h.Artifacts, artifact(a))
	}
	if err != nil {
		return err
	}
	takes, err := s.read.OrderTakes(ctx, h.Order.ID)
	for _, t := range takes {
		h.Takes = append(h.Takes, taken(t))
	}
	if err != nil {
		return err
	}
	if h.Prompts, err = s.Prompts(ctx, h.Order.ID); err != nil {
		return err
	}
	h.Checks, err = s.Checks(ctx, h.Order.ID)
	return err
}

func (s *Store) readDeliveries(ctx context.Context, h *History) error {
	deliveries, err := s.read.OrderDeliveries(ctx, h.Order.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		hand := Handover{Delivery: order.Delivery{
			OrderID: d.OrderID, Round: int(d.Round), State: d.State,
			Tries: int(d.Tries), SentAt: d.SentAt.Time,
		}, Settled: d.SettledAt.Time, Note: d.Note}
		if err := json.Unmarshal([]byte(d.Urls), &hand.URLs); err != nil {
			return err
		}
		h.Deliveries = append(h.Deliveries, hand)
	}
	return nil
}

func (s *Store) readDialogue(ctx context.Context, h *History) error {
	q, quoted, err := s.Quote(ctx, h.Order.ID)
	if err != nil {
		return err
	}
	if quoted {
		h.Quote = &q
	}
	if h.Pieces, err = s.Pieces(ctx, h.Order.ID); err != nil {
		return err
	}
	if h.Messages, err = s.Thread(ctx, h.Order.ID); err != nil {
		return err
	}
	h.Outbox, err = s.Outbox(ctx, h.Order.ID)
	return err
}

func (s *Store) readEvents(ctx context.Context, h *History) error {
	events, err := s.read.OrderEvents(ctx, &h.Order.ID)
	for _, e := range events {
		h.Events = append(h.Events, Moment{At: e.At.Time, Kind: e.Kind, Text: e.Text, By: e.Actor})
	}
	return err
}
