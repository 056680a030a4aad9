package order_test

import (
	"math"
	"testing"

	"atelierd/internal/order"
)

func TestAmountsAreReadAsTheMarketplaceWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]order.USD{
		"5": 5 * order.Dollar, "5.00": 5 * order.Dollar, "0.045": 45_000, "0.000001": 1, "00.10": 100_000,
		"999999999.999999": 999_999_999_999_999, "0": 0,
	} {
		if got, err := order.ParseUSD(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", ".5", "5.", "-5", "+5", "5e3", "1,000", "0.0000001", "1000000000", "5.0 ", "٣", "5.5.5", "NaN", "0x5"} {
		if got, err := order.ParseUSD(text); err == nil {
			t.Errorf("%q passes for %s", text, got)
		}
	}
}

func TestAmountsAreWrittenInTheShortestFormWithTwoDecimals(t *testing.T) {
	t.Parallel()
	for amount, want := range map[order.USD]string{
		0: "0.00", 5 * order.Dollar: "5.00", 45_000: "0.045", 1: "0.000001", 100_000: "0.10",
		-5_250_000: "-5.25", -1: "-0.000001", math.MaxInt64: "9223372036854.775807",
	} {
		if got := amount.String(); got != want {
			t.Errorf("%d is written %q, want %q", amount, got, want)
		}
	}
}

func FuzzAmountsComeBackAsTheyWere(f *testing.F) {
	for _, text := range []string{"5", "5.00", "0.045", "999999999.999999", "-1", "1e3", "", "12.3456789"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		amount, err := order.ParseUSD(text)
		if err != nil {
			return
		}
		if amount < 0 {
			t.Fatalf("%q is negative: %d", text, amount)
		}
		if again, err := order.ParseUSD(amount.String()); err != nil || again != amount {
			t.Fatalf("%q is %d, written %q, which is %d, %v", text, amount, amount, again, err)
		}
	})
}

func TestTheFeeIsTheOneNamedElseTheUsual(t *testing.T) {
	t.Parallel()
	named := 3 * order.Dollar
	for want, named := range map[order.USD]*order.USD{500_000: nil, named: &named} {
		if got := order.Fee(5*order.Dollar, named, "wallet"); got != want {
			t.Errorf("the fee is %s, want %s", got, want)
		}
	}
}

func TestAnotherAgentPaysTheFeeOnTop(t *testing.T) {
	t.Parallel()
	named := order.Dollar / 2
	for _, fee := range []*order.USD{nil, &named} {
		if got := order.Fee(5*order.Dollar, fee, order.ClientAgent); got != 0 {
			t.Errorf("a fee of %s is subtracted", got)
		}
	}
}
