package config

import (
	"strconv"

	"atelierd/internal/order"
)

// price gives a required price of whole cents.
func (t *table) price(key string) order.USD {
	t.inQuotes(key, order.Dollar/100)
	s := t.required(key)
	usd, err := order.ParseUSD(s)
	if err != nil || usd <= 0 || usd%(order.Dollar/100) != 0 {
		t.problem(t.at(key), `must be a price above 0 with at most two decimals, such as "5.00", is %.40q`, s)
	}
	return usd
}

// optionalPrice is a price that is 0 when it is not there.
func (t *table) optionalPrice(key string) order.USD {
	if !t.has(key) {
		t.known = append(t.known, key)
		return 0
	}
	return t.price(key)
}

// amount gives an amount of money of up to six decimals, 0 when it is not there.
func (t *table) amount(key string) order.USD {
	t.inQuotes(key, 1)
	s := t.text(key, "0")
	usd, err := order.ParseUSD(s)
	if err != nil || t.has(key) && usd <= 0 {
		t.problem(t.at(key), `must be an amount above 0, such as "0.04", is %.40q`, s)
	}
	return usd
}

// inQuotes shows how a number that is a multiple of unit is written as money:
// as text, so that nothing of it is rounded. What is said of the key after that
// is dropped.
func (t *table) inQuotes(key string, unit order.USD) {
	n := numeral(t.values[key])
	if usd, err := order.ParseUSD(n); err == nil && usd > 0 && usd%unit == 0 {
		t.problem(t.at(key), "write it in quotes: %q", usd)
	} else if n != "" {
		t.problem(t.at(key), "must be an amount above 0 in quotes, such as \"%s\"", order.Dollar*5)
	}
}

// numeral writes a number of the file out; it is empty for any other value.
func numeral(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
