package atelier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"atelierd/internal/order"
)

const (
	// partRows and partBytes are the most orders, and about the most JSON, in a part of
	// a listing.
	partRows  = 1000
	partBytes = 2 << 20
	// mostFields is how many fields next to data are kept of an answer.
	mostFields = 64
)

var (
	errNoList = errors.New("its data is not a list")
	errNoJSON = errors.New("it is not JSON")
)

// listingReader reads {"success":true,"data":[…]} row by row.
type listingReader struct {
	*scanner
	take  func(order.Listing) error
	part  order.Listing
	bytes int // of JSON in the part
}

// readListing reads a listing and passes it on in parts.
func readListing(body io.Reader, limit int64, take func(order.Listing) error) error {
	l := listingReader{scanner: newScanner(body, limit), take: take}
	fields, err := l.fields(l.rows)
	if err != nil {
		return err
	}
	if _, ok := fields["data"]; !ok {
		// An empty listing would mean that every order has vanished.
		return errors.New("it has no data")
	}
	return take(l.part)
}

// fields reads a whole answer and returns its fields. data consumes the value of the
// field data, which is nil in the result, unless the answer is a refusal.
func (s *scanner) fields(data func() error) (map[string]json.RawMessage, error) {
	if err := s.expect('{'); err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	for first := true; ; first = false {
		if more, err := s.more('}', first); err != nil {
			return nil, err
		} else if !more {
			break
		}
		key, _, err := s.value(nil, longestKey)
		if err == nil {
			err = s.expect(':')
		}
		if err != nil {
			return nil, err
		}
		if string(key) == `"data"` {
			fields["data"] = nil
			// What a refusal lists says nothing about the orders.
			if raw, ok := fields["success"]; !ok || !isFalse(raw) {
				if err := data(); err != nil {
					return nil, err
				}
				continue
			}
		}
		value, whole, err := s.value(nil, errorLimit)
		if err != nil {
			return nil, err
		}
		var name string
		if json.Unmarshal(key, &name) != nil || whole && !json.Valid(value) {
			return nil, errNoJSON
		}
		if whole && len(fields) < mostFields {
			fields[name] = value
		}
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	return fields, checkSuccess(fields)
}

func isFalse(raw json.RawMessage) bool {
	var f flag
	_ = f.UnmarshalJSON(raw) // never fails
	return f.is(false)
}

func (l *listingReader) rows() error {
	c, err := l.peek()
	if err != nil {
		return err
	}
	if c != '[' {
		null, _, err := l.value(nil, len("null"))
		if err == nil && string(null) != "null" { // null is no orders
			err = errNoList
		}
		return err
	}
	if err := l.expect('['); err != nil {
		return err
	}
	var row []byte
	for first := true; ; first = false {
		if more, err := l.more(']', first); err != nil || !more {
			return err
		}
		whole := false
		if row, whole, err = l.object(row[:0], rowLimit, nil); err != nil {
			return err
		}
		if !json.Valid(row) {
			return errNoJSON // where such a row ends is uncertain
		}
		l.add(row, whole)
		if l.bytes < partBytes && len(l.part.Orders)+len(l.part.Bad) < partRows {
			continue
		}
		l.part.More = true
		if err := l.take(l.part); err != nil {
			return err
		}
		l.part, l.bytes = order.Listing{}, 0
	}
}

// add reads a row into the part, and copies it.
func (l *listingReader) add(row []byte, whole bool) {
	l.bytes += len(row)
	facts, err := readOrder(row)
	if err == nil {
		facts.TooLarge = !whole
		l.part.Orders = append(l.part.Orders, facts)
		return
	}
	reason := tidy(err.Error())
	if !whole {
		reason = fmt.Sprintf("it has more than %d MiB, and %s", rowLimit>>20, reason)
	}
	l.part.Bad = append(l.part.Bad, order.BadRow{ID: readableID(row), Reason: reason, Raw: bytes.Clone(row)})
}

// oneOrder is the answer about one order.
type oneOrder struct {
	data json.RawMessage
	// tooLarge: the order is over rowLimit, and data has only its short fields.
	tooLarge bool
}

// readOne reads the answer about one order. The limit of the order is that of a row of
// a listing, so that what a poll accepts can be looked at later.
func readOne(body io.Reader) (one oneOrder, err error) {
	s := newScanner(body, ordersLimit)
	nested := false
	inner := func(key string, dst []byte) ([]byte, bool, error) {
		if key != `"order"` {
			return dst, false, nil
		}
		nested = true
		start := len(dst)
		dst, whole, err := s.object(dst, rowLimit, nil)
		if len(dst) == start {
			dst = append(dst, "null"...)
		}
		one.tooLarge = !whole
		return dst, true, err
	}
	fields, err := s.fields(func() error {
		data, whole, err := s.object(nil, oneLimit, inner)
		one.data = data
		if !nested {
			one.tooLarge = !whole || len(data) > rowLimit
		}
		return err
	})
	if _, ok := fields["data"]; err == nil && (!ok || len(one.data) == 0) {
		one.data = json.RawMessage("null")
	}
	if err == nil && !json.Valid(one.data) {
		err = errNoJSON
	}
	return one, err
}
