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
	"atelierd/internal/secret"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// This file holds what a program can do besides making files: price a quote, and
// check finished work.

// Price runs the program for a quote. It gets the same request as for files and
// prints {"price_usd":"15.00"} to stdout, or exits with 65 to refuse. Files that
// it makes are ignored.
func (e *Program) Price(ctx context.Context, req generate.Request) (order.USD, error) {
	out, log, err := e.run(ctx, req)
	if err != nil {
		return 0, err
	}
	reason := log.finish(out.stdout)
	price, message, priceErr := parsePrice(out.stdout, log.redacted.Redactor)
	if f := out.failure(manifest{Message: message}, reason); f != nil {
		f.Log = log.tail()
		return 0, f
	}
	if priceErr != nil {
		return 0, badOutput(priceErr, 0, log.tail())
	}
	return price, nil
}

// parsePrice reads {"price_usd":…,"message":…}. The price is text or a number.
// Message and error hold no secret.
func parsePrice(stdout []byte, redact *secret.Redactor) (price order.USD, message string, err error) {
	var wire struct {
		Price   json.RawMessage `json:"price_usd"`
		Message string          `json:"message"`
	}
	dec := json.NewDecoder(bytes.NewReader(stdout))
	if err := dec.Decode(&wire); err != nil {
		return 0, "", errors.New(`the pricing command did not print {"price_usd":"15.00"} to stdout`)
	}
	message = words.Cut(term.Text(redact.Clean(wire.Message)), maxMessage)
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return 0, message, errors.New("more text follows the price on stdout")
	}
	price, err = parseCost(wire.Price, redact)
	switch {
	case err != nil:
		return 0, message, fmt.Errorf("the pricing command's price_usd %w", err)
	case price <= 0:
		return 0, message, errors.New("the pricing command's price_usd is missing or not above 0")
	}
	return price, message, nil
}

// CheckFiles runs the program as a check. It gets the same request as for files,
// and the absolute paths of the finished files in "files". It exits with 0 when
// the work is good. It exits with 65 when it is not, and says why on stderr.
func (e *Program) CheckFiles(ctx context.Context, req generate.Request, files []string) error {
	req.Made = files
	out, log, err := e.run(ctx, req)
	if err != nil {
		return err
	}
	reason := log.finish(out.stdout)
	object, _ := splitManifest(out.stdout)
	m, err := parseManifest(object, log.redacted.Redactor)
	if err != nil {
		m = manifest{} // a check need not print a manifest
	}
	f := out.failure(m, reason)
	if f == nil {
		return nil
	}
	f.Log, f.Charge = log.tail(), order.ChargeNone
	return f
}

// Notify runs the program with a text on its standard input. Exit status 0 is done, and
// any other an error that says what the program wrote to stderr last.
func (e *Program) Notify(ctx context.Context, input []byte) error {
	log := newLineLog(e.opts.Log.With("run", "notify"), e.redactor())
	p, err := e.process(generate.Request{}, log, e.opts.Command)
	if err != nil {
		return err
	}
	p.stdin = input
	out, err := p.run(ctx)
	if err != nil {
		return err
	}
	return asError(out.failure(manifest{}, log.finish(out.stdout)))
}
