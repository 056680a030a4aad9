// Package beat shows whether the loops of a daemon turn. Before each wait, and before each
// call to something outside the process, a loop declares when that ends at the latest. A
// loop that is a minute past this limit is stuck. A long wait within its limit is not.
//
// The context of a loop carries its beat, so code below a loop needs nothing else. With a
// context without a loop all functions work, and record nothing.
//
// It must not know what the loops do.
package beat

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits are how long a loop may take beyond what it declares.
type Limits struct {
	// Grace is how long past its limit a wait or a call may end; 0 is a minute.
	Grace time.Duration
	// OwnWork is how long a loop may work between two waits or calls, such as to write
	// a long listing or to check a large file; 0 is five minutes.
	OwnWork time.Duration
}

// Loops are the loops of a process. The zero value has none.
type Loops struct {
	// Limits are set before the first loop starts.
	Limits Limits

	mu   sync.Mutex
	list []*loop
}

// State is how one loop stands.
type State struct {
	Name string
	// Running is false once the loop has ended.
	Running bool
	// Stuck is how long the loop is past its limit; zero for one that turns.
	Stuck time.Duration
}

// All returns the state of every loop, sorted by name.
func (l *Loops) All() []State {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var list []State
	for _, each := range l.list {
		list = append(list, each.state(now))
	}
	return list
}

// Stuck names the loops that are past their limits.
func (l *Loops) Stuck() (names []string) {
	for _, each := range l.All() {
		if each.Stuck > 0 {
			names = append(names, each.Name)
		}
	}
	return names
}

// Start adds a loop, which runs until end is called. All that the loop does uses the
// returned context.
func (l *Loops) Start(ctx context.Context, name string) (in context.Context, end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, _ := slices.BinarySearchFunc(l.list, name, func(x *loop, name string) int { return strings.Compare(x.name, name) })
	limits := Limits{cmp.Or(l.Limits.Grace, time.Minute), cmp.Or(l.Limits.OwnWork, 5*time.Minute)}
	each := &loop{name: name, limits: limits, parts: map[*Part]bool{}}
	l.list = slices.Insert(l.list, at, each)
	p := each.begin()
	return p.In(ctx), p.End
}

// loop is one loop: a part of its own, and one for each of its workers.
type loop struct {
	name   string
	limits Limits
	mu     sync.Mutex
	parts  map[*Part]bool
}

func (l *loop) begin() *Part {
	p := &Part{of: l, due: time.Now().Add(l.limits.OwnWork), calls: map[*call]bool{}}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[p] = true
	return p
}

func (l *loop) state(now time.Time) State {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := State{Name: l.name, Running: len(l.parts) > 0}
	for p := range l.parts {
		s.Stuck = max(s.Stuck, p.stuck(now))
	}
	return s
}

// Part is a worker of a loop.
type Part struct {
	of *loop

	mu    sync.Mutex
	due   time.Time // when the wait or the own work ends; zero for a wait without a limit
	calls map[*call]bool
}

// call is something outside the process that is waited for.
type call struct{ due time.Time }

// partKey is the key of a context's Part.
type partKey struct{}

func of(ctx context.Context) *Part {
	p, _ := ctx.Value(partKey{}).(*Part)
	return p
}

// Branch adds a worker to the loop of ctx. End it once the worker has ended.
func Branch(ctx context.Context) *Part {
	p := of(ctx)
	if p == nil {
		return nil
	}
	return p.of.begin()
}

// In returns the context that the worker uses.
func (p *Part) In(ctx context.Context) context.Context {
	if p == nil {
		return ctx
	}
	return context.WithValue(ctx, partKey{}, p)
}

// End records that the worker has ended.
func (p *Part) End() {
	if p == nil {
		return
	}
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	delete(p.of.parts, p)
}

// stuck returns how long the part is past its limit. While calls are open, their limits
// count alone.
func (p *Part) stuck(now time.Time) (late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.calls {
		late = max(late, now.Sub(c.due)-p.of.limits.Grace)
	}
	if len(p.calls) == 0 && !p.due.IsZero() {
		late = now.Sub(p.due) - p.of.limits.Grace
	}
	return max(late, 0)
}

func (p *Part) set(due time.Time) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = due
}

// Turn records that the loop works and does not wait.
func Turn(ctx context.Context) {
	if p := of(ctx); p != nil {
		p.set(time.Now().Add(p.of.limits.OwnWork))
	}
}

// Within records that the loop waits for d at most.
func Within(ctx context.Context, d time.Duration) { of(ctx).set(time.Now().Add(d)) }

// Idle records that the loop waits for something that may never come, such as a command.
func Idle(ctx context.Context) { of(ctx).set(time.Time{}) }

// Sleep waits for d, for wake, which may be nil, or for the end of ctx. It reports whether
// wake ended it.
func Sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) (woken bool) {
	Within(ctx, d)
	defer Turn(ctx)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
		return true
	}
	return false
}

// Timeout is context.WithTimeout for a call to something outside the process.
func Timeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return TimeoutCause(ctx, d, nil)
}

// TimeoutCause is context.WithTimeoutCause for a call to something outside the process.
func TimeoutCause(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeoutCause(ctx, d, cause)
	p := of(ctx)
	if p == nil {
		return limited, cancel
	}
	c := &call{due: time.Now().Add(d)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[c] = true
	return limited, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.calls, c)
		if !p.due.IsZero() {
			p.due = time.Now().Add(p.of.limits.OwnWork)
		}
	}
}
