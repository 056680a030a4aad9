package notify

import (
	"context"
	"encoding/json"

	"atelierd/internal/beat"
)

// command runs a program of the owner's. It reads the JSON of type webhook on its
// standard input. Exit status 0 is sent, any other is tried again.
type command struct {
	run func(ctx context.Context, input []byte) error
}

func (c command) Send(ctx context.Context, m Message) (string, error) {
	input, err := json.Marshal(form(m))
	if err != nil {
		return "", failf(Refused, "the message cannot be written as JSON: %v", err)
	}
	ctx, cancel := beat.Timeout(ctx, timeout)
	defer cancel()
	if err := c.run(ctx, append(input, '\n')); err != nil {
		return "", failf(Later, "%s", line(err.Error()))
	}
	return "", nil
}
