package intake

import (
	"context"
	"errors"
	"time"
)

// PollState is the last poll, and when the next one is due.
type PollState struct {
	// At is when the last poll began; zero before the first.
	At time.Time
	// Orders is how many orders it has shown, New and Changed how many of them were.
	Orders, New, Changed int
	// Err is why it failed or was not sent.
	Err error
	// Next is when the next poll is due; zero while one runs.
	Next time.Time
}

// ErrEnded says that the poller polls no more.
var ErrEnded = errors.New("the daemon is stopping and polls no more")

// Ask polls as soon as Run can, and returns what that poll has found. Like every poll it
// is not sent while the budget keeps the rest of the requests for deliveries: then Err
// says so. Those who ask at the same time share a poll.
func (p *Poller) Ask(ctx context.Context) (PollState, error) {
	answer := make(chan PollState, 1)
	p.stateMu.Lock()
	p.asked = append(p.asked, answer)
	p.stateMu.Unlock()
	p.Hint()
	select {
	case s := <-answer:
		return s, nil
	case <-p.ended:
		return PollState{}, ErrEnded
	case <-ctx.Done():
		return PollState{}, ctx.Err()
	}
}

// State returns the last poll, and when the next one is due.
func (p *Poller) State() PollState {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	return p.state
}

// begin notes that a poll of Run begins, and returns those who have asked for it.
func (p *Poller) begin() (asked []chan<- PollState) {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.state.Next = time.Time{}
	asked, p.asked = p.asked, nil
	return asked
}

// dueAt notes when the next poll is due.
func (p *Poller) dueAt(next time.Time) {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.state.Next = next
}

// note keeps the outcome of a poll.
func (p *Poller) note(began time.Time, got polled, err error) {
	p.stateMu.Lock()
	defer p.stateMu.Unlock()
	p.state = PollState{At: began, Orders: got.orders, New: got.sum.New, Changed: got.sum.Changed, Err: err, Next: p.state.Next}
}
