package order_test

import (
	"testing"

	"atelierd/internal/order"
)

func TestACommandInAHintIsSafeToPaste(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"ord_1795489855907_b2d04ff0": "`atelierd orders retry ord_1795489855907_b2d04ff0`",
		"":                           "`atelierd orders retry ORDER`",
		"$(touch x)":                 "`atelierd orders retry ORDER`",
		"a; rm -rf ~":                "`atelierd orders retry ORDER`",
		"--fresh":                    "`atelierd orders retry ORDER`",
		"a`b":                        "`atelierd orders retry ORDER`",
		"ü":                          "`atelierd orders retry ORDER`",
	} {
		if got := order.Command("orders retry", id); got != want {
			t.Errorf("the command for %q is %s, not %s", id, got, want)
		}
	}
	if got, want := order.Command("orders list --all"), "`atelierd orders list --all`"; got != want {
		t.Errorf("got %s, not %s", got, want)
	}
}
