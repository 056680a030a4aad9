package retention_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store/storetest"
)

// shelf is a storage that only knows its keys.
type shelf struct {
	keys []string
	err  error
}

func (*shelf) Place() string { return "shelf" }

func (s *shelf) Remove(_ context.Context, key string) error {
	if s.err == nil {
		s.keys = slices.DeleteFunc(s.keys, func(k string) bool { return k == key })
	}
	return s.err
}

const keepStored = 90 * day

// stored returns a data folder with one order whose file lies in a storage.
func stored(t *testing.T, dir string) (*year, *shelf) {
	t.Helper()
	y, s := &year{T: t, dir: dir, kept: map[string]int{}}, &shelf{}
	y.open()
	t.Cleanup(func() { y.st.Close() })
	y.upload = func(j order.Job) {
		files, err := y.st.Artifacts(t.Context(), j.OrderID, order.KindDelivery, 0)
		y.must(err)
		for range 2 { // as after a crash
			key, err := y.st.ObjectKey(j, files[0], "shelf", "random"+string(rune('a'+len(s.keys)))+".png")
			y.must(err)
			if !slices.Contains(s.keys, key) {
				s.keys = append(s.keys, key)
			}
		}
		_, err = y.st.ObjectKey(j, files[0], "an earlier storage", "elsewhere.png")
		y.must(err)
		y.must(y.st.Uploaded(j, files[0].ID, "https://files.example.com/"+s.keys[0], "image"))
	}
	y.apply(0, order.Paid, "")
	y.make(0)
	y.apply(0, order.Delivered, "")
	if len(s.keys) != 1 {
		t.Fatalf("the same file has the keys %q", s.keys)
	}
	return y, s
}

func (y *year) pruneStored(s *shelf) error {
	o := y.options()
	o.Keep, o.MaxBytes, o.Storage, o.KeepStored = nil, 0, s, keepStored
	return retention.NewPruner(o).Prune(y.Context())
}

func TestAFileInAStorageStaysWhileItsOrderCanBeSentBackOrDisputed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state  func(y *year)
		wait   time.Duration
		remain bool
	}{
		"delivered":            {func(*year) {}, 365 * day, true},
		"disputed":             {func(y *year) { y.apply(0, order.Disputed, "") }, 365 * day, true},
		"completed and unpaid": {func(y *year) { y.apply(0, order.Completed, "") }, 90*day + keepStored - time.Hour, true},
		"completed lately":     {func(y *year) { y.apply(0, order.Completed, "tx") }, keepStored - time.Hour, true},
		"completed":            {func(y *year) { y.apply(0, order.Completed, "tx") }, keepStored + time.Hour, false},
		"cancelled":            {func(y *year) { y.apply(0, order.Cancelled, "") }, keepStored + time.Hour, false},
		"cancelled by the owner only": {func(y *year) {
			_, err := y.st.Apply(order.Batch{
				Listing: order.Listing{Orders: []order.Facts{{ID: id(0), Status: order.Delivered, ServiceTitle: "Images", Raw: []byte("{}")}}},
				Mark:    1 << 60, Decide: func(order.Known, order.Facts) order.Decision {
					return order.Decision{State: order.StateCancelled, Jobs: order.JobsClose}
				},
			})
			y.must(err)
		}, 365 * day, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := storetest.Dir(t)
			synctest.Test(t, func(t *testing.T) {
				y, s := stored(t, dir)
				c.state(y)
				time.Sleep(c.wait)
				y.must(y.pruneStored(s))
				if (len(s.keys) > 0) != c.remain {
					t.Errorf("left are %q", s.keys)
				}
				files, err := y.st.Artifacts(t.Context(), id(0), order.KindDelivery, 0)
				y.must(err)
				if (files[0].URL != "") != c.remain {
					t.Errorf("its address is %q", files[0].URL)
				}
			})
		})
	}
}

// A removal that failed, or that a crash has cut, is done again, and keeps nothing else.
func TestARemovalFromAStorageIsRepeated(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y, s := stored(t, dir)
		y.apply(0, order.Completed, "tx")
		time.Sleep(keepStored + time.Hour)
		s.err = errors.New("the storage is down")
		if err := y.pruneStored(s); err == nil || !strings.Contains(err.Error(), "is down") {
			t.Errorf("%v", err)
		}
		s.err = nil
		y.must(y.pruneStored(s))
		left, err := y.st.OldObjects(t.Context(), "shelf", time.Now(), 10)
		y.must(err)
		if len(s.keys) != 0 || len(left) != 0 {
			t.Errorf("left are %q and %q", s.keys, left)
		}
	})
}
