package natsq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Found is what Examine finds.
type Found struct {
	// Server is the version of the server.
	Server string
	// Recent means that this is at least version 2.12, the oldest that is supported.
	Recent bool
	// Missing are the streams, queues and buckets that are not there.
	Missing []string
	// Replicas is the least number of servers that keep the calls, their records and files.
	Replicas int
	// Syncs: the server writes each message to the disk before it acknowledges it. It is
	// known if Monitored.
	Syncs, Monitored bool
	// Unseen are the servers that keep something and were not asked whether they do so.
	Unseen []string
	// Skew is by how much the server's clock is ahead of this machine's.
	Skew time.Duration
}

// Examine looks at the server and at what Setup has created for an agent. What the agent has no
// right to look at is left out.
func (q *Queue) Examine(ctx context.Context, u Uses, l Lacking) (Found, error) {
	f := Found{Server: q.nc.ConnectedServerVersion()}
	f.Recent = recent(f.Server)
	for _, s := range u.streams() {
		if l.Lacks(api + "STREAM.INFO." + s.name) {
			continue // no answer would come
		}
		if err := q.examine(ctx, s, &f); err != nil {
			return f, err
		}
	}
	for _, route := range u.Routes {
		if l.Lacks(queueOf(route)) || slices.Contains(f.Missing, "the stream "+StreamJobs) {
			continue
		}
		in, cancel := q.within(ctx)
		_, err := q.js.Consumer(in, StreamJobs, route)
		cancel()
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			f.Missing, err = append(f.Missing, "the queue of route "+route), nil
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// Monitor asks a server, at the address of its HTTP monitor, whether it writes each message to
// the disk at once.
func (f *Found) Monitor(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, monitorTimeout)
	defer cancel()
	syncs, name, err := syncs(ctx, address)
	if f.Syncs, f.Monitored = syncs, err == nil; f.Monitored {
		f.Unseen = slices.DeleteFunc(f.Unseen, func(s string) bool { return s == name })
	}
	return err
}

// monitorTimeout limits the questions to a monitor.
const monitorTimeout = 10 * time.Second

// stream is one that Setup creates.
type stream struct{ name, what string }

// streams returns what Setup creates for an agent.
func (u Uses) streams() []stream {
	buckets := []string{BucketState, BucketWorkers}
	if u.Lease {
		buckets = append(buckets, BucketAgents)
	}
	if u.Requests {
		buckets = append(buckets, BucketRequests)
	}
	list := []stream{{StreamJobs, "the stream " + StreamJobs}}
	for _, b := range buckets {
		list = append(list, stream{"KV_" + b, "the bucket " + b})
	}
	for _, route := range u.Routes {
		for _, b := range []string{BucketIn(route), BucketOut(route)} {
			list = append(list, stream{"OBJ_" + b, "the bucket " + b})
		}
	}
	return list
}

// examine looks at a stream.
func (q *Queue) examine(ctx context.Context, s stream, f *Found) error {
	ctx, cancel := q.within(ctx)
	defer cancel()
	before := time.Now()
	there, err := q.js.Stream(ctx, s.name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		f.Missing = append(f.Missing, s.what)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s cannot be looked at: %w", s.what, err)
	}
	info := there.CachedInfo()
	if n := info.Config.Replicas; f.Replicas == 0 || n < f.Replicas {
		f.Replicas = n
	}
	f.Skew = info.TimeStamp.Sub(before.Add(time.Since(before) / 2))
	if info.Cluster == nil {
		return nil
	}
	names := []string{info.Cluster.Leader}
	for _, r := range info.Cluster.Replicas {
		names = append(names, r.Name)
	}
	for _, name := range names {
		if name != "" && !slices.Contains(f.Unseen, name) {
			f.Unseen = append(f.Unseen, name)
		}
	}
	slices.Sort(f.Unseen)
	return nil
}

// recent reports whether a version is 2.12 or later.
func recent(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, _ := strconv.Atoi(parts[0]) // 0 is old
	minor, _ := strconv.Atoi(parts[1])
	return major > 2 || major == 2 && minor >= 12
}

// syncs asks a server whether it writes each message to the disk at once, and for its name.
func syncs(ctx context.Context, monitor string) (always bool, name string, err error) {
	var shown struct {
		Config *struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := state(ctx, monitor, "/jsz", &shown); err != nil {
		return false, "", err
	}
	if shown.Config == nil {
		return false, "", errors.New("the server's state cannot be read there: it shows no JetStream")
	}
	var self struct {
		Name string `json:"server_name"`
	}
	err = state(ctx, monitor, "/varz", &self)
	return shown.Config.SyncAlways, self.Name, err
}

// state reads a page of the monitor of a server.
func state(ctx context.Context, monitor, page string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(monitor, "/")+page, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into); err != nil {
		return fmt.Errorf("the server's state cannot be read there (status %d)", resp.StatusCode)
	}
	return nil
}
