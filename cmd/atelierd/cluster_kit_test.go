package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"atelierd/internal/sandbox"
)

// envNATSNode has the test binary be a server of NATS. Its value is a natsNode.
const envNATSNode = "ATELIERD_TEST_NATS_NODE"

// natsNode is a server of NATS that runs as a process of its own.
type natsNode struct {
	Name, Dir                 string
	Port, Cluster, Monitoring int
	// Nodes are the ports for the others; empty for a server alone.
	Nodes []int
}

// serveNATS is a server of NATS, until it is killed.
func serveNATS() {
	var n natsNode
	if err := json.Unmarshal([]byte(os.Getenv(envNATSNode)), &n); err != nil {
		panic(err)
	}
	o := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, HTTPHost: "127.0.0.1", HTTPPort: n.Monitoring, JetStream: true, StoreDir: n.Dir, SyncAlways: true, NoLog: true,
	}
	if len(n.Nodes) > 0 {
		o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: n.Cluster}
		for _, port := range n.Nodes {
			o.Routes = append(o.Routes, must(url.Parse(fmt.Sprintf("nats://127.0.0.1:%d", port))))
		}
	}
	s := must(server.NewServer(o))
	s.Start()
	s.WaitForShutdown()
}

// freePorts returns ports on which nothing listens.
func freePorts(n int) (ports []int) {
	for range n {
		l := must(net.Listen("tcp", "127.0.0.1:0"))
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// cluster is a fixture whose calls are made by workers.
type cluster struct {
	*fixture
	p       *charging
	nodes   []natsNode
	urls    []string // quoted
	servers []*child
	workers []*child
}

// handedOut are the generator of a daemon and how it reaches NATS.
const handedOut = `
type = "nats"
route = "video"
cost_usd = "0.04"
lost_after = "1m"
[nats]
urls = [%s]
replicas = %d
`

// newCluster runs servers and prepares workers that call a paid provider.
func newCluster(t *testing.T, nodes, workers, slots int) *cluster {
	t.Helper()
	c := &cluster{p: newCharging(t.Cleanup, 1, 0)}
	ports := freePorts(3 * nodes)
	dir := t.TempDir()
	for i := range nodes {
		n := natsNode{Name: fmt.Sprint("n", i+1), Dir: filepath.Join(dir, fmt.Sprint(i)), Port: ports[i], Cluster: ports[nodes+i], Monitoring: ports[2*nodes+i]}
		if nodes > 1 {
			n.Nodes = ports[nodes : 2*nodes]
		}
		c.nodes = append(c.nodes, n)
		c.urls = append(c.urls, fmt.Sprintf(`"nats://127.0.0.1:%d"`, n.Port))
	}
	c.fixture = newFixtureWith(t, sandbox.Options{Window: time.Second}, fmt.Sprintf(handedOut, strings.Join(c.urls, ", "), nodes))
	text := string(must(os.ReadFile(filepath.Join(c.dir, "atelierd.toml"))))
	c.write("atelierd.toml", strings.Replace(text, "[work]\n", "[work]\ngenerators = 8\n", 1), 0o600)
	for i := range nodes {
		c.servers = append(c.servers, c.node(i))
	}
	c.setUp()
	for range workers {
		c.addWorker(slots, strings.ReplaceAll(providerShapes["an id"], "PROVIDER/", c.p.url+"/"))
	}
	return c
}

// addWorker runs another worker with a generator.
func (c *cluster) addWorker(slots int, generator string) {
	c.t.Helper()
	i := len(c.workers)
	folder := fmt.Sprint("w", i+1)
	if err := os.Mkdir(filepath.Join(c.dir, folder), 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.write(folder+"/worker.toml", fmt.Sprintf(`
[nats]
urls = [%s]
[worker]
name = "%s"
drain = "5s"
[[route]]
name = "video"
generator = "studio"
slots = %d
[generator.studio]%s`, strings.Join(c.urls, ", "), folder, slots, generator), 0o600)
	c.workers = append(c.workers, c.worker(i))
}

// setUp has the program create what calls need, once the servers have elected a leader: they
// answer no request before that.
func (c *cluster) setUp() {
	c.t.Helper()
	c.until("the servers elect no leader", func() bool { return len(c.nodes) == 1 || c.elected() })
	c.until("NATS is not set up", func() bool {
		setup := exec.Command(program, "nats", "setup", "--config", filepath.Join(c.dir, "atelierd.toml"))
		setup.Env = c.env
		out, err := setup.CombinedOutput()
		if err != nil && c.t.Context().Err() == nil {
			c.t.Logf("not yet: %s", out)
		}
		return err == nil
	})
}

// node runs a server of NATS.
func (c *cluster) node(i int) *child {
	c.t.Helper()
	s := &child{Cmd: exec.Command(os.Args[0])}
	s.Env = append(os.Environ(), envNATSNode+"="+string(must(json.Marshal(c.nodes[i]))))
	s.Stdout, s.Stderr = &s.log, &s.log
	return c.launch(s)
}

// worker runs a worker, which gets no key of the marketplace.
func (c *cluster) worker(i int) *child {
	c.t.Helper()
	w := &child{Cmd: exec.Command(program, "worker", "--config", filepath.Join(c.dir, fmt.Sprint("w", i+1), "worker.toml"), "--log-format", "text")}
	w.Env = append(slices.DeleteFunc(slices.Clone(c.env), func(s string) bool { return strings.HasPrefix(s, "ATELIER_") }), "PROVIDER_KEY=secret")
	w.Stdout, w.Stderr = &w.log, &w.log
	return c.launch(w)
}

// elected reports whether each server knows which one leads.
func (c *cluster) elected() bool {
	return !slices.ContainsFunc(c.nodes, func(n natsNode) bool {
		var state struct {
			Meta struct {
				Leader string `json:"leader"`
			} `json:"meta_cluster"`
		}
		return !getJSON(fmt.Sprintf("http://127.0.0.1:%d/jsz", n.Monitoring), &state) || state.Meta.Leader == ""
	})
}

// leader returns the server that leads the stream of records.
func (c *cluster) leader() int {
	for i, n := range c.nodes {
		var state struct {
			Accounts []struct {
				Streams []struct {
					Name    string `json:"name"`
					Cluster struct {
						Leader string `json:"leader"`
					} `json:"cluster"`
				} `json:"stream_detail"`
			} `json:"account_details"`
		}
		if !getJSON(fmt.Sprintf("http://127.0.0.1:%d/jsz?streams=1", n.Monitoring), &state) {
			continue
		}
		for _, a := range state.Accounts {
			for _, s := range a.Streams {
				if s.Name == "KV_gen_state" && s.Cluster.Leader == n.Name {
					return i
				}
			}
		}
	}
	return 0
}

// asked returns how many jobs have been asked about: their ids are known.
func (c *cluster) asked() (n int) {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	for _, j := range c.p.jobs {
		if j.asked {
			n++
		}
	}
	return n
}

// checkPaidOnce checks that what was paid for twice was cut without an id, and is in the books
// as unknown. It returns how many such calls there are. A worker that dies between its claim and
// the request leaves one that was not paid for.
func (c *cluster) checkPaidOnce() (unknown int) {
	c.t.Helper()
	c.p.checkPaid(c.t, false)
	unknown = c.count("SELECT count(*) FROM calls WHERE state = 'unknown'")
	if repeated := c.p.paid() - len(c.market.Orders()); repeated > unknown {
		c.t.Errorf("%d calls for %d orders, %d of them unknown in the books", c.p.paid(), len(c.market.Orders()), unknown)
	}
	return unknown
}
