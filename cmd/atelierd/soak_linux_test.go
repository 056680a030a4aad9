package main_test

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

var soak = flag.Duration("soak", 0, "let orders flow through a daemon for so long, and watch what it holds")

// held is what a daemon holds of its machine at one moment.
type held struct {
	after                     time.Duration
	orders                    int // that are completed
	rss, wal, files, routines float64
}

const mib = 1 << 20

func (h held) String() string {
	return fmt.Sprintf("%8s %8d %9.1f %9.1f %12.0f %11.0f", h.after.Round(time.Second), h.orders, h.rss/mib, h.wal/mib, h.files, h.routines)
}

// TestSoak lets orders flow through a daemon for an hour or longer. What the daemon holds
// in the last quarter of that time may not be more than in the second, beyond what one
// order more or less makes.
//
//nolint:paralleltest // it measures a process for an hour, next to nothing else
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("make soak runs it")
	}
	s, metrics := newSoak(t)
	daemon := s.start()
	var all []held
	began, printed := time.Now(), time.Duration(0)
	order, sample := time.NewTicker(max(*soak/240, time.Second)), time.NewTicker(max(*soak/120, time.Second))
	defer order.Stop()
	defer sample.Stop()
	t.Logf("%8s %8s %9s %9s %12s %11s", "after", "orders", "RSS MiB", "WAL MiB", "descriptors", "goroutines")
	for time.Since(began) < *soak {
		select {
		case <-daemon.ended:
			t.Fatalf("the daemon ended: %s\n%s", daemon.ProcessState, daemon.log.String())
		case <-order.C:
			s.place(1)
			s.approve()
		case <-sample.C:
			h := s.holds(metrics)
			h.after = time.Since(began)
			if all = append(all, h); h.after-printed >= *soak/12 {
				printed += *soak / 12
				t.Log(h)
			}
		}
	}
	s.until("not every order was completed", func() bool { return s.approve() == len(s.market.Orders()) })
	s.stop(daemon)
	s.checkOnce()
	judge(t, all)
}

// newSoak returns a fixture whose daemon serves metrics, with their address.
func newSoak(t *testing.T) (s *fixture, metrics string) {
	t.Helper()
	s = newFixture(t, sandbox.Options{})
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	config := string(must(os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))))
	config = strings.Replace(config, `interval = "1s"`, `interval = "3s"`, 1)
	s.write("atelierd.toml", config+"\n[metrics]\nlisten = \""+address+"\"\n", 0o600)
	return s, "http://" + address + "/metrics"
}

// approve has the clients accept what is delivered, and returns how many orders are completed.
func (s *fixture) approve() (completed int) {
	s.t.Helper()
	for _, o := range s.market.Orders() {
		switch o.Status {
		case "completed":
			completed++
		case "delivered":
			if err := s.market.Approve(o.ID); err != nil {
				s.t.Errorf("approve: %v", err)
			}
		}
	}
	return completed
}

// holds looks at what the daemon holds now.
func (s *fixture) holds(metrics string) held {
	s.t.Helper()
	answer, err := http.Get(metrics)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			values[name] = n
		}
	}
	h := held{
		orders: s.count("SELECT count(*) FROM orders WHERE state = 'completed'"),
		rss:    values["process_resident_memory_bytes"], files: values["process_open_fds"], routines: values["go_goroutines"],
	}
	if h.rss == 0 || h.files == 0 || h.routines == 0 {
		s.t.Fatalf("the metrics lack what is measured: %v", values)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "data", store.FileName+"-wal")); err == nil {
		h.wal = float64(info.Size())
	}
	return h
}

// judge compares the second quarter of the time with the last.
func judge(t *testing.T, all []held) {
	t.Helper()
	quarter := len(all) / 4
	if quarter == 0 {
		t.Fatalf("%d samples are too few", len(all))
	}
	for _, m := range []struct {
		name        string
		of          func(held) float64
		share, more float64 // by which it may have grown
	}{
		{"RSS", func(h held) float64 { return h.rss }, 0.1, 4 * mib},
		{"the WAL", func(h held) float64 { return h.wal }, 0.1, mib},
		{"the descriptors", func(h held) float64 { return h.files }, 0, 3},
		{"the goroutines", func(h held) float64 { return h.routines }, 0, 5},
	} {
		before, last := median(all[quarter:2*quarter], m.of), median(all[len(all)-quarter:], m.of)
		t.Logf("%s: %.0f in the second quarter, %.0f in the last", m.name, before, last)
		if last > before*(1+m.share)+m.more {
			t.Errorf("%s grew from %.0f to %.0f", m.name, before, last)
		}
	}
}

func median(list []held, of func(held) float64) float64 {
	var values []float64
	for _, h := range list {
		values = append(values, of(h))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
