// Package natstest runs servers of NATS inside tests. The program never links it.
package natstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"atelierd/internal/natsq"
)

// Start runs a server with JetStream that keeps its data in a folder of the test, and
// returns it with its address.
func Start(t testing.TB, change ...func(*server.Options)) (*server.Server, string) {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	for _, set := range change {
		set(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { Stop(s) })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server of NATS does not start")
	}
	return s, fmt.Sprintf("nats://127.0.0.1:%d", port(o, s))
}

// port returns the port at which a server listens.
func port(o *server.Options, s *server.Server) int {
	if o.Port > 0 {
		return o.Port
	}
	var n int
	_, _ = fmt.Sscanf(s.ClientURL(), "nats://127.0.0.1:%d", &n)
	return n
}

// Stop ends a server and waits for it.
func Stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// Open connects to a server until the test ends.
func Open(t testing.TB, url, name string) *natsq.Queue {
	t.Helper()
	return OpenAs(t, url, natsq.Options{Name: name})
}

// OpenAs connects to a server with other options, such as a key, until the test ends.
func OpenAs(t testing.TB, url string, o natsq.Options) *natsq.Queue {
	t.Helper()
	o.URLs = []string{url}
	q, err := natsq.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// Ready runs a server with the queues of routes, and returns a connection to it with its
// address.
func Ready(t testing.TB, routes ...string) (q *natsq.Queue, url string) {
	t.Helper()
	_, url = Start(t)
	q = Open(t, url, "agent")
	if err := q.Setup(t.Context(), natsq.SetupOptions{Routes: routes, AckWait: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	return q, url
}

// raw returns a bare connection to a server until the test ends.
func raw(t testing.TB, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// Publish puts a message into a stream.
func Publish(t testing.TB, url, subject, id string, text []byte) {
	t.Helper()
	if _, err := raw(t, url).Publish(t.Context(), subject, text, jetstream.WithMsgID(id)); err != nil {
		t.Fatal(err)
	}
}

// Wipe removes all streams and buckets.
func Wipe(t testing.TB, url string) {
	t.Helper()
	js := raw(t, url)
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
}

// States returns how many messages and consumers each stream has, and the number of its newest.
func States(t testing.TB, url string) map[string]string {
	t.Helper()
	list, states := raw(t, url).ListStreams(t.Context()), map[string]string{}
	for info := range list.Info() {
		states[info.Config.Name] = fmt.Sprintf("%d messages, %d consumers, newest %d", info.State.Msgs, info.State.Consumers, info.State.LastSeq)
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return states
}

// Queued returns how many calls are queued or were taken and not ended.
func Queued(t testing.TB, url string) int {
	t.Helper()
	s, err := raw(t, url).Stream(t.Context(), natsq.StreamJobs)
	if err != nil {
		t.Fatal(err)
	}
	return int(s.CachedInfo().State.Msgs)
}
