package main_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
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

// patience is how long a test waits for a process on a busy machine.
const patience = 3 * time.Minute

// fixture is a marketplace with a daemon next to it, in a folder.
type fixture struct {
	t      *testing.T
	market *sandbox.Server
	url    string // of the market
	dir    string
	env    []string
	// waits is how long it waits for something; zero is patience.
	waits time.Duration
}

const makePicture = `#!/bin/sh
# A generator that takes a moment and leaves a picture of one pixel.
cat > "$OUTPUT_DIR/order.json"
sleep 0.1
printf '\211PNG\r\n\032\n\000\000\000\rIHDR\000\000\000\001\000\000\000\001\010\006\000\000\000\037\025\304\211\000\000\000\rIDATx\234c\374\317\300P\017\000\004\205\001\200\204\251\214!\000\000\000\000IEND\256B` + "`" + `\202%s' "$ATELIER_ORDER_ID" > "$OUTPUT_DIR/out.png"
echo '{"files":["out.png"],"cost_usd":"0.04"}'
`

// programGenerator is the generator of a fixture: the program make-picture.
const programGenerator = `
type = "exec"
command = ["./make-picture"]
`

func newFixture(t *testing.T, o sandbox.Options) *fixture {
	t.Helper()
	return newFixtureWith(t, o, programGenerator)
}

// newFixtureWith is newFixture with another generator. A daemon of a fixture polls each
// second, so on a slow machine it would use up what the marketplace allows in an hour
// before it delivers. Requests are therefore counted in windows of ten seconds.
func newFixtureWith(t *testing.T, o sandbox.Options, generator string) *fixture {
	t.Helper()
	o.Window = cmp.Or(o.Window, 10*time.Second)
	s := &fixture{t: t, market: sandbox.New(o), dir: t.TempDir()}
	server := httptest.NewServer(s.market)
	t.Cleanup(server.Close)
	s.url = server.URL
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
[generator.studio]%[2]s`, server.URL, generator), 0o600)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		s.pay(stop)
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return s
}

// pay pays whatever is quoted until stop, except what is called unpaid.
func (s *fixture) pay(stop <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for _, o := range s.market.Orders() {
			if o.Status == "quoted" && !strings.HasPrefix(o.Brief, "unpaid") {
				if err := s.market.Pay(o.ID); err != nil {
					s.t.Errorf("pay: %v", err)
				}
			}
		}
	}
}

func (s *fixture) write(name, text string, mode os.FileMode) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

func (s *fixture) place(n int) {
	s.t.Helper()
	for range n {
		brief := fmt.Sprintf("picture %d, 'quoted' \"twice\"; $(reboot)\n\x1b[2J", len(s.market.Orders()))
		if _, err := s.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: brief, Status: "pending_quote"}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// start runs the daemon as a process of its own.
func (s *fixture) start(env ...string) *child {
	s.t.Helper()
	return s.startBy("", env...)
}

// startBy is start by a program that runs its arguments.
func (s *fixture) startBy(by string, env ...string) *child {
	s.t.Helper()
	words := []string{by, program, "run", "--config", filepath.Join(s.dir, "atelierd.toml"), "--log-format", "text"}
	if by == "" {
		words = words[1:]
	}
	c := &child{Cmd: exec.Command(words[0], words[1:]...)}
	c.Env = append(slices.Clone(s.env), env...)
	c.Stdout, c.Stderr = &c.log, &c.log
	return s.launch(c)
}

// launch starts a daemon and kills it at the end of the test.
func (s *fixture) launch(c *child) *child {
	s.t.Helper()
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
func (s *fixture) stop(c *child) {
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
// knows it, or patience ends.
func (s *fixture) await(c *child) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(cmp.Or(s.waits, patience))
	for {
		select {
		case <-deadline:
			s.t.Fatalf("not everything was delivered in time\n%s%s", s.unsettled(), c.log.String())
		case <-c.ended:
			s.t.Fatalf("the daemon ended: %s\n%s", c.ProcessState, c.log.String())
		case <-tick.C:
		}
		if strings.Contains(c.log.String(), "running") && s.settled() {
			return
		}
	}
}

// settled reports whether every order is delivered and no job is left. A poll that finds
// a quote whose answer was lost cancels its job.
func (s *fixture) settled() bool {
	for _, o := range s.market.Orders() {
		if len(o.Deliveries) == 0 {
			return false
		}
	}
	return s.count("SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'cancelled')") == 0 &&
		s.count("SELECT count(*) FROM orders WHERE state = 'delivered'") == len(s.market.Orders())
}

// unsettled describes what is left, for a test that has failed.
func (s *fixture) unsettled() string {
	db := s.openDatabase("mode=ro")
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

// openDatabase opens the daemon's database, with parameters such as mode=ro.
func (s *fixture) openDatabase(how string) *sql.DB {
	return must(sql.Open("sqlite", "file:"+filepath.Join(s.dir, "data", store.FileName)+"?_pragma=busy_timeout(5000)&"+how))
}

func (s *fixture) count(query string) int {
	s.t.Helper()
	db := s.openDatabase("mode=ro")
	defer db.Close()
	var n int
	if err := db.QueryRow(query).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// checkOnce checks that each order was delivered exactly once and the file is whole.
func (s *fixture) checkOnce() {
	s.t.Helper()
	for _, o := range s.market.Orders() {
		said := map[string]int{}
		for _, m := range o.Messages {
			said[m.Content]++
		}
		if len(o.Deliveries) != 1 || len(o.Quotes) != 1 || said["begun"] != 1 || said["here it is"] != 1 {
			s.t.Errorf("order %s was delivered %d times, quoted %d times, and its client got %v", o.ID, len(o.Deliveries), len(o.Quotes), said)
		}
	}
	db := s.openDatabase("")
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		s.t.Errorf("integrity_check: %s, %v", verdict, err)
	}
}

// until waits until ok is true.
func (s *fixture) until(otherwise string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(cmp.Or(s.waits, patience))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok() {
			return
		}
		select {
		case <-deadline:
			s.t.Fatal(otherwise)
		case <-tick.C:
		}
	}
}

// startAndDie runs the daemon until it kills itself at the given commit.
func (s *fixture) startAndDie(point string) {
	s.t.Helper()
	doomed := s.start(envKillAt + "=" + point + ":1")
	select {
	case <-doomed.ended:
	case <-time.After(patience):
		s.t.Fatalf("the point was never passed\n%s", doomed.log.String())
	}
	if doomed.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		s.t.Fatalf("the daemon ended otherwise: %s\n%s", doomed.ProcessState, doomed.log.String())
	}
}
