package main_test

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

var besideLitestream = flag.Bool("litestream", false, "kill a daemon next to Litestream and restore what it has copied; needs the program litestream")

// TestADaemonBesideLitestream kills a daemon and Litestream next to it amid orders, and
// restores what Litestream has copied, with the files of orders, which it does not copy.
// Nothing is delivered or said twice, nothing is paid for twice but what the owner retries
// of an unknown fate, and the books agree with the marketplace.
func TestADaemonBesideLitestream(t *testing.T) {
	t.Parallel()
	if !*besideLitestream {
		t.Skip("run dist/litestream-drill")
	}
	const orders = 40
	d := newDrill(t)
	data, config := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "litestream.yml")
	database := filepath.Join(data, store.FileName)
	d.write("litestream.yml", fmt.Sprintf("dbs:\n  - path: %s\n    replica:\n      type: file\n      path: %s\n      sync-interval: 1s\n",
		database, filepath.Join(d.dir, "replica")), 0o600)
	c := d.start()
	d.until("the services are not listed", func() bool { return len(d.market.Services()) == 4 })
	beside := d.launch(&child{Cmd: exec.Command("litestream", "replicate", "-config", config)})
	d.until("Litestream copies nothing", func() bool {
		files, _ := filepath.Glob(filepath.Join(d.dir, "replica", "*"))
		return len(files) > 0
	})
	for i := range orders {
		d.order(fmt.Sprintf("order %d", i), sandbox.NewOrder{})
	}
	d.until("nothing is delivered", func() bool { return d.deliveries() >= orders/2 })
	beside.kill()
	c.kill()
	events := d.count("SELECT count(*) FROM events")

	lost := filepath.Join(d.dir, "lost")
	d.must(os.Rename(data, lost), os.Mkdir(data, 0o700))
	d.must(os.CopyFS(filepath.Join(data, "artifacts"), os.DirFS(filepath.Join(lost, "artifacts"))))
	d.must(copyIfThere(filepath.Join(data, "credentials.json"), filepath.Join(lost, "credentials.json")))
	if out, err := exec.Command("litestream", "restore", "-config", config, database).CombinedOutput(); err != nil {
		t.Fatalf("litestream restore: %v\n%s", err, out)
	}
	d.must(os.Chmod(database, 0o600))
	t.Logf("Litestream has %d of %d events, and %d of %d orders were delivered", d.count("SELECT count(*) FROM events"), events, d.deliveries(), orders)
	c = d.start()
	d.until("the ledger was not reconciled\n"+c.log.String(), func() bool { return strings.Contains(c.log.String(), "the ledger is reconciled") })
	d.idle()
	if code, out := d.command("reconcile", "--accept"); code != 0 {
		t.Fatalf("reconcile --accept exits with %d: %s", code, out)
	}
	unknown := d.retryUnknown()
	d.until("orders are left", func() bool {
		return d.deliveries() == orders && d.count("SELECT count(*) FROM orders WHERE state = 'delivered'") == orders
	})
	d.stop(c)
	d.booksAgree()
	for what, n := range d.provider.charges() {
		if n > 1 && !unknown[strings.Fields(what)[0]] {
			t.Errorf("%s was paid for %d times", what, n)
		}
	}
	if t.Failed() {
		t.Log(d.unsettled(), c.log.String())
	}
}

// retryUnknown has the owner retry the orders of calls that were under way, whose fate is
// unknown. They may be paid for again, and are returned by id.
func (d *drill) retryUnknown() map[string]bool {
	d.t.Helper()
	d.idle()
	db := d.openDatabase("mode=ro")
	defer db.Close()
	rows := must(db.Query("SELECT id FROM orders WHERE state = 'held' AND code = 'unknown_call'"))
	defer rows.Close()
	list := map[string]bool{}
	for rows.Next() {
		var id string
		d.must(rows.Scan(&id))
		list[id] = true
	}
	d.must(rows.Err())
	for id := range list {
		if code, out := d.command("orders", "retry", id); code != 0 {
			d.t.Errorf("orders retry exits with %d: %s", code, out)
		}
	}
	return list
}

// deliveries returns how many orders have a delivery.
func (d *drill) deliveries() (n int) {
	for _, o := range d.market.Orders() {
		n += min(len(o.Deliveries), 1)
	}
	return n
}

// booksAgree checks that each order was delivered once and each message said once, and
// that the database is sound and has the same sum as the marketplace.
func (d *drill) booksAgree() {
	d.t.Helper()
	for what, n := range d.done() {
		if n != 1 && !strings.HasSuffix(what, ": quotes") {
			d.t.Errorf("%s: %d times", what, n)
		}
	}
	dollars := 0.0
	for _, o := range d.market.Orders() {
		price, err := strconv.ParseFloat(o.PriceUSD, 64)
		d.must(err)
		dollars += price
	}
	if micros := d.count("SELECT sum(price_usd_micros) FROM orders"); float64(micros) != dollars*1e6 {
		d.t.Errorf("the orders sum up to %d millionths of a dollar in the books, and to %v dollars at the marketplace", micros, dollars)
	}
	db := d.openDatabase("mode=ro")
	defer db.Close()
	var sound sql.NullString
	d.must(db.QueryRow("PRAGMA integrity_check").Scan(&sound))
	if sound.String != "ok" {
		d.t.Errorf("the database is not sound: %s", sound.String)
	}
}

// copyIfThere copies a file, unless there is none: the credentials may be in the
// environment.
func copyIfThere(to, from string) error {
	text, err := os.ReadFile(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
