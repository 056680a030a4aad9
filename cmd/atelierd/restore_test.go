package main_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// The restore drill: real processes, one at a time, on a folder and then on an old copy
// of it. The provider knows the keys of its calls.

const drillConfig = `
base_url = "MARKET/api"
blob_url = "MARKET/blob/"
data_dir = "data"
[agent]
name = "killed"
description = "an agent that is restored from copies"
endpoint_url = "https://agent.test"
[poll]
interval = "1s"
[budget]
window = "1s"
[work]
generators = 8
backoff = "50ms"
deliver_timeout = "1s"
[spending]
day_usd = "100.00"
[messages]
interval = "1s"
window_interval = "1s"
received = "begun"
delivered = "here it is"
[[service]]
title = "Pictures"
description = "Pictures of one pixel each, made with the greatest care in the world."
category = "image_gen"
price_usd = "5.00"
deliverables = ["one picture"]
generator = "studio"
[[service]]
title = "Checked"
description = "Pictures of one pixel each, looked at by their owner before they leave."
category = "image_gen"
price_usd = "5.00"
deliverables = ["one picture"]
generator = "studio"
mode = "review"
[[service]]
title = "Quoted"
description = "Pictures of one pixel each, for a price that is asked for before."
category = "image_gen"
price_usd = "5.00"
price_type = "quote"
quote = {price_usd = "5.00"}
deliverables = ["one picture"]
generator = "studio"
[[service]]
title = "Weekly"
description = "Pictures of one pixel each, a whole week long, as many as you like."
category = "image_gen"
price_usd = "25.00"
price_type = "weekly"
window = "messages"
deliverables = ["one picture"]
generator = "studio"
[generator.studio]`

// restore is a way to put an old copy of a data folder back.
type restore struct {
	slow time.Duration // of each listing after it
	put  func(to, old, newest string) error
}

var restores = map[string]restore{
	"whole folder": {put: func(to, old, _ string) error { return copyData(to, old) }},
	"slow polls":   {put: func(to, old, _ string) error { return copyData(to, old) }, slow: 2 * time.Second},
	"new host": {put: func(to, old, _ string) error {
		if err := copyDatabase(to, old); err != nil {
			return err
		}
		mark, err := os.ReadFile(filepath.Join(old, "ledger.mark"))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, "ledger.mark"), mark, 0o600)
	}},
	"database alone": {put: func(to, old, _ string) error { return copyDatabase(to, old) }},
	"database beside newer files": {put: func(to, old, newest string) error {
		if err := copyData(to, newest); err != nil {
			return err
		}
		for _, ending := range []string{"", "-wal", "-shm"} {
			if err := os.RemoveAll(filepath.Join(to, store.FileName+ending)); err != nil {
				return err
			}
		}
		return copyDatabase(to, old)
	}},
}

// copyDatabase copies a database as a backup does, with all that its log has.
func copyDatabase(to, from string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(from, store.FileName)+"?mode=ro&_pragma=busy_timeout(60000)")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec("VACUUM INTO ?", filepath.Join(to, store.FileName))
	return err
}

// TestAnOldCopyOfTheDataFolderDoesNothingTwice puts an old copy back in each way, with
// orders in every state. Nothing is made, paid for, delivered or said again, and the owner
// is shown what the books lack.
func TestAnOldCopyOfTheDataFolderDoesNothingTwice(t *testing.T) {
	t.Parallel()
	for name, way := range restores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t)
			d.begin()
			data, old, newest := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "old"), filepath.Join(d.dir, "newest")
			d.must(copyData(old, data))
			d.afterCopy()
			d.must(os.Rename(data, newest))
			d.must(way.put(data, old, newest))
			d.must(closed(data))
			before, paid := d.done(), d.provider.paid()
			d.slowPolls(way.slow)
			c := d.start()
			d.until("the ledger was not reconciled", func() bool {
				return strings.Contains(c.log.String(), "the ledger is reconciled")
			})
			d.idle()
			d.same(before)
			if n := d.provider.paid(); n != paid {
				t.Errorf("%d jobs were paid for before the restore was accepted", n-paid)
			}
			d.seesRestore()
			d.accepts()
			d.same(before)
			d.stop(c)
			d.provider.checkPaid(t, true)
			if t.Failed() {
				t.Log(d.unsettled(), c.log.String())
			}
		})
	}
}

// TestAnOldCopyIsFoundAfterADeathAtTheFirstPoll puts an old copy back and kills the first
// process on it when it has taken over what the listing shows, and compared nothing. The
// clients get no messages, so that only the listing shows the restore.
func TestAnOldCopyIsFoundAfterADeathAtTheFirstPoll(t *testing.T) {
	t.Parallel()
	d := newDrill(t)
	config := string(must(os.ReadFile(filepath.Join(d.dir, "atelierd.toml"))))
	for _, message := range []string{"received = \"begun\"\n", "delivered = \"here it is\"\n"} {
		config = strings.ReplaceAll(config, message, "")
	}
	d.write("atelierd.toml", config, 0o600)
	data, old := filepath.Join(d.dir, "data"), filepath.Join(d.dir, "old")
	c := d.start()
	d.until("the services are not listed", func() bool { return len(d.market.Services()) == 4 })
	for _, name := range []string{"one", "two"} {
		d.order(name, sandbox.NewOrder{ServiceTitle: "Checked"})
		d.in("held", name)
	}
	d.stop(c)
	d.must(copyData(old, data))
	for _, id := range d.orders {
		if code, out := d.command("orders", "approve", id); code != 0 {
			t.Fatalf("orders approve exits with %d: %s", code, out)
		}
	}
	c = d.start()
	d.delivered(1, "one", "two")
	d.stop(c)
	d.must(os.RemoveAll(data), copyData(data, old), closed(data))
	d.startAndDie("after:intake")
	c = d.start()
	d.until("the ledger was not reconciled", func() bool {
		return strings.Contains(c.log.String(), "the ledger is reconciled")
	})
	d.seesRestore()
	d.stop(c)
}

// closed takes the rights of others from what a copy has made readable.
func closed(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
}

// command runs a command of the owner's and returns its exit code and output.
func (s *fixture) command(args ...string) (code int, out string) {
	s.t.Helper()
	c := exec.Command(program, append(args, "--config", filepath.Join(s.dir, "atelierd.toml"))...)
	c.Env = s.env
	text, err := c.CombinedOutput()
	if c.ProcessState == nil {
		s.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

// seesRestore checks that the owner is shown what the books lack, and since when.
func (d *drill) seesRestore() {
	d.t.Helper()
	_, status := d.command("status")
	for _, want := range []string{"may lack what was done since", "calls of that time are not in the books", "deliveries: ", "reconcile --accept"} {
		if !strings.Contains(status, want) {
			d.t.Errorf("status does not say %q:\n%s", want, status)
		}
	}
}

// accepts has the owner accept the restore. What was made and not delivered is not paid
// for again, and new orders are worked on.
func (d *drill) accepts() {
	d.t.Helper()
	if code, out := d.command("reconcile", "--accept"); code != 0 {
		d.t.Fatalf("reconcile --accept exits with %d: %s", code, out)
	}
	d.order("placed last", sandbox.NewOrder{})
	d.delivered(1, "placed last", "made, not delivered")
	d.idle()
}

// copyData copies a data folder as a backup does: without the socket of the daemon, which
// is no file.
func copyData(to, from string) error {
	err := os.Remove(filepath.Join(from, "control.sock"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}
