package exec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// Price runs the program for a quote: it is told the order as for its files,
// and prints {"price_usd":"15.00"} to stdout, or exits with 65 to refuse. Files
// that it makes are of no use.
func (e *Program) Price(ctx context.Context, req generate.Request) (order.USD, error) {
	out, log, err := e.run(ctx, req)
	if err != nil {
		return 0, err
	}
	reason := log.finish(out.stdout)
	price, message, priceErr := parsePrice(out.stdout, e.redact)
	if f := out.failure(manifest{Message: message}, reason); f != nil {
		f.Log = log.tail()
		return 0, f
	}
	if priceErr != nil {
		return 0, bad(priceErr, 0, log.tail())
	}
	return price, nil
}

// parsePrice reads {"price_usd":…,"message":…}; the price is text or a number.
// No secret is left in the message and the error.
func parsePrice(stdout []byte, redact *redactor) (price order.USD, message string, err error) {
	var wire struct {
		Price   json.RawMessage `json:"price_usd"`
		Message string          `json:"message"`
	}
	dec := json.NewDecoder(bytes.NewReader(stdout))
	if err := dec.Decode(&wire); err != nil {
		return 0, "", errors.New(`the pricing command has not printed {"price_usd":"15.00"} to stdout`)
	}
	message = term.Cut(term.Text(redact.clean(wire.Message)), maxMessage)
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return 0, message, errors.New("something follows the price on stdout")
	}
	price, err = parseCost(wire.Price, redact)
	switch {
	case err != nil:
		return 0, message, fmt.Errorf("the pricing command's price_usd %w", err)
	case price <= 0:
		return 0, message, errors.New("the pricing command's price_usd is missing, or nothing")
	}
	return price, message, nil
}
