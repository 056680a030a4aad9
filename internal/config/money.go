package config

import (
	"strconv"

	"atelierd/internal/order"
)

// price returns a required price in whole cents.
func (t *table) price(key string) order.USD {
	t.inQuotes(key, order.Dollar/100)
	s := t.required(key, `a price like "5.00"`)
	usd, err := order.ParseUSD(s)
	if err != nil || usd <= 0 || usd%(order.Dollar/100) != 0 {
		t.problem(t.at(key), `%.40q is not a price; write one above 0 with at most two decimals, like "5.00"`, s)
	}
	return usd
}

// optionalPrice returns a price, or 0 when the key is missing.
func (t *table) optionalPrice(key string) order.USD {
	if !t.has(key) {
		t.known = append(t.known, key)
		return 0
	}
	return t.price(key)
}

// amount returns an amount of money with up to six decimals, or 0 when the key is
// missing.
func (t *table) amount(key string) order.USD {
	t.inQuotes(key, 1)
	s := t.text(key, "0")
	usd, err := order.ParseUSD(s)
	if err != nil || t.has(key) && usd <= 0 {
		t.problem(t.at(key), `%.40q is not an amount; write one above 0, like "0.04"`, s)
	}
	return usd
}

// inQuotes reports money that is written as a number instead of text, where it
// could be rounded. The problem shows the value as it should be written if it is a
// multiple of unit. Later problems of the same key are dropped.
func (t *table) inQuotes(key string, unit order.USD) {
	n := numeral(t.values[key])
	if usd, err := order.ParseUSD(n); err == nil && usd > 0 && usd%unit == 0 {
		t.problem(t.at(key), "is a number; write it in quotes: %q", usd)
	} else if n != "" {
		t.problem(t.at(key), "is not an amount of money; write one above 0 in quotes, like \"%s\"", order.Dollar*5)
	}
}

// numeral formats a number of the file. It returns "" for any other value.
func numeral(v any) string {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
