package order_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"atelierd/internal/order"
)

func TestWhyTheWorkWasCutDecidesWhatItsErrorMeans(t *testing.T) {
	t.Parallel()
	plain := errors.New("connection reset")
	own := order.Failf(order.Hold, "bad_config", "no such model").WithHint("set %s", "model")
	for name, c := range map[string]struct {
		cause error // of the cancellation; nil for none
		err   error
		class order.Class
		code  order.Code
	}{
		"a failure of its own":                {nil, own, order.Hold, "bad_config"},
		"a wrapped failure of its own":        {nil, fmt.Errorf("stage: %w", own), order.Hold, "bad_config"},
		"any other error is tried again":      {nil, plain, order.Retry, order.CodeError},
		"a stop":                              {order.ErrStopping, plain, order.Stopped, order.CodeStopped},
		"a stop beats the stage's own words":  {order.ErrStopping, own, order.Stopped, order.CodeStopped},
		"a lost lease":                        {order.ErrLeaseLost, plain, order.Lost, order.CodeLeaseLost},
		"an order that ended":                 {fmt.Errorf("cancelled: %w", order.ErrOrderEnded), own, order.Lost, order.CodeLeaseLost},
		"a cancellation that says nothing":    {context.Canceled, plain, order.Retry, order.CodeError},
		"a cancellation, and a failure of it": {context.Canceled, own, order.Hold, "bad_config"},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		if c.cause != nil {
			cancel(c.cause)
		}
		got := order.Classify(ctx, c.err)
		if got.Class != c.class || got.Code != c.code {
			t.Errorf("%s: %s %s, want %s %s", name, got.Class, got.Code, c.class, c.code)
		}
		cancel(nil)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(order.ErrStopping)
	if got := order.Classify(ctx, nil); got != nil {
		t.Errorf("work that was done before the stop is %v", got)
	}
}

func TestAFailureCarriesItsCauseAndHint(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	f := order.Failf(order.Fail, order.CodeRefused, "it says: %w", cause).WithHint("look at %d", 7)
	if !errors.Is(f, cause) || f.Error() != "it says: cause" || f.Hint != "look at 7" {
		t.Errorf("%v with the hint %q", f, f.Hint)
	}
	if bare := (&order.Failure{Class: order.Wait, Code: order.CodeBudget}); bare.Error() != "wait budget" || bare.Unwrap() != nil {
		t.Errorf("without a cause it reads %q", bare)
	}
}
