package natsq_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
)

func TestExamineShowsWhetherAPowerCutLosesMessages(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{false, true} {
		s, url := natstest.Start(t, func(o *server.Options) { o.SyncAlways, o.HTTPHost, o.HTTPPort = always, "127.0.0.1", -1 })
		q := natstest.Open(t, url, "agent")
		uses := natsq.Uses{Routes: []string{"video"}}
		want := []string{"the stream GEN", "the bucket gen_state", "the bucket gen_workers", "the bucket gen_in_video", "the bucket gen_out_video"}
		if got, err := q.Examine(t.Context(), uses, natsq.Lacking{}); err != nil || !slices.Equal(got.Missing, want) {
			t.Errorf("before the setup: %q, %v", got.Missing, err)
		}
		if err := q.Setup(t.Context(), natsq.SetupOptions{Routes: []string{"video"}}); err != nil {
			t.Fatal(err)
		}
		got, err := q.Examine(t.Context(), uses, natsq.Lacking{})
		if err == nil {
			err = got.Monitor(t.Context(), "http://"+s.MonitorAddr().String())
		}
		if err != nil || len(got.Missing)+len(got.Unseen) > 0 || got.Syncs != always || !got.Monitored || got.Replicas != 1 || !got.Recent || got.Skew.Abs() > time.Minute {
			t.Errorf("got %+v, %v, want sync_always %t", got, err, always)
		}
	}
}

func TestServersThatNoMonitorShowsAreNamed(t *testing.T) {
	t.Parallel()
	s, _ := natstest.Start(t, func(o *server.Options) { o.ServerName, o.HTTPHost, o.HTTPPort = "n2", "127.0.0.1", -1 })
	f := natsq.Found{Unseen: []string{"n1", "n2", "n3"}}
	if err := f.Monitor(t.Context(), "http://127.0.0.1:1"); err == nil || f.Monitored || len(f.Unseen) != 3 {
		t.Errorf("without a monitor: %+v, %v", f, err)
	}
	if err := f.Monitor(t.Context(), "http://"+s.MonitorAddr().String()+"/"); err != nil || !slices.Equal(f.Unseen, []string{"n1", "n3"}) {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestARecordChangesOnlyAsItsStatesAllow(t *testing.T) {
	t.Parallel()
	q, _ := natstest.Ready(t, "video")
	wanted, err := q.Create(t.Context(), "video", "k", natsq.Record{State: natsq.Wanted})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Create(t.Context(), "video", "k", natsq.Record{State: natsq.Wanted}); !errors.Is(err, natsq.ErrChanged) {
		t.Errorf("a second record: %v", err)
	}
	if _, err := q.Change(t.Context(), wanted, natsq.Record{State: natsq.Submitted}); err == nil || errors.Is(err, natsq.ErrChanged) {
		t.Errorf("submitted before it was called: %v", err)
	}
	first, err := q.Change(t.Context(), wanted, natsq.Record{State: natsq.Calling, Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, late := range []natsq.State{natsq.Calling, natsq.Cancelled} {
		if _, err := q.Change(t.Context(), wanted, natsq.Record{State: late, Worker: "w2"}); !errors.Is(err, natsq.ErrChanged) {
			t.Errorf("%s after another has claimed it: %v", late, err)
		}
	}
	done, err := q.Change(t.Context(), first, natsq.Record{State: natsq.Done})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Change(t.Context(), done, natsq.Record{State: natsq.Unknown}); err == nil {
		t.Error("a result became unknown")
	}
}

func TestNoServerElsewhereIsReachedInPlainText(t *testing.T) {
	t.Parallel()
	for address, insecure := range map[string]bool{
		"nats://127.0.0.1:4222": false, "nats://localhost": false, "nats://[::1]:4222": false, "tls://nats.example.com": false,
		"nats://nats.example.com": true, "nats://10.0.0.1:4222": true, "nats.example.com:4222": true,
	} {
		if natsq.Insecure(address) != insecure {
			t.Errorf("%s: want %t", address, insecure)
		}
	}
	if _, err := natsq.Open(natsq.Options{URLs: []string{"nats://10.0.0.1:4222"}, Name: "x"}); err == nil || !strings.Contains(err.Error(), "plain text") {
		t.Errorf("got %v", err)
	}
}
