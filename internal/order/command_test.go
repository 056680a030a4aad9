package order_test

import (
	"testing"

	"atelierd/internal/order"
)

func TestACommandInAHintIsSafeToPaste(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"ord_1":       "`atelierd orders retry ord_1`",
		"":            "`atelierd orders retry ORDER`",
		"$(touch x)":  "`atelierd orders retry ORDER`",
		"a; rm -rf /": "`atelierd orders retry ORDER`",
		"-n":          "`atelierd orders retry ORDER`",
		"a`b":         "`atelierd orders retry ORDER`",
	} {
		if got := order.Command("orders", "retry", id); got != want {
			t.Errorf("the command for %q is %s, not %s", id, got, want)
		}
	}
	if got, want := order.Command("orders", "redo", "ord_1", "--piece", "2"), "`atelierd orders redo ord_1 --piece 2`"; got != want {
		t.Errorf("got %s, not %s", got, want)
	}
}
