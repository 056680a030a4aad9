package natsq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"atelierd/internal/fence"
)

// BucketAgents has the lease of each agent.
const BucketAgents = "agents"

// LeaseKey is where the lease of an agent is kept. It is a fence.Key.
type LeaseKey struct {
	queue *Queue
	name  string
}

// LeaseOf returns where the lease of an agent is kept.
func (q *Queue) LeaseOf(agent string) LeaseKey { return LeaseKey{q, "lease." + token(agent)} }

func (k LeaseKey) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	b, err := k.queue.js.KeyValue(ctx, BucketAgents)
	return b, missing(err)
}

// Lease reads the lease.
func (k LeaseKey) Lease(ctx context.Context) (fence.Entry, error) {
	ctx, cancel := k.queue.within(ctx)
	defer cancel()
	b, err := k.bucket(ctx)
	if err != nil {
		return fence.Entry{}, err
	}
	found, err := b.Get(ctx, k.name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return fence.Entry{}, fence.ErrAbsent
	}
	if err != nil {
		return fence.Entry{}, missing(err)
	}
	s, err := k.queue.js.Stream(ctx, "KV_"+BucketAgents) // its information has the server's time
	if err != nil {
		return fence.Entry{}, missing(err)
	}
	e := fence.Entry{Silent: s.CachedInfo().TimeStamp.Sub(found.Created()), Revision: found.Revision()}
	if err := json.Unmarshal(found.Value(), &e.Lease); err != nil {
		return fence.Entry{}, fmt.Errorf("the lease %s cannot be read: %w", k.name, err)
	}
	return e, nil
}

// CreateLease writes the first lease.
func (k LeaseKey) CreateLease(ctx context.Context, l fence.Lease) (uint64, error) {
	return k.put(ctx, l, func(ctx context.Context, b jetstream.KeyValue, text []byte) (uint64, error) {
		return b.Create(ctx, k.name, text)
	})
}

// ChangeLease replaces the lease of a revision.
func (k LeaseKey) ChangeLease(ctx context.Context, l fence.Lease, revision uint64) (uint64, error) {
	return k.put(ctx, l, func(ctx context.Context, b jetstream.KeyValue, text []byte) (uint64, error) {
		return b.Update(ctx, k.name, text, revision)
	})
}

func (k LeaseKey) put(ctx context.Context, l fence.Lease, write func(context.Context, jetstream.KeyValue, []byte) (uint64, error)) (uint64, error) {
	ctx, cancel := k.queue.within(ctx)
	defer cancel()
	b, err := k.bucket(ctx)
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(l)
	if err != nil {
		return 0, err
	}
	revision, err := write(ctx, b, text)
	if err = changed(err); errors.Is(err, ErrChanged) {
		err = fence.ErrChanged
	}
	return revision, err
}
