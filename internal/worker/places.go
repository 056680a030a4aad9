package worker

import (
	"context"
	"sync"
)

// places are the slots of a route. Whoever asks first gets one first.
type places struct {
	mu    sync.Mutex
	free  int
	turns []chan struct{} // of those that wait
}

// turn asks for a place. The channel is closed once it is there, and leave returns it.
func (p *places) turn() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	turn := make(chan struct{})
	if p.free > 0 {
		p.free--
		close(turn)
	} else {
		p.turns = append(p.turns, turn)
	}
	return turn
}

// leave returns a place.
func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.turns) == 0 {
		p.free++
		return
	}
	close(p.turns[0])
	p.turns = p.turns[1:]
}

// came waits for a turn, and reports false once ctx ends. Nobody needs the place then: the
// worker stops.
func came(ctx context.Context, turn <-chan struct{}) bool {
	select {
	case <-turn:
		return true
	case <-ctx.Done():
		return false
	}
}
