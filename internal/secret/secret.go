// Package secret provides a string that does not print. An API key or a webhook
// secret can be part of a struct that is logged, formatted or encoded, and only
// Reveal returns it. A Redactor finds such strings in text and files of others.
//
// It must not know what the secrets are for.
package secret

import (
	"fmt"
	"log/slog"
)

// Redacted is what a Text prints.
const Redacted = "[secret]"

// Text is a secret string. Its zero value is empty and ready for use.
//
// The string is behind a pointer because fmt calls no methods of unexported fields,
// and none for %p and %w. It then prints the fields of the struct, and a pointer
// inside a struct prints as an address.
type Text struct{ value *string }

// New wraps s.
func New(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{&s}
}

// Reveal returns the secret. Pass the result only to where it is used.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.value == nil }

// String implements fmt.Stringer.
func (Text) String() string { return Redacted }

// GoString implements fmt.GoStringer.
func (Text) GoString() string { return Redacted }

// Format implements fmt.Formatter, for every verb and flag.
func (Text) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(Redacted)) }

// LogValue implements slog.LogValuer.
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON implements json.Marshaler.
func (Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
