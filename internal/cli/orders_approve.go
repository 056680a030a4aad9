package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/owner"
)

// OrdersApproveCmd delivers work that waits for a review.
type OrdersApproveCmd struct {
	Chosen
	After    time.Duration `help:"Send nothing before this is over. Until then, --take-back holds it again." placeholder:"10s"`
	TakeBack bool          `help:"Take back an approval that was given with --after, or in the console, and is not over."`
	Output
}

// Help explains the command.
func (OrdersApproveCmd) Help() string {
	return `For orders of a service in mode review. Their files are made and wait for you;
"atelierd orders show" names them. After approval they are uploaded and delivered,
and a price that waits for approval is sent to the client. All pieces of a
subscription that wait are approved together, and other work of the order that is held
or has failed stays so. A running daemon starts at once. To have the files made again
instead, run "atelierd orders redo".

With --if it approves only what you have seen: "orders show" prints the fingerprint,
and files that were made again since have another one.

Flags such as --service choose several orders. The command shows them, and asks. An order
whose files are made again before you answer is left as it is.`
}

// Run runs the command.
func (c OrdersApproveCmd) Run(p *Program) error {
	switch several, err := c.filtered(); {
	case err != nil:
		return err
	case c.TakeBack && (several || c.After > 0):
		return &UsageError{errors.New("--take-back takes one order and no --after")}
	case c.TakeBack:
		return c.change(p, &change{order: c.Order, seen: c.Seen, done: "waits for your approval again", do: func(ctx context.Context, actions *owner.Actions, id string) error {
			return actions.TakeBack(ctx, id)
		}})
	case several:
		do := func(ctx context.Context, actions *owner.Actions, id string) error {
			return actions.Approve(ctx, id, c.After)
		}
		return batch{what: "approve", done: "approved", do: do, asShown: true}.run(p, c.Chosen, c.Output)
	}
	approve := change{order: c.Order, seen: c.Seen}
	approve.do = func(ctx context.Context, actions *owner.Actions, id string) (err error) {
		approve.decided, approve.done, err = c.approve(ctx, actions, id)
		return err
	}
	return c.change(p, &approve)
}

// approve approves what it returns the fingerprint of, and no other files.
func (c OrdersApproveCmd) approve(ctx context.Context, actions *owner.Actions, id string) (seen order.Fingerprint, done string, err error) {
	if seen, err = actions.Fingerprint(ctx, id); err != nil {
		return "", "", err
	}
	if c.If == "" {
		actions = actions.If(seen)
	}
	if err := actions.Approve(ctx, id, c.After); err != nil {
		return "", "", err
	}
	done = "is approved, as " + string(seen)
	if c.After > 0 {
		done += fmt.Sprintf("; nothing of it goes to the client within %s, and until then %s takes that back", c.After, order.Command("orders approve --take-back", id))
	}
	return seen, done, nil
}
