package fulfill

import (
	"context"
	"fmt"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

const (
	// pageDelay is how long the marketplace's page may take to write the feedback of a
	// client as a message.
	pageDelay = 2 * time.Minute
	// answerWait is how long work waits for the answer to a question, and answerLook
	// the time between two looks at the thread in it. A new message ends the wait.
	answerWait = 24 * time.Hour
	answerLook = time.Hour
)

// sentBackBlind keeps a round from being paid for while nobody knows what was wrong
// with the last one. It is nil once the client has written something since, or the
// owner has had the work tried again. The feedback of a client who uses the API
// exists only in a webhook, so it may be lost for good.
func (r *run) sentBackBlind(ctx context.Context, req generate.Request) error {
	if req.Round == 0 || r.job.ByOwner {
		return nil
	}
	texts, err := r.feedback(ctx, req)
	if err != nil || len(texts) > 0 {
		return err
	}
	age := time.Since(r.job.CreatedAt)
	if rest := pageDelay - age; rest > 0 {
		return &order.Failure{
			Class: order.Wait, Code: order.CodeNoFeedback, After: rest,
			Err: fmt.Errorf("the client has sent round %d back, and what for is not shown yet", req.Round-1),
		}
	}
	asks := r.service.messageFor("question", fmt.Sprintf("question-%d", req.Round))
	if rest := answerWait - age; rest > 0 && len(asks) > 0 {
		return &order.Failure{
			Class: order.Wait, Code: order.CodeNoFeedback, After: min(rest, answerLook), Message: &asks[0],
			Err: fmt.Errorf("the client has sent round %d back without saying why, and is asked", req.Round-1),
		}
	}
	return order.Failf(order.Hold, order.CodeNoFeedback, "the client has sent round %d back without saying why", req.Round-1).
		WithHint("to ask, run %s: work resumes with the answer; %s makes it again without one",
			order.Command("messages --send TEXT", req.OrderID), order.Command("orders retry", req.OrderID))
}
