package natsq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"atelierd/internal/generate"
)

// Call is a call as it is sent to workers. It has nothing that identifies a client.
type Call struct {
	Version int    `json:"v"`
	Key     string `json:"key"`
	Route   string `json:"route"`
	// Request is what to make. Its id of the order is the key, and it has no paths.
	Request generate.Request `json:"request"`
	// References are the pictures of the client, in the bucket of input.
	References []File `json:"references,omitempty"`
}

// Text returns the call as it is sent. It fails if the call is too large.
func (c Call) Text() ([]byte, error) {
	c.Version = Version
	text, err := json.Marshal(c)
	if err == nil && len(text) > MaxCall {
		err = fmt.Errorf("the call has %d bytes, more than %d", len(text), MaxCall)
	}
	return text, err
}

// Publish queues the text of a call for its route. A repeat within two minutes is dropped
// by the server, and a later one does nothing: whoever makes a call claims its record first.
func (q *Queue) Publish(ctx context.Context, agent, route, key string, text []byte) error {
	ctx, cancel := q.within(ctx)
	defer cancel()
	_, err := q.js.Publish(ctx, "gen.job."+token(agent)+"."+route, text, jetstream.WithMsgID(key))
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return ErrNotSetUp
	}
	return missing(err)
}

// Delivery is a call that a worker got from the queue.
type Delivery struct {
	msg jetstream.Msg
	// Call is what to make. It is empty if Err is set.
	Call Call
	// Err is why the call cannot be read: it is damaged, or of a newer version.
	Err error
	// Times counts from 1 how often it was delivered.
	Times uint64
}

// Fetch returns the next call of a route, or nil if none comes within the given time.
func (q *Queue) Fetch(ctx context.Context, route string, wait time.Duration) (*Delivery, error) {
	looking, cancel := q.within(ctx)
	defer cancel()
	consumer, err := q.js.Consumer(looking, StreamJobs, route)
	if err != nil {
		return nil, missing(err)
	}
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(wait))
	if err != nil {
		return nil, missing(err)
	}
	msg, ok := <-batch.Messages()
	if !ok {
		return nil, missing(batch.Error())
	}
	d := &Delivery{msg: msg}
	if meta, err := msg.Metadata(); err == nil {
		d.Times = meta.NumDelivered
	}
	var head struct {
		Version int `json:"v"`
	}
	switch err := json.Unmarshal(msg.Data(), &head); {
	case err != nil:
		d.Err = fmt.Errorf("a call in the queue cannot be read: %w", err)
	case head.Version > Version:
		d.Err = fmt.Errorf("a call in the queue is of version %d, and this program knows %d", head.Version, Version)
	default:
		if err := json.Unmarshal(msg.Data(), &d.Call); err != nil {
			d.Err = fmt.Errorf("a call in the queue cannot be read: %w", err)
		}
	}
	return d, nil
}

// Ack removes the call from the queue. A lost one is harmless: its record says what became
// of it.
func (d *Delivery) Ack() { _ = d.msg.Ack() }

// Later puts the call back into the queue, which delivers it again after the given time.
func (d *Delivery) Later(after time.Duration) { _ = d.msg.NakWithDelay(after) }

// Works tells the queue that the call is being made, so that it delivers the call to no other
// worker within AckWait.
func (d *Delivery) Works() { _ = d.msg.InProgress() }
