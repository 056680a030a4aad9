package atelier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errTooLong means that an answer is longer than its limit.
var errTooLong = errors.New("it is too long")

// nothing reads an answer that only has to be a success. Its data may be long: the
// marketplace answers many requests with the whole order.
func nothing(body io.Reader) error {
	s := newScanner(body, ordersLimit)
	_, err := s.fields(func() error {
		_, _, err := s.value(nil, 0)
		return err
	})
	return err
}

// into returns a reader of answers that unmarshals data into v.
func into(v any, limit int64) func(io.Reader) error {
	return func(body io.Reader) error {
		data, err := readData(body, limit)
		if err != nil {
			return err
		}
		return unmarshal(data, v)
	}
}

// unmarshal is json.Unmarshal with errors that name the field and do not quote the
// text.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if e.Field == "" {
			return fmt.Errorf("it is a JSON %s", e.Value)
		}
		return fmt.Errorf("%s is a JSON %s", e.Field, e.Value)
	}
	return err
}

// readData reads {"success":true,"data":…} and returns data, or null if there is none.
// For {"success":false} the error is a *refusal.
func readData(body io.Reader, limit int64) (json.RawMessage, error) {
	raw, err := io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(raw)) > limit:
		return nil, errTooLong
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		if !json.Valid(raw) {
			return nil, errNoJSON
		}
		return nil, errors.New("it is not a JSON object")
	}
	if err := checkSuccess(fields); err != nil {
		return nil, err
	}
	if data, ok := fields["data"]; ok {
		return data, nil
	}
	return json.RawMessage("null"), nil
}

// checkSuccess returns nil if the fields of an answer are those of a success.
func checkSuccess(fields map[string]json.RawMessage) error {
	var success flag
	if raw, ok := fields["success"]; ok {
		_ = success.UnmarshalJSON(raw) // never fails
	}
	_, data := fields["data"]
	switch {
	case success.is(false):
		return refusalOf(fields)
	case !success.is(true) && !data:
		return errors.New("it has neither success nor data")
	}
	return nil
}

// member returns data[name] if data is an object with that member, and else data.
func member(data json.RawMessage, name string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) == nil {
		if inner, ok := fields[name]; ok && (kind(inner) == "object" || kind(inner) == "array") {
			return inner
		}
	}
	return data
}
