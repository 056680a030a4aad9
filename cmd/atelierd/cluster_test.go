package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"atelierd/internal/sandbox"
)

// clusterJobs is how many orders are worked on while processes are killed.
var clusterJobs = flag.Int("cluster.jobs", 100, "how many orders in the test that kills workers, servers and the daemon")

// withCluster runs the tests with three servers as processes, which take minutes.
var withCluster = flag.Bool("cluster", false, "run the tests with three servers of NATS")

// keepCluster leaves what the demo runs until ctrl-c.
var keepCluster = flag.Bool("cluster.keep", false, "leave the servers and workers of the demo running until ctrl-c")

// getJSON reads an answer of the monitor of a server, and reports whether there was one.
func getJSON(address string, v any) bool {
	resp, err := http.Get(address)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(v) == nil
}

// TestDemoCluster shows an order's way over three servers and two workers, of which one of
// each is killed in mid-work: make demo-cluster.
func TestDemoCluster(t *testing.T) {
	t.Parallel()
	if !*withCluster {
		t.Skip("make demo-cluster runs it")
	}
	began := time.Now()
	c := newCluster(t, 3, 2, 2)
	c.losesEach(10)
	t.Logf("in %s", time.Since(began).Round(time.Second))
	if !*keepCluster {
		t.Log("make demo-cluster KEEP=1 leaves the servers and workers running, to look around")
		return
	}
	config := filepath.Join(c.dir, "atelierd.toml")
	t.Logf("to look around, until ctrl-c:\n%s workers --config %s\n%s orders show --config %[2]s %[4]s", program, config, program, c.market.Orders()[0].ID)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
}

// TestALostWorkerAndServerRepeatNothing is the demo with one server and few orders.
func TestALostWorkerAndServerRepeatNothing(t *testing.T) {
	t.Parallel()
	newCluster(t, 1, 2, 2).losesEach(5)
}

// losesEach works on orders, and loses a worker and the leading server in mid-work. The worker
// is killed when all calls that run have an id, so that none is unknown, which takes a minute.
func (c *cluster) losesEach(orders int) {
	c.t.Helper()
	c.p.delay = 2 * time.Second
	c.place(orders)
	daemon := c.start()
	const slots = 4
	c.until("not every worker is busy", func() bool { return c.asked() == slots && c.p.paid() == slots })
	c.workers[0].kill()
	c.t.Log("worker w1 was killed")
	i := c.leader()
	c.servers[i].kill()
	c.t.Logf("the leading server %s was killed", c.nodes[i].Name)
	c.workers[0] = c.worker(0)
	c.servers[i] = c.node(i)
	c.await(daemon)
	c.stop(daemon)
	c.checkOnce()
	unknown := c.checkPaidOnce()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "jobs\tpaid calls\tdelivered\tcut without an id\trepeated\n%d\t%d\t%d\t%d\t%d\n", orders, c.p.paid(), c.delivered(), unknown, max(c.p.paid()-orders-unknown, 0))
	_ = w.Flush() // it is for whoever looks
}

// delivered returns how many deliveries the marketplace has.
func (c *cluster) delivered() (n int) {
	for _, o := range c.market.Orders() {
		n += len(o.Deliveries)
	}
	return n
}

// TestKillsOfWorkersServersAndTheDaemonLoseAndRepeatNothing kills one of them every few
// seconds.
func TestKillsOfWorkersServersAndTheDaemonLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	if !*withCluster {
		t.Skip("make kills runs it")
	}
	c := newCluster(t, 3, 2, 4)
	daemon := c.start()
	rng := rand.New(rand.NewPCG(7, 7))
	placed, quiet, killed := 0, 0, map[string]int{}
	deadline := time.Now().Add(10*time.Minute + time.Duration(*clusterJobs)*2*time.Second)
	for placed < *clusterJobs || !c.settledAll() {
		if time.Now().After(deadline) {
			t.Fatalf("not everything was delivered\n%s%s", c.unsettled(), daemon.log.String())
		}
		n := min(5+rng.IntN(10), *clusterJobs-placed)
		c.place(n)
		placed += n
		c.lives(daemon, time.Duration(2000+rng.IntN(3000))*time.Millisecond)
		if placed == *clusterJobs {
			quiet++
		}
		if quiet > 5 {
			continue // the rest is finished in peace
		}
		switch i := rng.IntN(2); rng.IntN(3) {
		case 0:
			c.workers[i].kill()
			c.workers[i] = c.worker(i)
			killed["worker"]++
		case 1:
			lead := c.leader()
			c.servers[lead].kill()
			c.servers[lead] = c.node(lead)
			killed["server"]++
		default:
			daemon.kill()
			daemon = c.start()
			killed["daemon"]++
		}
	}
	c.await(daemon) // it may have been started a moment ago
	c.stop(daemon)
	c.checkOnce()
	t.Logf("%d orders, %d paid calls, %d unknown, killed %v", placed, c.p.paid(), c.checkPaidOnce(), killed)
}

// settledAll is settled before the daemon has made its database, too.
func (c *cluster) settledAll() bool {
	for _, o := range c.market.Orders() {
		if len(o.Deliveries) == 0 {
			return false
		}
	}
	return c.settled()
}

// TestNATSThatLostEverythingRepeatsNothing empties the servers while calls are at the provider,
// and while others wait for a worker.
func TestNATSThatLostEverythingRepeatsNothing(t *testing.T) {
	t.Parallel()
	if !*withCluster {
		t.Skip("a paused generator is looked at after minutes; make kills runs it")
	}
	c := newCluster(t, 1, 2, 1)
	for i := range 6 {
		must(c.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: fmt.Sprintf("slow picture %d", i), Status: "pending_quote"}))
	}
	daemon := c.start()
	c.until("no two calls were made", func() bool { return c.asked() == 2 })
	c.until("no call waits for a worker", func() bool { return c.count("SELECT count(*) FROM calls WHERE state = 'submitted'") > 2 })
	c.servers[0].kill()
	if err := os.RemoveAll(c.nodes[0].Dir); err != nil {
		t.Fatal(err)
	}
	c.servers[0] = c.node(0)
	c.setUp()
	c.p.release()
	c.until("an order is neither delivered nor known to have lost its call", func() bool {
		return c.delivered()+c.count("SELECT count(*) FROM jobs WHERE code = 'expired'") == 6
	})
	if c.delivered() < 2 {
		t.Error("what was at the provider was lost")
	}
	c.stop(daemon)
	if paid := c.p.paid(); paid != c.delivered() {
		t.Errorf("%d calls were paid for, and %d orders delivered", paid, c.delivered())
	}
	c.p.checkPaid(t, true)
}
