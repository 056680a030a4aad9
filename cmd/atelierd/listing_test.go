package main_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

var measured = flag.Bool("measure", false, "measure the memory of a daemon with 50,000 orders, and with three files of 50 MB")

// mostRSS is the most memory of a daemon that has 50,000 orders, in kB, also while it
// compares them after a restart. Reading the listing takes a few megabytes of it; the rest
// is what is kept of each order.
const mostRSS = 100 << 10

func TestAListingOf50000OrdersFitsIntoMemory(t *testing.T) {
	t.Parallel()
	if !*measured {
		t.Skip("it takes a minute; make bench runs it")
	}
	s := newFixture(t, sandbox.Options{})
	const orders = 50_000
	for i := range orders {
		row := fmt.Appendf(nil, `{"id":"ord_%d","service_id":"svc_other","service_title":"Sculptures","client_wallet":"ABCXYZ",`+
			`"brief":"Create sculpture number %[1]d with neon accents, and do it with the greatest care in the world, please.",`+
			`"reference_urls":["https://example.com/%[1]d.png"],"status":"paid","quoted_price_usd":"5.00","created_at":"2025-02-17T12:00:00.000Z"}`, i)
		if err := s.market.AddRawRow(row); err != nil {
			t.Fatal(err)
		}
	}
	c := s.start()
	s.until("there is no database", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "data", store.FileName))
		return err == nil && strings.Contains(c.log.String(), "came in")
	})
	s.until("the orders are not stored", func() bool { return s.count("SELECT count(*) FROM orders") >= orders })
	for _, when := range []string{"at the first poll", "after more", "after a restart"} {
		polls := "SELECT count(*) FROM requests WHERE kind = 'poll' AND status = 200"
		before := s.count(polls)
		switch when {
		case "after a restart":
			s.stop(c)
			c = s.start()
			fallthrough
		case "after more":
			s.until("it does not poll again", func() bool { return s.count(polls) >= before+2 })
		}
		kB := peakRSS(t, c.Process.Pid)
		t.Logf("at most %d kB %s", kB, when)
		if kB > mostRSS {
			t.Errorf("the daemon took %d kB %s, want at most %d", kB, when, mostRSS)
		}
	}
	s.stop(c)
}

// peakRSS returns the most memory that a process has had, in kB.
func peakRSS(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows the memory of a process")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmHWM in %s", text)
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB
}
