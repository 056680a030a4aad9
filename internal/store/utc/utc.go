// Package utc stores times as TEXT of fixed width, in UTC and to the millisecond,
// so that they sort as text and people can read them. It must not know what a time
// means.
package utc

import (
	"database/sql/driver"
	"time"
)

// Layout is the form of every time in the database.
const Layout = "2006-01-02T15:04:05.000Z"

// The first and last moment that the layout can hold.
var (
	first = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
)

// Time is a moment in the database. The zero Time is NULL.
type Time struct {
	time.Time
	// Bad is the text of a column that is not a time. Time is zero then. It is not an
	// error of the whole query, because the other rows can be read.
	Bad string
}

// At converts t and truncates it to the millisecond.
func At(t time.Time) Time { return Time{Time: t.UTC().Truncate(time.Millisecond)} }

// IsZero reports whether the column is NULL. It is false for one that cannot be read.
func (t Time) IsZero() bool { return t.Time.IsZero() && t.Bad == "" }

// Value implements driver.Valuer. A moment outside the layout's years becomes the
// nearest one inside: with five digits of year it would sort before all others.
func (t Time) Value() (driver.Value, error) {
	if t.Bad != "" {
		return t.Bad, nil
	}
	if t.IsZero() {
		return nil, nil
	}
	at := t.UTC()
	if at.After(last) {
		at = last
	} else if at.Before(first) {
		at = first
	}
	// The standard library writes RFC 3339 five times as fast as any other layout.
	b := at.AppendFormat(make([]byte, 0, len(Layout)+1), time.RFC3339)
	ms := at.Nanosecond() / 1_000_000
	b = append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
	return string(b), nil
}

// Scan implements sql.Scanner. It never fails: see Bad.
func (t *Time) Scan(src any) error {
	*t = Time{}
	switch v := src.(type) {
	case nil:
	case time.Time: // the driver reads some column types by itself
		*t = At(v)
	case string:
		*t = parse(v)
	default:
		t.Bad = "a value that is not text"
	}
	return nil
}

func parse(s string) Time {
	at, err := time.Parse(Layout, s)
	if err == nil {
		return Time{Time: at}
	}
	// Earlier versions wrote years after 9999 with five digits.
	if len(s) == len(Layout)+1 && s[0] >= '1' && s[0] <= '9' {
		if _, err := time.Parse(Layout, s[1:]); err == nil {
			return Time{Time: last}
		}
	}
	if s == "" {
		s = "an empty text"
	}
	return Time{Bad: s}
}
