package utc_test

import (
	"testing"
	"time"

	"atelierd/internal/store/utc"
)

func TestATimeIsWrittenInTheOneForm(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 2*3600)
	for _, at := range []time.Time{
		time.Date(2026, 11, 23, 15, 4, 5, 123_456_789, time.UTC),
		time.Date(2026, 1, 2, 1, 4, 5, 7_000_000, zone),
		time.Date(1999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 6, 1, 0, 0, 0, 90_000_000, time.Local),
	} {
		want := at.UTC().Format(utc.Layout)
		for name, v := range map[string]utc.Time{"cut": utc.At(at), "uncut": {Time: at}} {
			if got, err := v.Value(); err != nil || got != want {
				t.Errorf("%s: %v, %v; want %s", name, got, err, want)
			}
		}
		var back utc.Time
		if err := back.Scan(want); err != nil || !back.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s was read as %v, %v", want, back, err)
		}
	}
}

func TestNoTimeIsNULL(t *testing.T) {
	t.Parallel()
	if v, err := (utc.Time{}).Value(); v != nil || err != nil {
		t.Errorf("the zero time is written as %v, %v", v, err)
	}
	back := utc.At(time.Now())
	if err := back.Scan(nil); err != nil || !back.IsZero() {
		t.Errorf("NULL was read as %v, %v", back, err)
	}
}

func TestAnotherFormIsKeptAsBad(t *testing.T) {
	t.Parallel()
	for src, want := range map[any]string{
		"2026-11-23": "2026-11-23", "2026-11-23T15:04:05Z+1": "2026-11-23T15:04:05Z+1", "": "an empty text",
		7: "a value that is not text", "12026-13-23T15:04:05.000Z": "12026-13-23T15:04:05.000Z",
	} {
		var v utc.Time
		if err := v.Scan(src); err != nil || v.Bad != want || !v.Time.IsZero() || v.IsZero() {
			t.Errorf("%v was read as %+v, %v", src, v, err)
		}
		if got, err := v.Value(); got != want || err != nil {
			t.Errorf("%v is written back as %v, %v", src, got, err)
		}
	}
}

func TestATimeBeyondTheLayoutIsTheLastOne(t *testing.T) {
	t.Parallel()
	const last = "9999-12-31T23:59:59.999Z"
	if got, err := (utc.Time{Time: time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC)}).Value(); got != last || err != nil {
		t.Errorf("written as %v, %v", got, err)
	}
	if got, err := (utc.Time{Time: time.Date(-3, 1, 2, 0, 0, 0, 0, time.UTC)}).Value(); got != "0000-01-01T00:00:00.000Z" || err != nil {
		t.Errorf("before the first one: written as %v, %v", got, err)
	}
	var v utc.Time
	if err := v.Scan("10000-01-02T00:00:00.000Z"); err != nil || v.Format(utc.Layout) != last {
		t.Errorf("what an earlier version wrote is read as %+v, %v", v, err)
	}
}
