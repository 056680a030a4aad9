package cli

import (
	"context"
	"errors"

	"atelierd/internal/order"
	"atelierd/internal/owner"
)

// OrdersRetryCmd resumes work.
type OrdersRetryCmd struct {
	Chosen
	Fresh bool `help:"Make the files from the start instead of resuming."`
	Output
}

// Help explains the command.
func (OrdersRetryCmd) Help() string {
	return `For work that is held, has failed, or was cancelled by you. It gets new attempts
and resumes at the stage where it stopped, so that you do not pay twice for a file
that exists. A running daemon starts at once. What waits for your approval is not sent:
"atelierd orders approve" sends it.

Flags such as --state held --code exit choose several orders. The command shows them,
with what they cost at most, and asks.`
}

// Run runs the command.
func (c OrdersRetryCmd) Run(p *Program) error {
	do := func(ctx context.Context, actions *owner.Actions, id string) error {
		if c.Fresh {
			return actions.Redo(ctx, id, order.Redo{})
		}
		return actions.Retry(ctx, id)
	}
	switch several, err := c.filtered(); {
	case err != nil:
		return err
	case several && c.Fresh:
		return &UsageError{errors.New("--fresh takes one order")}
	case several:
		return batch{what: "retry", done: "retried", do: do, after: afterRetry, costs: true, asShown: true}.run(p, c.Chosen, c.Output)
	}
	ch := &change{order: c.Order, seen: c.Seen, begins: true}
	ch.do = func(ctx context.Context, actions *owner.Actions, id string) error {
		err := do(ctx, actions, id)
		if err == nil {
			ch.done, ch.begins = retried(ctx, actions, id)
		}
		return err
	}
	return c.change(p, ch)
}

// retried returns what is printed of an order that was retried. begins is false if no work
// follows.
func retried(ctx context.Context, actions *owner.Actions, id string) (done string, begins bool) {
	some, all, err := actions.WaitsForApproval(ctx, id)
	approve := order.Command("orders approve", id)
	switch {
	case err != nil: // the retry is done, whatever can be said of it
	case all:
		return "waits for approval: " + approve + " sends it", false
	case some:
		return "is worked on again; what waits for approval still does: " + approve + " sends it", true
	}
	return willBeTried, true
}

// willBeTried is what is printed of an order that nothing keeps from being tried again.
const willBeTried = "will be tried again"

// afterRetry returns what is printed of one of several orders, which is nothing for most.
func afterRetry(ctx context.Context, actions *owner.Actions, id string) string {
	if done, _ := retried(ctx, actions, id); done != willBeTried {
		return done
	}
	return ""
}
