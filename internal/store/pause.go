package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// ErrPausesChanged is returned where what is paused is not what the owner has seen.
var ErrPausesChanged = errors.New("what is paused has changed")

// IfPauses returns an Owner whose Pause and Resume fail with ErrPausesChanged, and change
// nothing, unless seen is true of the pauses that are not over.
func (o Owner) IfPauses(seen func([]order.Pause) bool) Owner {
	o.pauses = seen
	return o
}

// pausesSeen returns all pauses, if those that are not over are as the owner has seen them.
func (o Owner) pausesSeen(t *tx) ([]order.Pause, error) {
	list, err := t.pauses()
	if err != nil || o.pauses == nil {
		return list, err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(p order.Pause) bool { return p.Over(t.now.Time) })
	if !o.pauses(left) {
		return nil, ErrPausesChanged
	}
	return list, nil
}

// ErrNotPaused is returned where there is no pause to end.
var ErrNotPaused = errors.New("not paused")

// Pauses returns the pauses that are not over, that of every service first.
func (s *Store) Pauses(ctx context.Context) ([]order.Pause, error) {
	rows, err := s.read.ListPauses(ctx)
	return slices.DeleteFunc(toPauses(rows), func(p order.Pause) bool { return p.Over(time.Now()) }), err
}

// PauseOf returns the pause that keeps work for a service from beginning; ok is false if
// there is none.
func (s *Store) PauseOf(ctx context.Context, service string) (p order.Pause, ok bool, err error) {
	rows, err := s.read.ListPauses(ctx)
	if err != nil {
		return p, false, err
	}
	p, ok = order.PauseOf(toPauses(rows), service, time.Now())
	return p, ok, nil
}

// Delisted reports whether a service is off the marketplace for as long as it is paused.
func (s *Store) Delisted(ctx context.Context, service string) (bool, error) {
	list, err := s.Pauses(ctx)
	return order.OffMarket(list, service, time.Now()), err
}

func toPauses(rows []query.Pause) []order.Pause {
	list := make([]order.Pause, len(rows))
	for i, r := range rows {
		list[i] = order.Pause{
			Service: r.Service, Since: r.BeganAt.Time, Until: r.UntilAt.Time, By: r.Actor, Reason: r.Reason, Delisted: r.Delisted != 0,
		}
	}
	return list
}

// pauses returns all pauses, also those that are over.
func (t *tx) pauses() ([]order.Pause, error) {
	rows, err := t.ListPauses(noCancel)
	return toPauses(rows), err
}

// mayBegin returns the failure of work for a service that may not begin, because the owner
// has paused it. The owner's command and the begin of work are one after the other.
func (t *tx) mayBegin(service string) error {
	list, err := t.pauses()
	if err != nil {
		return err
	}
	if p, paused := order.PauseOf(list, service, t.now.Time); paused {
		return p.Failure(t.now.Time)
	}
	return nil
}

// orderMayBegin is mayBegin for the service of an order.
func (t *tx) orderMayBegin(id string) error {
	rows, err := t.GetOrder(noCancel, id)
	if err != nil || len(rows) == 0 {
		return err
	}
	return t.mayBegin(rows[0].Service)
}

// Pause keeps work for a service, or for all, from beginning until its end or Resume, also
// after a restart. Another pause of the same replaces its end and its reason. If it takes
// services off the marketplace, those listed are recorded as such first, so that no
// daemon lists them again meanwhile.
func (o Owner) Pause(p order.Pause, listed []order.Listed) error {
	return o.write("owner.pause", func(t *tx) error {
		before, err := o.pausesSeen(t)
		if err != nil {
			return err
		}
		p := p // a batch that fails is tried again
		for _, q := range before {
			switch {
			case !samePause(q, p.Service):
			case q.Over(t.now.Time):
				if err := t.overPause(q); err != nil {
					return err
				}
			default:
				p.Service, p.Delisted = q.Service, p.Delisted || q.Delisted
			}
		}
		if err := t.PutPause(noCancel, query.PutPauseParams{
			Service: p.Service, BeganAt: t.now, UntilAt: utc.At(p.Until), Actor: o.By, Reason: p.Reason, Delisted: one(p.Delisted),
		}); err != nil {
			return err
		}
		for _, l := range listed {
			if err := t.DelistService(noCancel, query.DelistServiceParams{Title: l.Title, RemoteID: l.RemoteID, ChangedAt: t.now}); err != nil {
				return err
			}
		}
		_, err = t.event("", "owner", pauseText(p))
		return err
	})
}

// samePause reports whether a pause is that of the service, or of all if it is empty.
func samePause(p order.Pause, service string) bool {
	return p.Service == service || p.Service != "" && service != "" && order.SameTitle(p.Service, service)
}

// pauseText is the line about a pause in the events.
func pauseText(p order.Pause) string {
	text := "paused everything"
	if p.Service != "" {
		text = "paused the service " + p.Service
	}
	if p.Delisted {
		text += ", off the marketplace"
	}
	if !p.Until.IsZero() {
		text += " until " + p.Until.UTC().Format("2006-01-02 15:04") + " UTC"
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// Resume ends the pause of a service, or that of all if it is empty. Services that it took
// off the marketplace are to be listed again. It fails with ErrNotPaused if there is none.
func (o Owner) Resume(service string) error {
	return o.write("owner.resume", func(t *tx) error {
		list, err := o.pausesSeen(t)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(p order.Pause) bool { return samePause(p, service) && !p.Over(t.now.Time) })
		switch {
		case at < 0 && service == "":
			return fmt.Errorf("the daemon is %w", ErrNotPaused)
		case at < 0:
			return fmt.Errorf("the service %s is %w", service, ErrNotPaused)
		}
		text := "resumed"
		if list[at].Service != "" {
			text += " the service " + list[at].Service
		}
		return t.endPause(list[at], "owner", text)
	})
}

// EndPauses ends the pauses whose time is over, and returns the others and how many have
// ended.
func (s *Store) EndPauses(ctx context.Context) (left []order.Pause, ended int, err error) {
	rows, err := s.read.ListPauses(ctx)
	list, now := toPauses(rows), time.Now()
	if err != nil || !slices.ContainsFunc(list, func(p order.Pause) bool { return p.Over(now) }) {
		return list, 0, err
	}
	err = s.write("pauses.end", func(t *tx) error {
		left, ended = nil, 0 // a batch that fails is tried again
		list, err := t.pauses()
		if err != nil {
			return err
		}
		for _, p := range list {
			if !p.Over(t.now.Time) {
				left = append(left, p)
				continue
			}
			ended++
			if err := t.overPause(p); err != nil {
				return err
			}
		}
		return nil
	})
	return left, ended, err
}

// overPause ends a pause whose time is over.
func (t *tx) overPause(p order.Pause) error {
	text := "everything, as the pause is over"
	if p.Service != "" {
		text = "the service " + p.Service + ", as its pause is over"
	}
	return t.endPause(p, "resumed", text)
}

// endPause removes a pause and makes what waited for its end due.
func (t *tx) endPause(p order.Pause, kind, text string) error {
	if err := t.DeletePause(noCancel, p.Service); err != nil {
		return err
	}
	if err := t.relist(p); err != nil {
		return err
	}
	t.changed.Generate, t.changed.Network = true, true
	if err := t.runNow(order.CodePausedByOwner); err != nil {
		return err
	}
	_, err := t.event("", kind, text)
	return err
}

// relist has the services listed again that a pause took off the marketplace, unless
// another pause keeps them off.
func (t *tx) relist(ended order.Pause) error {
	if !ended.Delisted {
		return nil
	}
	left, err := t.pauses()
	if err != nil {
		return err
	}
	services, err := t.ListServices(noCancel)
	if err != nil {
		return err
	}
	for _, s := range services {
		if !ended.Covers(s.Title) || order.OffMarket(left, s.Title, t.now.Time) {
			continue
		}
		if err := t.RelistService(noCancel, query.RelistServiceParams{ChangedAt: t.now, Title: s.Title}); err != nil {
			return err
		}
	}
	return nil
}

// ResumeGenerator ends the pause of a generator that failed. A running daemon uses it
// again once it is woken. It fails if the generator is not paused.
func (o Owner) ResumeGenerator(name string) error {
	return o.write("owner.resume_generator", func(t *tx) error {
		n, err := t.DeleteFact(noCancel, string(order.GeneratorAlert(name).Code()))
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("the generator %s is %w", name, ErrNotPaused)
		}
		t.changed.Generate = true
		if err := t.runNow(order.CodePaused); err != nil {
			return err
		}
		_, err = t.event("", "owner", "resumed the generator "+name)
		return err
	})
}
