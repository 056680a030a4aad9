//go:build unix

package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
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

// envLease is the variable by which a test says how soon a lease is dead.
const envLease = "ATELIERD_TEST_LEASE"

// failover is a drill with two hosts and a cluster of NATS. A host is a process with a
// folder of its own.
type failover struct {
	*drill        // the first host
	south  *drill // the second one
	line   *line  // between the first host and NATS
	nodes  *cluster
	copied string // the copy of the first host's database
}

// outages are the ways in which the first host is lost, and what happens to it once the
// other one works.
var outages = map[string]struct {
	lose func(f *failover, north *child)
	back func(f *failover, north *child)
}{
	"killed": {lose: func(_ *failover, north *child) { north.kill() }},
	"cut off from NATS": {
		lose: func(f *failover, north *child) {
			f.line.cut(true)
			f.until("the first host does not stop sending", func() bool { return strings.Contains(north.log.String(), "the lease is not renewed") })
		},
		back: func(f *failover, north *child) {
			f.line.cut(false)
			f.ends(north)
		},
	},
	"stopped for a while": {
		lose: func(f *failover, north *child) { f.must(north.Process.Signal(syscall.SIGSTOP)) },
		back: func(f *failover, north *child) {
			f.must(north.Process.Signal(syscall.SIGCONT))
			f.ends(north)
		},
	},
}

// TestAnotherHostTakesOver loses a host amid orders, some time after its database was copied.
// The other one waits until the lease is dead, restores the copy and takes over. Each order
// is delivered once, although the first host comes back. The provider knows keys, so nothing
// is paid for twice: neither what the copy has, nor what began after it.
func TestAnotherHostTakesOver(t *testing.T) {
	t.Parallel()
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFailover(t)
			const orders, later = 12, 3
			north := f.start()
			f.until("the services are not listed", func() bool { return len(f.market.Services()) == 4 })
			for i := range orders {
				f.order(fmt.Sprintf("order %d", i), sandbox.NewOrder{})
			}
			f.until("nothing is delivered", func() bool { return f.deliveries() >= orders/4 })
			f.must(copyDatabase(f.copied, filepath.Join(f.dir, "data")))
			since := f.deliveries()
			f.until("nothing is delivered after the copy", func() bool { return f.deliveries() >= min(since+2, orders) })
			outage.lose(f, north)
			began := time.Now()
			for i := range later { // no host works, or one that has lost its lease
				f.order(fmt.Sprintf("later %d", i), sandbox.NewOrder{})
			}
			f.south.orders = f.orders
			south := f.takeOver()
			t.Logf("the other host took over within %s; of that, the lease lives for 3s", time.Since(began).Round(10*time.Millisecond))
			if outage.back != nil {
				outage.back(f, north)
			}
			f.finish(south, orders+later)
		})
	}
}

func newFailover(t *testing.T) *failover {
	t.Helper()
	d := newDrill(t)
	f := &failover{drill: d, nodes: &cluster{fixture: d.fixture}, copied: filepath.Join(t.TempDir(), "copy")}
	ports, dir := freePorts(9), t.TempDir()
	var urls []string
	for i := range 3 {
		f.nodes.nodes = append(f.nodes.nodes, natsNode{
			Name: fmt.Sprint("n", i+1), Dir: filepath.Join(dir, fmt.Sprint(i)), Port: ports[i], Cluster: ports[3+i], Monitoring: ports[6+i], Nodes: ports[3:6],
		})
		urls = append(urls, fmt.Sprintf("127.0.0.1:%d", ports[i]))
		f.nodes.node(i)
	}
	f.line = newLine(t, urls)
	text := string(must(os.ReadFile(filepath.Join(d.dir, "atelierd.toml"))))
	lease := func(url string) string {
		return fmt.Sprintf("\n[nats]\nurls = [%q]\nreplicas = 3\nlease = true\n", "nats://"+url)
	}
	d.env = append(d.env, envLease+"=3s")
	f.south = &drill{fixture: &fixture{t: t, market: d.market, dir: t.TempDir(), url: d.url, env: append(slices.Clone(d.env), "ATELIERD_HOST=south")}, provider: d.provider}
	d.env = append(d.env, "ATELIERD_HOST=north")
	f.south.write("atelierd.toml", text+lease(urls[2]), 0o600)
	d.write("atelierd.toml", text+lease(f.line.address), 0o600)
	f.until("NATS is not set up", func() bool {
		code, out := f.south.command("nats", "setup")
		return code == 0 || t.Context().Err() != nil && out == ""
	})
	return f
}

// takeOver restores the copy on the second host once the lease is dead, and starts it.
func (f *failover) takeOver() *child {
	f.t.Helper()
	if code, out := f.south.command("lease", "--wait"); code != 0 || !strings.Contains(out, "dead") {
		f.t.Fatalf("lease --wait exits with %d: %s", code, out)
	}
	data := filepath.Join(f.south.dir, "data")
	f.must(os.Mkdir(data, 0o700), os.Rename(filepath.Join(f.copied, store.FileName), filepath.Join(data, store.FileName)))
	f.must(os.Chmod(filepath.Join(data, store.FileName), 0o600), os.CopyFS(filepath.Join(data, "artifacts"), os.DirFS(filepath.Join(f.dir, "data", "artifacts"))))
	south := f.south.start()
	f.until("the ledger was not reconciled", func() bool {
		return strings.Contains(south.log.String(), "the ledger is reconciled")
	})
	return south
}

// ends waits until the first host has noticed that the other one works, and ended.
func (f *failover) ends(north *child) {
	f.t.Helper()
	select {
	case <-north.ended:
	case <-time.After(patience):
		f.t.Fatalf("the first host still works\n%s", north.log.String())
	}
	if code := north.ProcessState.ExitCode(); code != 4 {
		f.t.Errorf("the first host exits with %d\n%s", code, north.log.String())
	}
	if code, out := f.command("once"); code != 4 || !strings.Contains(out, "south") {
		f.t.Errorf("the first host may start again: it exits with %d: %s", code, out)
	}
}

// finish has the second host do the rest, and checks that nothing was done twice.
func (f *failover) finish(south *child, orders int) {
	f.t.Helper()
	s := f.south
	s.idle()
	if code, out := s.command("reconcile", "--accept"); code != 0 {
		f.t.Fatalf("reconcile --accept exits with %d: %s", code, out)
	}
	unknown := s.retryUnknown()
	s.until("orders are left\n"+south.log.String(), func() bool {
		return s.deliveries() == orders && s.count("SELECT count(*) FROM orders WHERE state = 'delivered'") == orders
	})
	s.stop(south)
	s.booksAgree()
	for what, n := range f.provider.charges() {
		if n > 1 && !unknown[strings.Fields(what)[0]] {
			f.t.Errorf("%s was paid for %d times", what, n)
		}
	}
	if n := s.count("SELECT count(DISTINCT host || epoch) FROM runs WHERE (host, epoch) IN (VALUES ('north', 1), ('south', 2))"); n != 2 {
		f.t.Errorf("%d of 2 hosts are in the history with their epoch", n)
	}
	if s.count("SELECT count(*) FROM deliveries WHERE epoch = 1") == 0 || s.count("SELECT count(*) FROM deliveries WHERE epoch = 2") == 0 {
		f.t.Error("the intents of the deliveries do not carry the epochs of both hosts")
	}
}

// line is a proxy to the servers that can be cut.
type line struct {
	address string

	mu    sync.Mutex
	off   bool
	conns []net.Conn
}

func newLine(t *testing.T, to []string) *line {
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { l.Close() })
	w := &line{address: l.Addr().String()}
	go func() {
		for i := 0; ; i++ {
			from, err := l.Accept()
			if err != nil {
				return
			}
			w.carry(from, to[i%len(to)])
		}
	}()
	return w
}

// carry connects a connection with a server, unless the line is cut.
func (w *line) carry(from net.Conn, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to, err := net.Dial("tcp", address)
	if err != nil || w.off {
		from.Close()
		return
	}
	w.conns = append(w.conns, from, to)
	copying := func(a, b net.Conn) {
		defer a.Close()
		_, _ = io.Copy(a, b)
	}
	go copying(from, to)
	go copying(to, from)
}

// cut cuts the line, or lets connections through again.
func (w *line) cut(off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = off
	if off {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	}
}
