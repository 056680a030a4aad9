// Package utc stores times as TEXT of fixed width, in UTC and to the millisecond,
// so that they sort as text and people can read them. It must not know what a time
// means.
package utc

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Layout is the form of every time in the database.
const Layout = "2006-01-02T15:04:05.000Z"

// Time is a moment in the database. The zero Time is NULL.
type Time struct{ time.Time }

// At converts t and truncates it to the millisecond.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// Value implements driver.Valuer.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	// The standard library writes RFC 3339 five times as fast as any other layout.
	b := t.UTC().AppendFormat(make([]byte, 0, len(Layout)+1), time.RFC3339)
	ms := t.Nanosecond() / 1_000_000
	b = append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
	return string(b), nil
}

// Scan implements sql.Scanner.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
		return nil
	case time.Time: // the driver reads some column types by itself
		*t = At(v)
		return nil
	case string:
		parsed, err := time.Parse(Layout, v)
		if err != nil {
			return fmt.Errorf("time in the database: %w", err)
		}
		*t = Time{parsed}
		return nil
	}
	return fmt.Errorf("time in the database: unexpected %T", src)
}
