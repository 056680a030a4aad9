package natsq

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Found is what Examine finds.
type Found struct {
	// Server is the version of the server.
	Server string
	// Recent: it is at least the oldest version that is supported, 2.12.
	Recent bool
	// Replicas is the least number of servers that keep the calls and their records.
	Replicas int
	// Syncs: the server writes each message to the disk before it acknowledges it. It is
	// known if Monitored.
	Syncs, Monitored bool
	// Skew is by how much the server's clock is ahead of this machine's.
	Skew time.Duration
}

// Examine looks at the server and at what Setup has created. monitor is the address at which
// a server shows its state, or empty.
func (q *Queue) Examine(ctx context.Context, monitor string) (Found, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	f := Found{Server: q.nc.ConnectedServerVersion()}
	f.Recent = recent(f.Server)
	for _, name := range []string{StreamJobs, "KV_" + BucketState} {
		before := time.Now()
		s, err := q.js.Stream(ctx, name)
		if err != nil {
			return f, missing(err)
		}
		info := s.CachedInfo()
		if n := info.Config.Replicas; f.Replicas == 0 || n < f.Replicas {
			f.Replicas = n
		}
		f.Skew = info.TimeStamp.Sub(before.Add(time.Since(before) / 2))
	}
	if monitor == "" {
		return f, nil
	}
	var err error
	f.Syncs, err = syncs(ctx, monitor)
	f.Monitored = err == nil
	return f, err
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

// syncs asks a server whether it writes each message to the disk at once.
func syncs(ctx context.Context, monitor string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(monitor, "/")+"/jsz", nil)
	if err != nil {
		return false, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	var shown struct {
		Config *struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&shown); err != nil || shown.Config == nil {
		return false, fmt.Errorf("the server's state cannot be read there (status %d)", resp.StatusCode)
	}
	return shown.Config.SyncAlways, nil
}
