package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/view"
	"atelierd/internal/words"
)

// askWorkers limits how long the command waits for NATS.
const askWorkers = 5 * time.Second

// whoWorks adds to each open call that is handed out who makes it, in which state it is, and
// when its worker was last heard of.
func whoWorks(ctx context.Context, cfg *config.Config, calls []view.Call) {
	var open []int
	for i, c := range calls {
		if c.State == order.CallSubmitted && cfg.Generators[c.Generator].Type == config.TypeNATS {
			open = append(open, i)
		}
	}
	if len(open) == 0 || !cfg.NATS.On() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askWorkers)
	defer cancel()
	o := app.NATSOptions(cfg.NATS, agentSide, slog.New(slog.DiscardHandler))
	o.Wait = askWorkers
	q, err := natsq.Open(o)
	if err != nil {
		for _, i := range open {
			calls[i].Note = "who makes it is unknown: " + term.Line(err.Error(), 150)
		}
		return
	}
	defer q.Close()
	for _, i := range open {
		calls[i].Note = whoMakes(ctx, q, cfg.Generators[calls[i].Generator].Route, strings.TrimPrefix(calls[i].Ticket, "nats:"))
	}
}

func whoMakes(ctx context.Context, q *natsq.Queue, route, key string) string {
	e, err := q.Get(ctx, route, key)
	if err != nil {
		return "who makes it is unknown: " + term.Line(err.Error(), 150)
	}
	silent, err := q.Silent(ctx, e)
	switch {
	case e.State == natsq.Wanted:
		return "no worker has begun it"
	case err != nil:
		return fmt.Sprintf("worker %s, %s", term.Line(e.Worker, 40), e.State)
	case e.Worker == "":
		return fmt.Sprintf("%s; its worker has stopped, and another resumes it", e.State)
	}
	return fmt.Sprintf("worker %s, %s, heard of %s ago", term.Line(e.Worker, 40), e.State, words.Span(silent))
}
