package natsq

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Worker is a worker of a route.
type Worker struct {
	Version int    `json:"v"`
	Name    string `json:"name"`
	Route   string `json:"route"`
	// Slots is how many calls it makes at the same time, Busy how many it makes now.
	Slots int `json:"slots"`
	Busy  int `json:"busy"`
	// Program is the version of its program.
	Program string `json:"program"`
	// Seen is when it was last heard of, by the clock of the server.
	Seen time.Time `json:"-"`
	// Silent is how long ago that was.
	Silent time.Duration `json:"-"`
}

// Alive reports whether the worker has shown itself lately.
func (w Worker) Alive() bool { return w.Silent < present }

// Show adds a worker to the list, or updates it.
func (q *Queue) Show(ctx context.Context, w Worker) error {
	ctx, cancel := q.within(ctx)
	defer cancel()
	_, there, err := q.buckets(ctx)
	if err != nil {
		return err
	}
	w.Version = Version
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = there.Put(ctx, place(w.Route, w.Name), text)
	return missing(err)
}

// Hide removes a worker from the list.
func (q *Queue) Hide(ctx context.Context, route, name string) error {
	ctx, cancel := q.within(ctx)
	defer cancel()
	_, there, err := q.buckets(ctx)
	if err == nil {
		err = there.Delete(ctx, place(route, name))
	}
	return missing(err)
}

// Workers returns the workers of a route, or all for "", by route and name.
func (q *Queue) Workers(ctx context.Context, route string) ([]Worker, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	_, there, err := q.buckets(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := there.Keys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil, nil
	}
	if err != nil {
		return nil, missing(err)
	}
	now, err := q.Now(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	var list []Worker
	for _, key := range keys {
		if route != "" && !strings.HasPrefix(key, route+".") {
			continue
		}
		found, err := there.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // it stopped meanwhile
		}
		if err != nil {
			return nil, missing(err)
		}
		w := Worker{Seen: found.Created(), Silent: now.Sub(found.Created())}
		if json.Unmarshal(found.Value(), &w) == nil {
			list = append(list, w)
		}
	}
	return list, nil
}

// Free returns how many calls the workers of a route could begin now, and whether there are
// any.
func (q *Queue) Free(ctx context.Context, route string) (slots int, any bool, err error) {
	list, err := q.Workers(ctx, route)
	for _, w := range list {
		if w.Alive() {
			any = true
			slots += max(w.Slots-w.Busy, 0)
		}
	}
	return slots, any, err
}
