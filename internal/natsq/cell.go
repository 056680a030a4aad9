package natsq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// BucketRequests has the request budget that agents on one address share.
const BucketRequests = "requests"

// countKey is where the count is in its bucket.
const countKey = "count"

// ErrAway is returned while there is no connection to a server.
var ErrAway = errors.New("no NATS server is connected")

// Value is a text in a bucket.
type Value struct {
	Text     []byte
	Revision uint64
	// Age is how long ago it was written, by the clock of the server.
	Age time.Duration
}

// Cell is a text in a bucket that is changed by compare-and-set. It does not know what the text
// means.
type Cell struct{ queue *Queue }

// Requests returns the request budget that agents on one address share.
func (q *Queue) Requests() Cell { return Cell{q} }

// bucket opens the bucket, once.
func (c Cell) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	q := c.queue
	if !q.nc.IsConnected() {
		return nil, ErrAway // a request would wait for its whole limit
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.requests == nil {
		b, err := q.js.KeyValue(ctx, BucketRequests)
		if err != nil {
			return nil, missing(err)
		}
		q.requests = b
	}
	return q.requests, nil
}

// Get reads the text. Without one it fails with ErrAbsent.
func (c Cell) Get(ctx context.Context) (Value, error) {
	ctx, cancel := c.queue.within(ctx)
	defer cancel()
	b, err := c.bucket(ctx)
	if err != nil {
		return Value{}, err
	}
	s, err := c.queue.js.Stream(ctx, "KV_"+BucketRequests) // its information has the server's time
	if err != nil {
		return Value{}, missing(err)
	}
	found, err := b.Get(ctx, countKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Value{}, ErrAbsent
	}
	if err != nil {
		return Value{}, missing(err)
	}
	return Value{found.Value(), found.Revision(), s.CachedInfo().TimeStamp.Sub(found.Created())}, nil
}

// Put replaces the text of a revision, or with revision 0 writes the first one. It returns
// the new revision. If somebody else has written meanwhile, it fails with ErrChanged.
func (c Cell) Put(ctx context.Context, text []byte, revision uint64) (uint64, error) {
	ctx, cancel := c.queue.within(ctx)
	defer cancel()
	b, err := c.bucket(ctx)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		revision, err = b.Create(ctx, countKey, text)
	} else {
		revision, err = b.Update(ctx, countKey, text, revision)
	}
	if err = changed(err); err != nil && !errors.Is(err, ErrChanged) {
		err = fmt.Errorf("write the bucket %s: %w", BucketRequests, err)
	}
	return revision, err
}
