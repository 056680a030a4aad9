package store

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/order"
)

// allCodes returns every code of the vocabulary.
func allCodes(t *testing.T) (list []order.Code) {
	t.Helper()
	source, err := os.ReadFile("../order/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\tCode\w+ +Code += "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if code := order.Code(m[1]); code != order.CodeOwner { // which is a command's
			list = append(list, code)
		}
	}
	if len(list) < 90 {
		t.Fatalf("found only %d codes", len(list))
	}
	return list
}

// ownersCommands are the commands that can release an order.
var ownersCommands = map[string]func(context.Context, Owner, string) error{
	"approve": func(ctx context.Context, o Owner, id string) error { return o.Approve(ctx, id, 0) },
	"retry":   func(ctx context.Context, o Owner, id string) error { return o.Retry(ctx, id) },
	"redo":    func(ctx context.Context, o Owner, id string) error { return o.Redo(ctx, id, order.Redo{}, keepFiles) },
	"quote":   func(ctx context.Context, o Owner, id string) error { return o.Quote(ctx, id, 15*order.Dollar) },
	"cancel":  func(ctx context.Context, o Owner, id string) error { return o.Cancel(ctx, id, "") },
	"assign":  func(ctx context.Context, o Owner, id string) error { return o.Assign(ctx, id, "Images", decide) },
}

// heldForm is a way in which an order is held, and the commands that release it,
// whatever the code is unless it has a code of its own.
type heldForm struct {
	status   order.Status
	hold     func(t *testing.T, s *Store, id string, code order.Code)
	released string
	code     order.Code
}

var heldForms = map[string]heldForm{
	"its work is held": {order.Paid, holdWork(order.Hold), "cancel redo retry", ""},
	"its work failed":  {order.Paid, holdWork(order.Fail), "cancel redo retry", order.CodeRefused},
	"its quote is held": {order.PendingQuote, func(t *testing.T, s *Store, id string, code order.Code) {
		decided(t, s, facts(id, order.PendingQuote), order.Decision{State: order.StateWorking, Jobs: order.JobsQuote})
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(order.Hold, code, "no")})
	}, "cancel quote retry", ""},
	"it has no work": {order.Paid, func(t *testing.T, s *Store, id string, code order.Code) {
		decided(t, s, facts(id, order.Paid), order.Decision{State: order.StateHeld, Code: code})
	}, "assign cancel", ""},
	"it has no quote": {order.PendingQuote, func(t *testing.T, s *Store, id string, code order.Code) {
		decided(t, s, facts(id, order.PendingQuote), order.Decision{State: order.StateHeld, Code: code})
	}, "cancel quote", ""},
	"its last round is sent back": {order.Disputed, sentBack, "cancel", ""},
	"it is sent back too often":   {order.Disputed, sentBack, "redo retry", order.CodeRoundCap},
	"it waits for a review":       {order.Paid, holdWork(order.Hold), "approve", order.CodeReview},
	"the owner cancelled it":      {order.Paid, cancelledWithoutWork, "assign redo retry", order.CodeNoService},
	"the owner cancelled its work": {order.Paid, func(t *testing.T, s *Store, id string, _ order.Code) {
		paid(t, s, id)
		cancelOrder(t, s, id)
	}, "redo retry", order.CodeNoService},
	"the owner cancelled its last round": {order.Disputed, func(t *testing.T, s *Store, id string, code order.Code) {
		sentBack(t, s, id, code)
		cancelOrder(t, s, id)
	}, "redo retry", order.CodeNoService},
}

func holdWork(class order.Class) func(*testing.T, *Store, string, order.Code) {
	return func(t *testing.T, s *Store, id string, code order.Code) {
		paid(t, s, id)
		finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Failure: order.Failf(class, code, "no")})
	}
}

// sentBack holds an order whose delivery came back.
func sentBack(t *testing.T, s *Store, id string, code order.Code) {
	t.Helper()
	paid(t, s, id)
	finish(t, s, order.Done{Job: take(t, s, order.LaneGenerate), Result: order.Result{Delivery: order.DeliveryElsewhere}})
	decided(t, s, facts(id, order.Disputed), order.Decision{State: order.StateHeld, Code: code})
}

func cancelledWithoutWork(t *testing.T, s *Store, id string, _ order.Code) {
	t.Helper()
	decided(t, s, facts(id, order.Paid), order.Decision{State: order.StateHeld, Code: order.CodeNoService})
	cancelOrder(t, s, id)
}

func cancelOrder(t *testing.T, s *Store, id string) {
	t.Helper()
	if err := (Owner{Store: s}).Cancel(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
}

// decided applies a listing with one order about which the decision is d.
func decided(t *testing.T, s *Store, f order.Facts, d order.Decision) {
	t.Helper()
	b := batch(f)
	b.Decide = func(order.Known, order.Facts) order.Decision {
		d.Reason, d.DueAt = "no", placed
		return d
	}
	apply(t, s, b)
}

// released reports whether work for the order is ready, or the owner has put it aside,
// or the next poll decides about it again.
func released(t *testing.T, s *Store, id string, before order.State) bool {
	t.Helper()
	o := getOrder(t, s, id)
	works, err := s.Works(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ready := slices.ContainsFunc(works, func(w Work) bool { return w.State == order.JobReady })
	return ready && o.State == order.StateWorking || o.Code == order.CodeOwner || before == order.StateHeld && o.State == order.StateWaiting
}

// Whatever holds an order, there is a command that releases it.
func TestEveryHoldHasAWayOut(t *testing.T) {
	t.Parallel()
	codes := allCodes(t)
	for name, form := range heldForms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openNew(t, Options{})
			held := codes
			if form.code != "" {
				held = []order.Code{form.code}
			}
			for _, code := range held {
				for command := range strings.FieldsSeq(form.released) {
					if code == order.CodeReview && command == "retry" {
						continue // which sends nothing that is not approved
					}
					form.try(t, s, code, command)
				}
			}
		})
	}
}

// try holds an order with a code and has the owner release it with a command.
func (form heldForm) try(t *testing.T, s *Store, code order.Code, command string) {
	t.Helper()
	id := fmt.Sprintf("%s-%s", code, command)
	form.hold(t, s, id, code)
	before := getOrder(t, s, id)
	if before.State != order.StateHeld && before.State != order.StateFailed || before.Status != form.status {
		t.Fatalf("%s: it is %s, and %s at the marketplace", code, before.State, before.Status)
	}
	if err := ownersCommands[command](t.Context(), Owner{Store: s}, id); err != nil {
		t.Errorf("%s: %s fails: %v", code, command, err)
	}
	if after := getOrder(t, s, id); !released(t, s, id, before.State) {
		t.Errorf("%s: after %s it is %s %q", code, command, after.State, after.Code)
	}
	_ = Owner{Store: s}.Cancel(t.Context(), id, "") // nothing stays ready for the next case
}
