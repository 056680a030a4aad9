package main_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"
	"atelierd/internal/store"
)

// The real program, in real processes, killed with SIGKILL: at random moments,
// and once at each commit that an order passes on its way.

// Variables by which a test tells the program what to do at its commits; see
// internal/app.
const (
	envKillAt = "ATELIERD_TEST_KILL_AT" // POINT:N, die at the Nth passing
	envPoints = "ATELIERD_TEST_POINTS"  // a file to list the points in
)

// shop is a marketplace with a daemon beside it, in a folder.
type shop struct {
	t      *testing.T
	market *sandbox.Server
	dir    string
	env    []string
}

const makePicture = `#!/bin/sh
# A generator that takes a moment and leaves a picture of one pixel.
cat > "$OUTPUT_DIR/order.json"
sleep 0.1
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\000\000\000\001\000\000\000\001\010\006\000\000\000\037\025\304\211\000\000\000\rIDATx\234c\374\317\300P\017\000\004\205\001\200\204\251\214!\000\000\000\000IEND\256B` + "`" + `\202%s' "$ATELIER_ORDER_ID" > "$OUTPUT_DIR/out.png"
echo '{"files":["out.png"],"cost_usd":"0.04"}'
`

func openShop(t *testing.T, o sandbox.Options) *shop {
	t.Helper()
	s := &shop{t: t, market: sandbox.New(o), dir: t.TempDir()}
	server := httptest.NewServer(s.market)
	t.Cleanup(server.Close)
	id, key, err := s.market.AddAgent("killed", "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "ATELIER_AGENT_ID=" + id, "ATELIER_API_KEY=" + key}
	s.write("make-picture", makePicture, 0o755)
	s.write("atelierd.toml", fmt.Sprintf(`
base_url = "%[1]s/api"
blob_url = "%[1]s/blob/"
data_dir = "data"
[agent]
name = "killed"
description = "an agent that is killed a lot"
endpoint_url = "https://agent.test"
[poll]
interval = "1s"
[budget]
window = "1s"
[work]
backoff = "50ms"
deliver_timeout = "1s"
drain = "5s"
[[service]]
title = "Pictures"
description = "Pictures of one pixel each, made with the greatest care in the world."
category = "image_gen"
price_usd = "5.00"
price_type = "quote"
quote = {price_usd = "5.00"}
deliverables = ["one picture"]
generator = "studio"
[messages]
received = "begun"
delivered = "here it is"
[generator.studio]
type = "exec"
command = ["./make-picture"]
`, server.URL), 0o600)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.pay(stop)
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return s
}

// pay pays whatever is quoted, until stop.
func (s *shop) pay(stop <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for _, o := range s.market.Orders() {
			if o.Status == "quoted" {
				if err := s.market.Pay(o.ID); err != nil {
					s.t.Errorf("pay: %v", err)
				}
			}
		}
	}
}

func (s *shop) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) place(n int) {
	s.t.Helper()
	for i := range n {
		brief := fmt.Sprintf("picture %d, 'quoted' \"twice\"; $(reboot)\n\x1b[2J", i)
		if _, err := s.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: brief, Status: "pending_quote"}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// start runs the daemon as a process of its own.
func (s *shop) start(env ...string) *child {
	s.t.Helper()
	c := &child{Cmd: exec.Command(program, "run", "--config", filepath.Join(s.dir, "atelierd.toml"), "--log-format", "text")}
	c.Env = append(slices.Clone(s.env), env...)
	c.Stdout, c.Stderr = &c.log, &c.log
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	c.ended = make(chan struct{})
	go func() {
		defer close(c.ended)
		_ = c.Wait() // how it ended is in ProcessState
	}()
	s.t.Cleanup(c.kill)
	return c
}

type child struct {
	*exec.Cmd
	log   output
	ended chan struct{}
}

// output is what a process writes, readable while it writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (c *child) kill() {
	_ = c.Process.Kill() // it may have ended already
	<-c.ended
}

// stop ends the daemon in order.
func (s *shop) stop(c *child) {
	s.t.Helper()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("stop: %v\n%s", err, c.log.String())
	}
	<-c.ended
	if code := c.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the daemon ended with %d\n%s", code, c.log.String())
	}
}

// await waits until every order is delivered at the marketplace and the daemon
// knows it, or the deadline passes.
func (s *shop) await(c *child, most time.Duration) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(most)
	for {
		select {
		case <-deadline:
			s.t.Fatalf("not everything was delivered in %s\n%s%s", most, s.unsettled(), c.log.String())
		case <-c.ended:
			s.t.Fatalf("the daemon ended: %s\n%s", c.ProcessState, c.log.String())
		case <-tick.C:
		}
		if strings.Contains(c.log.String(), "running") && s.settled() {
			return
		}
	}
}

func (s *shop) settled() bool {
	for _, o := range s.market.Orders() {
		if len(o.Deliveries) == 0 {
			return false
		}
	}
	return s.count("SELECT count(*) FROM jobs WHERE state <> 'done'") == 0 &&
		s.count("SELECT count(*) FROM orders WHERE state = 'delivered'") == len(s.market.Orders())
}

// unsettled tells what is left, for a test that has failed.
func (s *shop) unsettled() string {
	db := must(sql.Open("sqlite", "file:"+filepath.Join(s.dir, "data", store.FileName)+"?mode=ro"))
	defer db.Close()
	rows := must(db.Query(`SELECT o.id, o.remote_status, o.state, o.code, j.stage, j.state, j.attempt, j.crashes, j.reason
		FROM orders AS o LEFT JOIN jobs AS j ON j.order_id = o.id WHERE o.state <> 'delivered' OR j.state <> 'done'`))
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var v [9]sql.NullString
		if err := rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8]); err != nil {
			return err.Error()
		}
		for _, f := range v {
			b.WriteString(f.String + " | ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *shop) count(query string) int {
	s.t.Helper()
	db := must(sql.Open("sqlite", "file:"+filepath.Join(s.dir, "data", store.FileName)+"?mode=ro&_pragma=busy_timeout(5000)"))
	defer db.Close()
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// once checks that each order was delivered exactly once and the file is whole.
func (s *shop) once() {
	s.t.Helper()
	for _, o := range s.market.Orders() {
		said := map[string]int{}
		for _, m := range o.Messages {
			said[m.Content]++
		}
		if len(o.Deliveries) != 1 || len(o.Quotes) != 1 || said["begun"] != 1 || said["here it is"] != 1 {
			s.t.Errorf("order %s was delivered %d times, quoted %d times, and its client told %v", o.ID, len(o.Deliveries), len(o.Quotes), said)
		}
	}
	db := must(sql.Open("sqlite", "file:"+filepath.Join(s.dir, "data", store.FileName)))
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		s.t.Errorf("integrity_check: %s, %v", verdict, err)
	}
}

func TestThirtyKillsAtRandomMomentsDeliverEachOrderOnce(t *testing.T) {
	t.Parallel()
	s := openShop(t, sandbox.Options{Seed: 30, Shared: true, Window: time.Second,
		Faults: sandbox.Faults{Before: 0.05, After: 0.05, Slow: 0.1, SlowMax: 300 * time.Millisecond, Shapes: true}})
	rng := rand.New(rand.NewPCG(30, 1))
	for kill := range 30 {
		s.place(1)
		c := s.start()
		select {
		case <-time.After(time.Duration(100+rng.IntN(900)) * time.Millisecond):
		case <-c.ended:
			t.Fatalf("the daemon ended before kill %d: %s\n%s", kill+1, c.ProcessState, c.log.String())
		}
		c.kill()
	}
	s.market.SetFaults(sandbox.Faults{})
	last := s.start()
	s.await(last, time.Minute)
	s.stop(last)
	s.once()
	if wal, err := os.Stat(filepath.Join(s.dir, "data", store.FileName+"-wal")); err == nil && wal.Size() > 4<<20 {
		t.Errorf("the kills have left a write-ahead log of %d bytes", wal.Size())
	}
}

func TestAKillAtEachCommitDeliversTheOrderOnce(t *testing.T) {
	t.Parallel()
	for _, point := range commitPoints(t) {
		t.Run(point, func(t *testing.T) {
			s := openShop(t, sandbox.Options{Seed: 1})
			s.place(1)
			doomed := s.start(envKillAt + "=" + point + ":1")
			select {
			case <-doomed.ended:
			case <-time.After(30 * time.Second):
				t.Fatalf("the point was never passed\n%s", doomed.log.String())
			}
			if doomed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the daemon ended otherwise: %s\n%s", doomed.ProcessState, doomed.log.String())
			}
			again := s.start()
			began := time.Now()
			s.await(again, 30*time.Second)
			t.Logf("delivered %s after the restart", time.Since(began).Round(time.Millisecond))
			s.stop(again)
			s.once()
			if n := s.count("SELECT max(attempt) FROM attempts"); n != 1 {
				t.Errorf("the crash has used up an attempt: the last has number %d", n)
			}
		})
	}
}

// The same while the marketplace fails, loses answers and is slow. Then a stage
// may need more than one attempt, but the order is still delivered once.
func TestAKillAtEachCommitAmidFaultsDeliversTheOrderOnce(t *testing.T) {
	t.Parallel()
	for i, name := range orderCommits {
		for j, when := range []string{"before:", "after:"} {
			t.Run(when+name, func(t *testing.T) {
				t.Parallel()
				s := openShop(t, sandbox.Options{Seed: uint64(10*i + j + 1), Faults: sandbox.Faults{
					Before: 0.15, After: 0.15, Slow: 0.15, SlowMax: 300 * time.Millisecond}})
				s.place(1)
				doomed := s.start(envKillAt + "=" + when + name + ":1")
				select {
				case <-doomed.ended:
				case <-time.After(time.Minute):
					t.Fatalf("the point was never passed\n%s", doomed.log.String())
				}
				if doomed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("the daemon ended otherwise: %s\n%s", doomed.ProcessState, doomed.log.String())
				}
				again := s.start()
				s.await(again, time.Minute)
				s.stop(again)
				s.once()
			})
		}
	}
}

// orderCommits are the commits that every order passes on its way.
var orderCommits = []string{"intake", "lease", "finish.price", "quote.intent", "finish.quote", "message.intent", "finish.send", "finish.generate", "uploaded", "finish.upload", "deliver.intent", "finish.deliver"}

// commitPoints are the points before and after each commit that one order
// passes, as the program itself names them.
func commitPoints(t *testing.T) []string {
	t.Helper()
	s := openShop(t, sandbox.Options{Seed: 1})
	s.place(1)
	list := filepath.Join(s.dir, "points")
	c := s.start(envPoints + "=" + list)
	s.await(c, 30*time.Second)
	s.stop(c)
	var points []string
	for line := range strings.Lines(string(must(os.ReadFile(list)))) {
		if p := strings.TrimSpace(line); !slices.Contains(points, p) {
			points = append(points, p)
		}
	}
	for _, needed := range orderCommits {
		if !slices.Contains(points, "before:"+needed) || !slices.Contains(points, "after:"+needed) {
			t.Fatalf("the order did not pass the commit %q; it passed %v", needed, points)
		}
	}
	return points
}
