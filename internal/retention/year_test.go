package retention_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/disk"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// days is how many days TestAYearOfOrders has.
var days = flag.Int("days", 32, "days of the simulated year")

const (
	day       = 24 * time.Hour
	perDay    = 20
	fileBytes = 128 << 10
	// maxBytes is less than the files of keepFiles take.
	maxBytes  = 64 << 20
	keepFiles = 30 * day
)

// fate is how an order ends.
type fate int

const (
	paidOut fate = iota
	cancelled
	unpaid   // completed, and never paid out
	disputed // and never decided
	open     // delivered, and never completed
)

// fateOf gives most orders a good end.
func fateOf(n int) fate {
	switch n % perDay {
	case 3:
		return cancelled
	case 7:
		return unpaid
	case 11:
		if n%(10*perDay) == 11 {
			return disputed
		}
	case 13:
		if n%(10*perDay) == 13 {
			return open
		}
	}
	return paidOut
}

// year is the life of a data folder.
type year struct {
	upload func(j order.Job) // in the stage of that name; may be nil
	*testing.T
	dir    string
	st     *store.Store
	loop   *retention.Loop
	orders int
	// later are the orders that the marketplace completes or ends, by the day.
	later map[int][]int
	// kept are the files that must stay: the orders that have not ended, by path.
	kept          map[string]int
	spent, earned order.USD
	mostBytes     int64
}

// TestAYearOfOrders guards that the disk stays as small as configured, that nothing of an
// order goes that has not ended, and that no figure about money changes.
func TestAYearOfOrders(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		y := &year{T: t, dir: dir, later: map[int][]int{}, kept: map[string]int{}}
		y.open()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); y.loop.Run(ctx) }()
		for n := range *days {
			y.live(n)
			y.check(n)
		}
		cancel()
		<-ended
		y.audit()
		y.st.Close()
	})
}

func (y *year) open() {
	st, err := store.Open(store.Options{Dir: y.dir})
	y.must(err)
	y.st = st
	y.loop = retention.New(y.options())
}

func (y *year) options() retention.Options {
	return retention.Options{
		Store: y.st, Dir: y.dir, WorkDir: fulfill.WorkDir, FilesDir: fulfill.FilesDir, MaxBytes: maxBytes, Zone: time.UTC,
		Keep: map[order.HistoryPart]time.Duration{
			order.HistoryFiles: keepFiles, order.HistoryWork: 3 * day, order.HistoryRequests: 10 * day,
			order.HistoryAttempts: 25 * day, order.HistoryTexts: 30 * day,
		},
		Folder: fulfill.OrderFolder, ClearWork: func(folder string) error { return fulfill.ClearOrder(y.dir, folder) },
	}
}

func (y *year) must(err error) {
	y.Helper()
	if err != nil {
		y.Fatal(err)
	}
}

// id has some orders whose folders are named by a hash.
func id(n int) string {
	if n%perDay == 5 {
		return fmt.Sprintf("ord/%d", n)
	}
	return fmt.Sprintf("ord_%d", n)
}

func (y *year) apply(n int, status order.Status, payout string) {
	y.Helper()
	price := 5 * order.Dollar
	f := order.Facts{
		ID: id(n), Status: status, ServiceTitle: "Images", Brief: "a cat on a roof", Price: &price, CreatedAt: time.Now(),
		PayoutTx: payout,
		Raw:      fmt.Appendf(nil, `{"status":%q,"brief":%q}`, status, strings.Repeat("a cat on a roof ", 60)),
	}
	if status == order.Completed {
		f.CompletedAt = time.Now()
	}
	_, err := y.st.Apply(order.Batch{Listing: order.Listing{Orders: []order.Facts{f}}, Mark: 1 << 60, Decide: decide})
	y.must(err)
}

// decide is a small version of the intake's decision.
func decide(k order.Known, f order.Facts) order.Decision {
	d := order.Decision{State: order.StateWorking, Service: f.ServiceTitle, Round: k.Round, DueAt: f.CreatedAt.Add(day)}
	switch f.Status {
	case order.Paid:
		if k.Job == "" {
			d.Jobs = order.JobsOpen
		}
	case order.Delivered:
		d.State = order.StateDelivered
	case order.Disputed:
		d.State = order.StateHeld
	case order.Completed:
		d.State, d.Jobs = order.StateCompleted, order.JobsClose
	case order.Cancelled:
		d.State, d.Jobs = order.StateCancelled, order.JobsClose
	}
	return d
}

// live has the orders of a day, and what becomes of earlier ones.
func (y *year) live(today int) {
	for range perDay {
		n := y.orders
		y.orders++
		y.apply(n, order.Paid, "")
		y.make(n)
		y.apply(n, order.Delivered, "")
		y.later[today+2] = append(y.later[today+2], n)
		time.Sleep(day / perDay)
	}
	for _, n := range y.later[today] {
		path := y.path(n)
		switch fateOf(n) {
		case paidOut:
			y.apply(n, order.Completed, fmt.Sprint("tx", n))
			y.earned += 5 * order.Dollar
			delete(y.kept, path)
		case cancelled:
			y.apply(n, order.Cancelled, "")
			delete(y.kept, path)
		case unpaid:
			y.apply(n, order.Completed, "")
			y.earned += 5 * order.Dollar
			y.kept[path] = today + 90 // until then
		case disputed:
			y.apply(n, order.Disputed, "")
		case open:
		}
	}
	delete(y.later, today)
}

func (y *year) path(n int) string {
	return filepath.Join(fulfill.FilesDir, fulfill.OrderFolder(id(n)), "r0", "1.png")
}

// make runs the job of an order: it calls a generator, leaves a work folder, and stores a
// file.
func (y *year) make(n int) {
	y.Helper()
	j := y.turn(nil, order.LaneGenerate)
	c, err := y.st.BeginCall(*j, order.NewCall{Generator: "studio", Price: order.Dollar / 100})
	y.must(err)
	y.must(y.st.CloseCall(c.ID, order.CallDone, order.Dollar/100, ""))
	y.spent += order.Dollar / 100
	work := filepath.Join(y.dir, fulfill.WorkDir, fulfill.OrderFolder(j.OrderID), "r0", "a1")
	y.must(os.MkdirAll(work, 0o700))
	content := bytes.Repeat([]byte{byte(n), byte(n >> 8)}, fileBytes/2)
	y.must(os.WriteFile(filepath.Join(work, "1.png"), content, 0o600))
	path := y.path(n)
	y.must(os.MkdirAll(filepath.Dir(filepath.Join(y.dir, path)), 0o700))
	y.must(os.Link(filepath.Join(work, "1.png"), filepath.Join(y.dir, path)))
	y.kept[path] = 1 << 30
	y.turn(&order.Done{Job: *j, Result: order.Result{Next: order.StageUpload, Artifacts: []order.Artifact{
		{Path: path, Name: "1.png", Bytes: fileBytes, SHA256: fmt.Sprint(n), MIME: "image/png", Media: "image"},
	}}}, order.LaneGenerate)
	j = y.turn(nil, order.LaneNetwork)
	if y.upload != nil {
		y.upload(*j)
	}
	y.turn(&order.Done{Job: *j, Result: order.Result{Next: order.StageDeliver}}, order.LaneNetwork)
	j = y.turn(nil, order.LaneNetwork)
	y.turn(&order.Done{Job: *j}, order.LaneNetwork)
}

// turn reports an attempt, or takes a job.
func (y *year) turn(done *order.Done, lane order.Lane) *order.Job {
	y.Helper()
	got, err := y.st.Turn(done, lane, done == nil, time.Hour)
	y.must(err)
	if done == nil && got.Job == nil {
		y.Fatal("no job is due")
	}
	return got.Job
}

// check looks at the disk at the end of a day.
func (y *year) check(today int) {
	used, err := disk.Used(y.dir)
	y.must(err)
	y.mostBytes = max(y.mostBytes, used)
	if used > maxBytes {
		y.Errorf("on day %d the data folder has %d bytes; %d are allowed", today, used, maxBytes)
	}
	for path, until := range y.kept {
		if until < today {
			delete(y.kept, path)
		} else if _, err := os.Stat(filepath.Join(y.dir, path)); err != nil {
			y.Fatalf("day %d: %v", today, err)
		}
	}
}

// audit looks at the books and at what is left, at the end.
func (y *year) audit() {
	a, err := y.st.Accounts(y.Context(), store.Period{})
	y.must(err)
	var gross, cost, spent order.USD
	for _, e := range a.Earned {
		gross, cost = gross+e.Gross, cost+e.Cost().Cost
	}
	for _, c := range a.Other {
		cost += c.Cost.Cost
	}
	for _, c := range a.Spent {
		spent += c
	}
	if gross != y.earned || cost != y.spent || spent != y.spent {
		y.Errorf("earned %s and spent %s, %s by generator; want %s and %s", gross, cost, spent, y.earned, y.spent)
	}
	work, err := os.ReadDir(filepath.Join(y.dir, fulfill.WorkDir))
	y.must(err)
	files, err := os.ReadDir(filepath.Join(y.dir, fulfill.FilesDir))
	y.must(err)
	removed := 0
	for n := range y.orders {
		h, err := y.st.History(y.Context(), id(n))
		y.must(err)
		if !h.Order.Removed.Attempts.IsZero() {
			removed++
		}
		if f := fateOf(n); (f == disputed || f == open) && (len(h.Attempts) != 3 || len(h.Calls) != 1 || h.Order.Removed != order.Removed{}) {
			y.Errorf("of order %s, which has not ended, %d attempts and %d calls are left, and %v was removed", id(n), len(h.Attempts), len(h.Calls), h.Order.Removed)
		}
	}
	if len(files) >= y.orders || len(work) >= y.orders/2 || *days > 30 && removed == 0 {
		y.Errorf("of %d orders %d have files and %d work folders; %d lost their attempts", y.orders, len(files), len(work), removed)
	}
	y.Logf("%d orders in %d days: at most %d of %d bytes; at the end %d have files, %d work folders, %d lost their attempts",
		y.orders, *days, y.mostBytes, int64(maxBytes), len(files), len(work), removed)
}
