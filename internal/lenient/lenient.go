// Package lenient reads JSON whose writer does not keep to its own description: a
// byte order mark, numbers as text, NaN, fields of another type, text after the end.
// What can be read is read.
//
// The package must not know what the JSON is about.
package lenient

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

// Unmarshal reads the first JSON value of data into v. A field of another type than
// v's keeps its zero value. Anything after the value is ignored. The error is that of
// data that is not JSON, or whose outermost value is not of v's type.
func Unmarshal(data []byte, v any) error {
	_, err := Prefix(data, v)
	return err
}

// Prefix is Unmarshal, and returns what follows the value too.
func Prefix(data []byte, v any) (rest []byte, err error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	rest, err = prefix(data, v)
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		if plain := withoutNaN(data); plain != nil {
			return prefix(plain, v)
		}
	}
	return rest, err
}

var byteOrderMark = []byte("\xef\xbb\xbf")

func prefix(data []byte, v any) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		err = nil
	}
	return data[dec.InputOffset():], err
}

// withoutNaN returns data with null in place of the numbers that JSON does not have
// and that some encoders write, as far as the first value extends. It returns nil if
// there is none.
func withoutNaN(data []byte) (plain []byte) {
	inside, from, depth := false, 0, 0
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case !inside && (c == '{' || c == '['):
			depth++
		case !inside && (c == '}' || c == ']'):
			if depth--; depth == 0 {
				return cut(plain, data[from:], from)
			}
		case depth == 0:
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case !inside && (c == 'N' || c == 'I' || c == '-'):
			for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
				if bytes.HasPrefix(data[i:], []byte(word)) {
					plain = append(append(plain, data[from:i]...), "null"...)
					from = i + len(word)
					i = from - 1
					break
				}
			}
		}
	}
	return cut(plain, data[from:], from)
}

// cut returns plain with the rest, or nil if nothing was replaced.
func cut(plain, rest []byte, from int) []byte {
	if from == 0 {
		return nil
	}
	return append(plain, rest...)
}

// Fields returns the fields of the object that data begins with, as far as they can
// be read: of an object that is cut, those before the cut. Names are in lower case.
func Fields(data []byte) map[string]json.RawMessage {
	data = bytes.TrimPrefix(data, byteOrderMark)
	if plain := withoutNaN(data); plain != nil {
		data = plain
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	fields := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return fields
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return fields
		}
		fields[strings.ToLower(name.(string))] = value // the tokens of names are texts
	}
	return fields
}

// Text is a text, or a number or truth value as it is written. Anything else reads as
// empty.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case len(data) == 0 || data[0] == '{' || data[0] == '[' || string(data) == "null":
	case json.Unmarshal(data, &text) != nil:
		text = string(data)
	}
	*t = Text(strings.TrimSpace(text))
	return nil
}

// Number is a number, which may be written as text. Anything else, and a number
// that is not finite, reads as nil and 0.
type Number struct{ Known *float64 }

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(data []byte) error {
	var text Text
	if err := text.UnmarshalJSON(data); err != nil {
		return err
	}
	n.Known = nil
	if value, err := strconv.ParseFloat(string(text), 64); err == nil && !math.IsInf(value, 0) && !math.IsNaN(value) {
		n.Known = &value
	}
	return nil
}

// Value returns the number, or 0.
func (n Number) Value() float64 {
	if n.Known == nil {
		return 0
	}
	return *n.Known
}
