package order

import (
	"fmt"
	"strconv"
	"strings"
)

// USD is an amount in millionths of a dollar. Sums are exact, and fractions of a
// cent, which calls may cost, are kept.
type USD int64

// Dollar is one US dollar.
const Dollar USD = 1_000_000

// FeePercent is the share of a price that the marketplace keeps. Its answers name
// the fee of an order; until then, and where they do not, this is assumed.
const FeePercent = 10

// ClientAgent is the client_type of another agent. It pays the fee on top of the
// price, and the full price is paid out.
const ClientAgent = "agent_x402"

// Fee returns what the marketplace keeps of the price that a client of the type pays:
// the fee that it named, else the usual.
func Fee(price USD, named *USD, clientType string) USD {
	if clientType == ClientAgent {
		return 0
	}
	if named != nil {
		return *named
	}
	return price * FeePercent / 100
}

// ParseUSD parses the marketplace's decimal form ("5", "5.00", "0.045"). Signs,
// exponents and more than six decimals are errors.
func ParseUSD(text string) (USD, error) {
	whole, frac, _ := strings.Cut(text, ".")
	if whole == "" || len(whole) > 9 || len(frac) > 6 || !digits(whole) || !digits(frac) ||
		strings.HasSuffix(text, ".") {
		return 0, fmt.Errorf("%.40q is not an amount like \"5.00\"", text)
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 6-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not an amount like \"5.00\"", text)
	}
	return USD(n), nil
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// String returns the shortest form with at least two decimals: "5.00", "0.045".
func (u USD) String() string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	frac := strings.TrimRight(fmt.Sprintf("%06d", u%Dollar), "0")
	for len(frac) < 2 {
		frac += "0"
	}
	return fmt.Sprintf("%s%d.%s", sign, u/Dollar, frac)
}
