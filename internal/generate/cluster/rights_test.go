package cluster_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

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
	all := natsq.Permissions{Publish: []string{">"}, Subscribe: []string{">"}}
	owner, asOwner := user(t, "owner", all)
	agent, asAgent := user(t, "agent", natsq.AgentPermissions("agent"))
	own, asWorker := user(t, "w1", natsq.WorkerPermissions("w1", []string{"video"}))
	_, url := natstest.Start(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{owner, agent, own} })
	open := func(o natsq.Options) *natsq.Queue {
		o.URLs = []string{url}
		q, err := natsq.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { q.Close() })
		return q
	}
	if err := open(asOwner).Setup(t.Context(), natsq.SetupOptions{Routes: []string{"video", "other"}}); err != nil {
		t.Fatal(err)
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
	s.gen.Committed(t.Context(), ticket)
	for s.gen.Check(t.Context()) != nil { // the worker is shown in a moment
	}

	if _, err := theirs.Create(t.Context(), "other", "k", natsq.Record{State: natsq.Wanted}); err == nil {
		t.Error("the worker writes records of another route")
	}
	if _, err := s.q.Create(t.Context(), "other", "k", natsq.Record{State: natsq.Wanted}); err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Get(t.Context(), "other", "k"); err == nil {
		t.Error("the worker reads records of another route")
	}
	if d, err := theirs.Fetch(t.Context(), "other", time.Second); err == nil {
		t.Errorf("the worker takes calls of another route: %v", d)
	}
	if err := theirs.Publish(t.Context(), "a", "video", "k2", []byte("{}")); err == nil {
		t.Error("the worker hands out calls")
	}
	if err := theirs.Setup(t.Context(), natsq.SetupOptions{Routes: []string{"more"}}); err == nil {
		t.Error("the worker changes the setup")
	}
}
