package main_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mostClusterRSS is the most memory of a daemon or a worker that moves three files of 50 MB at
// once, in kB.
const mostClusterRSS = 100 << 10

// Files go from a worker to the daemon in pieces, so neither holds a whole one in memory.
func TestThreeFilesOf50MBOverNATSFitIntoMemory(t *testing.T) {
	t.Parallel()
	if !*measured {
		t.Skip("it moves 600 MB; make bench runs it")
	}
	c := newCluster(t, 1, 0, 0)
	server := httptest.NewServer(&films{form: asLink, all: make(chan struct{})})
	t.Cleanup(server.Close)
	c.addWorker(3, "\ntype = \"http\"\nbase_url = \""+server.URL+"\"\n")
	text := string(must(os.ReadFile(filepath.Join(c.dir, "atelierd.toml"))))
	c.write("atelierd.toml", strings.NewReplacer("image_gen", "video_gen", "deliver_timeout = \"1s\"\n", "").Replace(text), 0o600)
	daemon := c.start()
	c.until("it does not run", func() bool { return strings.Contains(daemon.log.String(), "running") })
	began := time.Now()
	c.place(3)
	c.await(daemon)
	ofDaemon, ofWorker := peakRSS(t, daemon.Process.Pid), peakRSS(t, c.workers[0].Process.Pid)
	t.Logf("in %s; the daemon took at most %d kB, the worker %d kB", time.Since(began).Round(time.Millisecond), ofDaemon, ofWorker)
	if max(ofDaemon, ofWorker) > mostClusterRSS {
		t.Errorf("the daemon took %d kB and the worker %d kB, want at most %d", ofDaemon, ofWorker, mostClusterRSS)
	}
	c.stop(daemon)
}
