package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"atelierd/internal/fence"
	"atelierd/internal/generate/cluster"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/secret"
	"atelierd/internal/worker"
)

// user returns a user of the server with the permissions, and how to connect as one.
func user(t *testing.T, name string, p natsq.Permissions) (*server.NkeyUser, natsq.Options) {
	t.Helper()
	seed, public, err := natsq.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	may := &server.Permissions{
		Publish: &server.SubjectPermission{Allow: p.Publish}, Subscribe: &server.SubjectPermission{Allow: p.Subscribe},
	}
	return &server.NkeyUser{Nkey: public, Permissions: may}, natsq.Options{
		Name: name, Wait: 2 * time.Second, Log: testLog(t), Seed: func() (secret.Text, error) { return secret.New(seed), nil },
	}
}

// What nats setup prints is enough for an agent and a worker, and lets a worker reach
// nothing of another route.
func TestTheKeyOfAWorkerServesItsRouteAlone(t *testing.T) {
	t.Parallel()
	owner, asOwner := user(t, "setup", natsq.SetupPermissions("setup"))
	agent, asAgent := user(t, "agent", natsq.AgentPermissions("agent", []string{"video", "other"}))
	own, asWorker := user(t, "w1", natsq.WorkerPermissions("w1", []string{"video"}))
	_, url := natstest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{owner, agent, own} })
	open := func(o natsq.Options) *natsq.Queue { return natstest.OpenAs(t, url, o) }
	for range 2 { // what is there is brought up to date
		if err := open(asOwner).Setup(t.Context(), natsq.SetupOptions{Routes: []string{"video", "other"}}); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{T: t, p: newProvider(), url: url, q: open(asAgent)}
	s.gen = generator(t, cluster.Options{Open: func() (*natsq.Queue, error) { return s.q, nil }, Agent: func() string { return "a" }, Route: "video", Log: testLog(t)})
	s.p.done = make(chan struct{})
	close(s.p.done)
	theirs := open(asWorker)
	w, err := worker.Open(worker.Options{
		Queue: theirs, Name: "w1", Routes: []worker.Route{{Name: "video", Backend: s.p}}, Dir: t.TempDir(), Log: testLog(t), Beat: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait(); w.Close() })
	var ticket string
	req := s.request(1, &ticket)
	req.References = s.picture()
	s.want(s.start(t.Context(), req), req)
	pictures := s.pictures(req.Call.Key, 1)
	s.gen.Committed(t.Context(), ticket)
	s.gone("with the agent's key", pictures)
	for s.gen.Check(t.Context()) != nil { // the worker is shown in a moment
	}
	if f, err := s.q.Examine(t.Context(), natsq.Uses{Routes: []string{"video", "other"}, Lease: true, Requests: true}, natsq.Lacking{}); err != nil || f.Replicas != 1 {
		t.Errorf("the agent examines %+v, %v", f, err)
	}
	if _, err := s.q.Latest(t.Context(), "video", "none"); !errors.Is(err, natsq.ErrAbsent) {
		t.Errorf("the agent reads what is not there: %v", err)
	}
	s.refused(theirs)
}

// refused checks what the worker of route video may not do, and the agent neither. A server
// does not answer what it refuses.
func (s *site) refused(theirs *natsq.Queue) {
	path := filepath.Join(s.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("of another route"), 0o600); err != nil {
		s.Fatal(err)
	}
	file, err := s.q.PutFile(s.Context(), natsq.BucketIn("other"), "k/1", path)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.q.Create(s.Context(), "other", "k", natsq.Record{State: natsq.Wanted}); err != nil {
		s.Fatal(err)
	}
	if err := s.q.Publish(s.Context(), "a", "other", "k", []byte("{}")); err != nil {
		s.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	takes := func(q *natsq.Queue) error {
		d, err := q.Fetch(s.Context(), "other", time.Second)
		if err == nil && d == nil {
			err = errors.New("no call comes")
		}
		return err
	}
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	var trying sync.WaitGroup
	for what, try := range map[string]func() error{
		"the worker reads files of another route":  func() error { return theirs.GetFile(ctx, natsq.BucketIn("other"), file, path+".copy") },
		"the worker stores files of another route": func() error { return second(theirs.PutFile(ctx, natsq.BucketOut("other"), "k/1", path)) },
		"the worker writes records of another route": func() error {
			return second(theirs.Create(ctx, "other", "k2", natsq.Record{State: natsq.Wanted}))
		},
		"the worker reads records of another route": func() error { return second(theirs.Get(ctx, "other", "k")) },
		"the worker takes calls of another route":   func() error { return takes(theirs) },
		"the worker shows another one":              func() error { return theirs.Show(ctx, natsq.Worker{Name: "w2", Route: "video"}) },
		"the worker hands out calls":                func() error { return theirs.Publish(ctx, "a", "video", "k2", []byte("{}")) },
		"the worker changes the setup":              func() error { return theirs.Setup(ctx, natsq.SetupOptions{Routes: []string{"more"}}) },
		"the agent changes the setup":               func() error { return s.q.Setup(ctx, natsq.SetupOptions{Routes: []string{"more"}}) },
		"the agent takes calls from a queue":        func() error { return takes(s.q) },
		"the agent shows a worker":                  func() error { return s.q.Show(ctx, natsq.Worker{Name: "w2", Route: "video"}) },
		"the agent hands out calls of other routes": func() error { return s.q.Publish(ctx, "a", "more", "k3", []byte("{}")) },
	} {
		trying.Go(func() {
			if try() == nil {
				s.Error(what)
			}
		})
	}
	trying.Wait()
}

// The lease of an agent is for agents alone.
func TestAWorkerCannotTouchALease(t *testing.T) {
	t.Parallel()
	owner, asOwner := user(t, "setup", natsq.SetupPermissions("setup"))
	agent, asAgent := user(t, "agent", natsq.AgentPermissions("agent", nil))
	own, asWorker := user(t, "w1", natsq.WorkerPermissions("w1", []string{"video"}))
	_, url := natstest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{owner, agent, own} })
	open := func(o natsq.Options) *natsq.Queue { return natstest.OpenAs(t, url, o) }
	if err := open(asOwner).Setup(t.Context(), natsq.SetupOptions{}); err != nil {
		t.Fatal(err)
	}
	lease := open(asAgent).LeaseOf("a")
	revision, err := lease.CreateLease(t.Context(), fence.Lease{Epoch: 1, Host: "north"})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := lease.Lease(t.Context()); err != nil || e.Host != "north" {
		t.Errorf("the agent reads %+v, %v", e, err)
	}
	if _, err := open(asWorker).LeaseOf("a").ChangeLease(t.Context(), fence.Lease{Epoch: 2, Host: "w1"}, revision); err == nil {
		t.Error("a worker has taken the lease")
	}
	if _, err := lease.ChangeLease(t.Context(), fence.Lease{Epoch: 1, Host: "north"}, revision); err != nil {
		t.Errorf("the agent cannot renew it: %v", err)
	}
}

// What agents on one address count together is for agents alone.
func TestAWorkerCannotTouchTheCountOfAgents(t *testing.T) {
	t.Parallel()
	owner, asOwner := user(t, "setup", natsq.SetupPermissions("setup"))
	agent, asAgent := user(t, "agent", natsq.AgentPermissions("agent", nil))
	own, asWorker := user(t, "w1", natsq.WorkerPermissions("w1", []string{"video"}))
	_, url := natstest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{owner, agent, own} })
	open := func(o natsq.Options) *natsq.Queue {
		o.Wait = 2 * time.Second
		return natstest.OpenAs(t, url, o)
	}
	if err := open(asOwner).Setup(t.Context(), natsq.SetupOptions{}); err != nil {
		t.Fatal(err)
	}
	count := open(asAgent).Requests()
	revision, err := count.Put(t.Context(), []byte("{}"), 0)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := count.Get(t.Context()); err != nil || v.Revision != revision || v.Age > time.Hour {
		t.Errorf("the agent reads %+v, %v", v, err)
	}
	theirs := open(asWorker).Requests()
	if _, err := theirs.Put(t.Context(), []byte("{}"), revision); err == nil {
		t.Error("a worker has written the count")
	}
	if _, err := theirs.Get(t.Context()); err == nil {
		t.Error("a worker has read the count")
	}
	if _, err := count.Put(t.Context(), []byte(`{"v":1}`), revision); err != nil {
		t.Errorf("the agent cannot write it: %v", err)
	}
}
