package natsq

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

// SetupOptions say what Setup creates.
type SetupOptions struct {
	// Routes are those that get a queue.
	Routes []string
	// Replicas is how many servers keep each thing; 0 is 1.
	Replicas int
	// AckWait replaces the constant in tests.
	AckWait time.Duration
}

// Setup creates the stream, its queues and the buckets, or brings them up to date.
func (q *Queue) Setup(ctx context.Context, o SetupOptions) error {
	o.Replicas = max(o.Replicas, 1)
	if o.AckWait == 0 {
		o.AckWait = AckWait
	}
	for _, route := range o.Routes {
		if !ValidName(route) {
			return fmt.Errorf("%.60q is no name of a route; use letters, digits, _ and -", route)
		}
	}
	_, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: StreamJobs, Subjects: []string{"gen.job.*.*"}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		Replicas: o.Replicas, MaxMsgSize: MaxCall + 64<<10, Duplicates: 2 * time.Minute, MaxAge: Keep,
	})
	if err != nil {
		return fmt.Errorf("create the stream %s: %w", StreamJobs, err)
	}
	for _, bucket := range []string{BucketState, BucketWorkers} {
		ttl := Keep
		if bucket == BucketWorkers {
			ttl = 24 * time.Hour
		}
		_, err := q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, History: 1, TTL: ttl, Storage: jetstream.FileStorage, Replicas: o.Replicas})
		if err != nil {
			return fmt.Errorf("create the bucket %s: %w", bucket, err)
		}
	}
	// What they hold has no end: an old lease shows that another host has worked.
	for _, bucket := range []string{BucketAgents, BucketRequests} {
		if _, err := q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, History: 1, Storage: jetstream.FileStorage, Replicas: o.Replicas}); err != nil {
			return fmt.Errorf("create the bucket %s: %w", bucket, err)
		}
	}
	for _, route := range o.Routes {
		for _, bucket := range []string{BucketIn(route), BucketOut(route)} {
			_, err := q.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: bucket, TTL: Keep, Storage: jetstream.FileStorage, Replicas: o.Replicas})
			if err != nil {
				return fmt.Errorf("create the bucket %s: %w", bucket, err)
			}
		}
		_, err := q.js.CreateOrUpdateConsumer(ctx, StreamJobs, jetstream.ConsumerConfig{
			Durable: route, FilterSubject: "gen.job.*." + route, AckPolicy: jetstream.AckExplicitPolicy, AckWait: o.AckWait,
			MaxAckPending: 10_000, MaxDeliver: -1, Replicas: o.Replicas,
		})
		if err != nil {
			return fmt.Errorf("create the queue of route %s: %w", route, err)
		}
	}
	return nil
}

// NewKey makes an nkey: the seed, which is secret, and the public key by which the server
// knows it.
func NewKey() (seed, public string, err error) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		return "", "", err
	}
	text, err := pair.Seed()
	if err != nil {
		return "", "", err
	}
	public, err = pair.PublicKey()
	return string(text), public, err
}

// PublicKey returns the public key of a seed.
func PublicKey(seed string) (string, error) {
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(seed)))
	if err != nil {
		return "", err
	}
	defer pair.Wipe()
	return pair.PublicKey()
}
