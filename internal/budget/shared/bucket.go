package shared

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"atelierd/internal/budget"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/store/migrate"
)

// This file is the count in a bucket of NATS, for agents that are on several machines.

// Cell keeps the text of the count. natsq.Cell does.
type Cell interface {
	Get(ctx context.Context) (natsq.Value, error)
	Put(ctx context.Context, text []byte, revision uint64) (uint64, error)
}

const (
	// heldFor is how long an agent may take to change the count. Whoever waits longer takes
	// it over, and what the first one writes then is refused.
	heldFor = 3 * time.Second
	// holdWithin is how long one use may take.
	holdWithin = 2*heldFor + 2*time.Second
)

// BucketOptions say where the count is, and for which agent.
type BucketOptions struct {
	// Open returns the text. It is called at each use.
	Open func() (Cell, error)
	// Close ends what Open has opened; nil for nothing.
	Close func() error
	// ID is that of the agent's ledger, and Name the agent's name.
	ID, Name string
	// Brief closes after each use, so that nobody has to.
	Brief bool
}

// Bucket is the count in a bucket. It implements budget.Share for one agent, and is safe for
// concurrent use. The bucket itself is there before.
//
// A change has to be decided once, so it cannot be tried again after somebody else's. So an
// agent first writes that it holds the count, and then the change.
type Bucket struct {
	o    BucketOptions
	self budget.Agent
	mu   sync.Mutex
}

var _ budget.Share = (*Bucket)(nil)

// NewBucket returns the count in a bucket. Nothing is opened yet.
func NewBucket(o BucketOptions) *Bucket {
	return &Bucket{o: o, self: budget.Agent{ID: o.ID, About: budget.About{Name: o.Name}}}
}

// Close ends the connection.
func (b *Bucket) Close() error {
	if b.o.Close == nil {
		return nil
	}
	return b.o.Close()
}

// Update implements budget.Share.
func (b *Bucket) Update(ctx context.Context, change func(*budget.Common) error) error {
	return b.use(ctx, func(ctx context.Context, cell Cell) error {
		t, revision, err := b.hold(ctx, cell)
		if err != nil {
			return err
		}
		c := t.common(b.self)
		inner := change(&c)
		if inner == nil {
			t.put(c)
		}
		t.Holder = ""
		_, err = put(context.WithoutCancel(ctx), cell, t, revision)
		if inner != nil {
			return inner // that the others wait for a moment changes nothing
		}
		return err
	})
}

// Read implements budget.Share.
func (b *Bucket) Read(ctx context.Context) (c budget.Common, err error) {
	err = b.use(ctx, func(ctx context.Context, cell Cell) error {
		t, _, err := get(ctx, cell)
		if errors.Is(err, natsq.ErrAbsent) {
			t, err = text{}, nil
		}
		c = t.common(b.self)
		return err
	})
	return c, err
}

// Check returns why the count cannot be used, or how many agents are in it. It changes
// nothing.
func (b *Bucket) Check(ctx context.Context) (agents int, err error) {
	c, err := b.Read(ctx)
	return len(c.Others), err
}

func (b *Bucket) use(ctx context.Context, do func(context.Context, Cell) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.o.Brief {
		defer func() { _ = b.Close() }()
	}
	ctx, cancel := context.WithTimeout(ctx, holdWithin)
	defer cancel()
	cell, err := b.o.Open()
	if err == nil {
		err = do(ctx, cell)
	}
	return explainBucket(err)
}

// hold waits until no other agent holds the count, holds it, and returns it.
func (b *Bucket) hold(ctx context.Context, cell Cell) (text, uint64, error) {
	own := rand.Text()
	for {
		t, v, err := get(ctx, cell)
		switch {
		case errors.Is(err, natsq.ErrAbsent):
			t = text{Version: textVersion, ID: rand.Text()}
		case err != nil:
			return t, 0, err
		}
		if t.Holder == "" || v.Age >= heldFor {
			t.Holder = own
			revision, err := put(ctx, cell, t, v.Revision)
			if !errors.Is(err, natsq.ErrChanged) {
				return t, revision, err
			}
		}
		select {
		case <-ctx.Done():
			return t, 0, fmt.Errorf("another agent holds it: %w", ctx.Err())
		case <-time.After(10*time.Millisecond + mathrand.N(30*time.Millisecond)):
		}
	}
}

func get(ctx context.Context, cell Cell) (t text, v natsq.Value, err error) {
	if v, err = cell.Get(ctx); err != nil {
		return t, v, err
	}
	if err := json.Unmarshal(v.Text, &t); err != nil {
		return t, v, fmt.Errorf("it cannot be read: %w", err)
	}
	if t.Version > textVersion {
		return t, v, migrate.ErrNewer
	}
	return t, v, nil
}

func put(ctx context.Context, cell Cell, t text, revision uint64) (uint64, error) {
	content, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	return cell.Put(ctx, content, revision)
}

// explainBucket adds the next step.
func explainBucket(err error) error {
	if _, ok := errors.AsType[*order.Failure](err); err == nil || ok {
		return err // of the caller
	}
	e := &Error{Err: fmt.Errorf("the count in NATS cannot be used: %w", err)}
	switch {
	case errors.Is(err, migrate.ErrNewer):
		e.Hint = "update atelierd"
	case errors.Is(err, natsq.ErrNotSetUp):
		e.Hint = "run " + order.Command("nats setup")
	default:
		e.Hint = "see whether the servers of nats.urls run and know the nkey and its rights, which " + order.Command("nats setup --key agent") + " prints"
	}
	return e
}
