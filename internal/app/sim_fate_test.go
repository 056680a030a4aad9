package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file is what can go wrong in the simulation: a network that is cut, a
// process that dies at any commit or request, and a generator that takes its
// time, fails and refuses.

var (
	errCrashed = errors.New("the process has crashed")
	errFull    = fmt.Errorf("simulated: %w", syscall.ENOSPC)
)

// fate decides when a process dies: at a number of steps from its start, or
// at some delivery. A step is a moment before or after a commit, or before,
// during or after a request. Once dead, no commit and no request of the process
// succeeds. Until then its disk may be full for a while, or its database locked.
type fate struct {
	left       atomic.Int64 // steps
	deliveries atomic.Int64
	full       atomic.Bool
	locked     atomic.Bool // by another program, so that no lease is renewed
	dead       atomic.Bool
	once       sync.Once
	died       chan struct{}
	calm       bool   // it never dies, and its machine lacks nothing
	at         string // the step at which it died
}

// newFate makes a fate; 0 steps or deliveries are never reached.
func newFate(steps, deliveries int64) *fate {
	f := &fate{died: make(chan struct{}), calm: steps == 0 && deliveries == 0}
	f.left.Store(steps)
	f.deliveries.Store(deliveries)
	return f
}

// step is nil as long as the process lives and may write.
func (f *fate) step(at string) error {
	if f.dead.Load() {
		return errCrashed
	}
	if !idle(at) && f.left.Add(-1) == 0 {
		return f.die(at)
	}
	if strings.HasPrefix(at, "before:") {
		if f.full.Load() || f.locked.Load() && at == "before:renew" {
			return errFull
		}
	}
	return nil
}

// idle reports whether a step is a look for news for the owner, of which each minute has
// several. They would be most of a life's steps, and what they find is sent by a request,
// which is a step.
func idle(at string) bool {
	_, name, _ := strings.Cut(at, ":")
	return name == "alerts" || name == "dispatch" || name == "edits"
}

func (f *fate) die(at string) error {
	f.once.Do(func() {
		f.at = at
		f.dead.Store(true)
		close(f.died)
	})
	return errCrashed
}

// wire is a transport of a process that can die.
type wire struct {
	next http.RoundTripper
	fate *fate
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.fate.step("before request"); err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/deliver") && w.fate.deliveries.Add(-1) == 0 {
		return nil, w.dieDuring(r)
	}
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := w.fate.step("after request"); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// dieDuring ends the process while the request is on its way: the marketplace
// has received it and carries it out.
func (w wire) dieDuring(r *http.Request) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Millisecond)
	defer cancel()
	if resp, err := w.next.RoundTrip(r.WithContext(ctx)); err == nil {
		resp.Body.Close()
	}
	return w.fate.die("during a delivery")
}

// painter is the generator of the simulation.
type painter struct {
	mu  sync.Mutex
	rng *rand.Rand
	// starts decides which runs the machine does not start.
	starts *rand.Rand
	made   map[string]int // finished runs by order, round and attempt
	// heard is whether a later round of an order was made with the client's feedback.
	heard map[string]bool
	// failures are counted by order, round and piece. used are attempts beyond them, and
	// cut the runs whose lease was lost.
	failures map[string]int
	used     []string
	cut      []cut
}

// picture is a PNG of one pixel; what follows its end makes each file its own.
var picture = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\rIDATx\x9cc\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82")

func (c *painter) draw() (minutes int, luck float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return 1 + c.rng.IntN(15), c.rng.Float64()
}

func (c *painter) Check(context.Context) error { return nil }

func (c *painter) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	minutes, luck := c.draw()
	ctx, done := beat.Timeout(ctx, time.Hour)
	defer done()
	t := time.NewTimer(time.Duration(minutes) * time.Minute)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return generate.Result{}, order.Failf(order.Stopped, order.CodeStopped, "stopped")
	case <-t.C:
	}
	if refuses(r.Brief) {
		return generate.Result{}, order.Failf(order.Fail, order.CodeRefused, "the generator refuses")
	}
	if luck < 0.15 {
		return generate.Result{}, order.Failf(order.Retry, order.CodeExit, "the generator failed")
	}
	file := filepath.Join(r.OutputDir, "out.png")
	body := append([]byte{}, picture...)
	body = fmt.Appendf(body, "%s %d %d %d", r.OrderID, r.Round, r.Piece, r.Attempt)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return generate.Result{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Round > 0 {
		c.heard[fmt.Sprintf("%s round %d", r.OrderID, r.Round)] = slices.ContainsFunc(r.Messages, func(m generate.Message) bool { return strings.Contains(m.Text, reason) })
	}
	c.made[fmt.Sprintf("%s round %d piece %d attempt %d", r.OrderID, r.Round, r.Piece, r.Attempt)]++
	return generate.Result{Files: []string{file}, Cost: order.Dollar / 25}, nil
}

func refuses(brief string) bool { return brief == "something indecent" }
