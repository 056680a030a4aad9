package main_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// kills is how many times the daemon is killed at a random moment, in all tests of this
// file together.
var kills = flag.Int("kills", 30, "how many random kills of the real process")

// killedFaults are the faults of the marketplace that a killed daemon works with.
var killedFaults = sandbox.Faults{Before: 0.05, After: 0.05, Slow: 0.1, SlowMax: 300 * time.Millisecond, Shapes: true}

// TestKillsAtRandomMomentsLoseAndRepeatNothing kills the daemon again and again, while the
// marketplace and the provider fail and lose answers, results come late, and the disk fills. Each order is
// delivered once, its client reads each message once, and nothing is paid for twice where
// the provider knows a key or the daemon an id.
func TestKillsAtRandomMomentsLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	generators := maps.Clone(providerShapes)
	generators["a program"] = programGenerator
	generators["a recipe"] = recipeGenerator + "on_unknown = \"retry\"\n"
	for i, name := range slices.Sorted(maps.Keys(generators)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := uint64(30 + i)
			p := newCharging(t.Cleanup, seed, 0.05)
			p.late = true
			s := newFixtureWith(t, sandbox.Options{Seed: seed, Window: time.Second, Faults: killedFaults}, strings.ReplaceAll(generators[name], "PROVIDER/", p.url+"/"))
			s.write("workflow.json", comfyWorkflow, 0o600)
			s.write("own.toml", ownRecipe, 0o600)
			s.env = append(s.env, "PROVIDER_KEY=secret")
			d := s.newDisk()
			s.killOften(*kills/len(generators), rand.New(rand.NewPCG(seed, 1)), d)
			p.heal()
			s.market.SetFaults(sandbox.Faults{})
			last := s.start()
			s.retryCrashed(last)
			s.await(last)
			s.stop(last)
			s.checkOnce()
			p.checkPaid(t, name == "a key" || name == "a lookup")
			t.Logf("%d orders, %d jobs paid for", len(s.market.Orders()), p.paid())
			if wal, err := os.Stat(filepath.Join(s.dir, "data", store.FileName+"-wal")); err == nil && wal.Size() > 4<<20 {
				t.Errorf("the kills have left a write-ahead log of %d bytes", wal.Size())
			}
		})
	}
}

// killOften starts the daemon n times and kills it at a random moment. In every third
// life the disk fills, and in some of them the next life begins with a full disk.
func (s *fixture) killOften(n int, rng *rand.Rand, d disk) {
	s.t.Helper()
	for kill := range n {
		s.place(1)
		c := s.start()
		life := time.Duration(100+rng.IntN(900)) * time.Millisecond
		fills := rng.IntN(3) == 0
		if fills {
			s.lives(c, life/3)
			d.full()
			life -= life / 3
		}
		s.lives(c, life)
		if fills && rng.IntN(2) == 0 {
			d.room()
		}
		c.kill()
		if fills && rng.IntN(2) == 0 {
			c = s.start()
			s.lives(c, 300*time.Millisecond)
			c.kill()
		}
		d.room()
		if s.t.Failed() {
			s.t.Fatalf("after kill %d", kill+1)
		}
	}
}

// retryCrashed does what the owner does about orders that are held because ten kills hit the
// same stage, which happens on a slow machine. The daemon runs, because each start counts
// what the kill before it hit, and so the last start may hold an order too.
func (s *fixture) retryCrashed(c *child) {
	s.t.Helper()
	s.until("the daemon does not run", func() bool { return strings.Contains(c.log.String(), "running") })
	db := s.openDatabase("mode=ro")
	defer db.Close()
	rows := must(db.Query("SELECT id FROM orders WHERE state = 'held' AND code = 'crashes'"))
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			s.t.Fatal(err)
		}
		retry := exec.Command(program, "orders", "retry", id, "--config", filepath.Join(s.dir, "atelierd.toml"))
		retry.Env = s.env
		if out, err := retry.CombinedOutput(); err != nil {
			s.t.Fatalf("retry of %s: %v\n%s", id, err, out)
		}
		s.t.Logf("order %s was held after ten kills in a stage", id)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
}

// lives waits for a while, in which the daemon must not end.
func (s *fixture) lives(c *child, d time.Duration) {
	s.t.Helper()
	select {
	case <-time.After(d):
	case <-c.ended:
		s.t.Fatalf("the daemon ended: %s\n%s", c.ProcessState, c.log.String())
	}
}

// disk is what the data folder is on. Its functions may be called at any time, and again.
type disk struct{ full, room func() }

// hookedDisk is full for the commits of the database only.
func (s *fixture) hookedDisk() disk {
	name := filepath.Join(s.dir, "full")
	s.env = append(s.env, envFull+"="+name)
	return disk{
		full: func() { s.write("full", "", 0o600) },
		room: func() { _ = os.Remove(name) }, // it may have room
	}
}
