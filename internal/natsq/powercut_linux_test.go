package natsq_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
)

// TestAPowerCutLosesNothingThatWasAcknowledged guards the setup that the docs ask for. What a
// power cut leaves is a copy of the disk at that moment: it lacks what the system had not
// written yet. Examine names a server that keeps less than that.
func TestAPowerCutLosesNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{true, false} {
		t.Run(fmt.Sprintf("sync_always %v", always), func(t *testing.T) {
			t.Parallel()
			disk, dir := newDisk(t)
			s, url := natstest.Start(t, func(o *server.Options) { o.StoreDir, o.SyncAlways = dir, always })
			q := natstest.Open(t, url, "agent")
			if err := q.Setup(t.Context(), natsq.SetupOptions{Routes: []string{"video"}}); err != nil {
				t.Fatal(err)
			}
			const calls = 100
			result := filepath.Join(t.TempDir(), "result")
			if err := os.WriteFile(result, make([]byte, 300_000), 0o600); err != nil {
				t.Fatal(err)
			}
			var file natsq.File
			for i := range calls {
				file = acknowledged(t, q, fmt.Sprintf("k%d", i), result)
			}
			after := disk.powerCut(t, s)
			_, url = natstest.Start(t, func(o *server.Options) { o.StoreDir, o.SyncAlways = after, always })
			q = natstest.Open(t, url, "agent")
			kept := 0
			for i := range calls {
				if e, err := q.Get(t.Context(), "video", fmt.Sprintf("k%d", i)); err == nil && e.State == natsq.Calling {
					kept++
				}
			}
			err := q.GetFile(t.Context(), natsq.BucketOut("video"), file, filepath.Join(t.TempDir(), "again"))
			t.Logf("%d of %d calls were kept, and the last file: %v", kept, calls, err == nil)
			if always && (kept < calls || err != nil) {
				t.Errorf("%d of %d acknowledged calls are lost; the last file: %v", calls-kept, calls, err)
			}
			if !always && kept == calls {
				t.Skip("this system had written everything by then, so the cut shows nothing")
			}
		})
	}
}

// acknowledged hands a call out, claims it, and stores a file, each with the answer of the server.
func acknowledged(t *testing.T, q *natsq.Queue, key, result string) natsq.File {
	t.Helper()
	e, err := q.Create(t.Context(), "video", key, natsq.Record{State: natsq.Wanted})
	if err == nil {
		err = q.Publish(t.Context(), "agent", "video", key, []byte(`{"key":"`+key+`"}`))
	}
	if err == nil {
		_, err = q.Change(t.Context(), e, natsq.Record{State: natsq.Calling, Worker: "w1"})
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := q.PutFile(t.Context(), natsq.BucketOut("video"), key+"/1", result)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// disk is a file system in a file.
type disk string

// newDisk returns a mounted disk of its own, and its folder, if the user may mount one.
func newDisk(t *testing.T) (d disk, dir string) {
	t.Helper()
	d = disk(filepath.Join(t.TempDir(), "disk"))
	if err := os.WriteFile(string(d), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(string(d), 256<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-F", string(d)).CombinedOutput(); err != nil {
		t.Skipf("only where a disk can be made: %v %s", err, out)
	}
	return d, d.mount(t)
}

func (d disk) mount(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "loop", string(d), dir).CombinedOutput(); err != nil {
		t.Skipf("only a user who may mount a disk can cut its power: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil { //nolint:noctx // the test's context has ended
			t.Errorf("unmount: %v %s", err, out)
		}
	})
	return dir
}

// powerCut copies what is on the disk, ends the server, and returns the copy as a folder.
func (d disk) powerCut(t *testing.T, s *server.Server) (dir string) {
	t.Helper()
	after := d + ".after"
	if out, err := exec.CommandContext(t.Context(), "cp", "--sparse=always", string(d), string(after)).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	natstest.Stop(s)
	return after.mount(t)
}
