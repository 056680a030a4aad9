package budget_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/natsq"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
	"atelierd/internal/testdir"
)

// together are agents on one address that share its count.
type together []*world

// newTogether must be called in a synctest bubble. Each agent has one of dirs. Without the
// folder shared they count in a bucket.
func newTogether(t *testing.T, dirs []string, shared string, o sandbox.Options) together {
	t.Helper()
	first := newWorld(t, dirs[0], o)
	if first.shared = shared; shared == "" {
		first.cell = &cell{}
	}
	all := together{first}
	for i, dir := range dirs[1:] {
		all = append(all, first.join(dir, fmt.Sprintf("tester %d", i+2)))
	}
	return all
}

// inPlaces runs a test with a count in a folder and with one in a bucket, which has none.
func inPlaces(t *testing.T, f func(t *testing.T, folder string)) {
	t.Helper()
	for name, folder := range map[string]string{"in a folder": testdir.New(t), "in a bucket": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, folder)
		})
	}
}

// cell is a bucket of NATS that takes no time.
type cell struct {
	mu sync.Mutex
	natsq.Value
	at time.Time
}

// Get implements shared.Cell.
func (c *cell) Get(context.Context) (natsq.Value, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Revision == 0 {
		return natsq.Value{}, natsq.ErrAbsent
	}
	c.Age = time.Since(c.at)
	return c.Value, nil
}

// Put implements shared.Cell.
func (c *cell) Put(_ context.Context, text []byte, revision uint64) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision != c.Revision {
		return 0, natsq.ErrChanged
	}
	c.Text, c.at = text, time.Now()
	c.Revision++
	return c.Revision, nil
}

// share is what one agent got of an hour.
type share struct{ polls, delivered int }

// split returns what each agent got of each window of the marketplace.
func (all together) split() (list []map[string]share, hours []hour) {
	hours = all[0].hours()
	list = make([]map[string]share, len(hours))
	for i := range list {
		list[i] = map[string]share{}
	}
	at := -1
	for _, r := range all[0].market.Requests() {
		for at+1 < len(hours) && !r.At.Before(hours[at+1].began) {
			at++
		}
		if at < 0 || r.Status != http.StatusOK {
			continue
		}
		parts := strings.Split(r.Path, "/") // api, orders or agents, an id
		agent := parts[min(3, len(parts)-1)]
		if r.Call == sandbox.CallDeliver {
			agent = all[0].placed[agent]
		}
		s := list[at][agent]
		switch r.Call {
		case sandbox.CallOrders:
			s.polls++
		case sandbox.CallDeliver:
			s.delivered++
		}
		list[at][agent] = s
	}
	return list, hours
}

// text is what each agent got, for the log of a test.
func (all together) text() (text string) {
	list, hours := all.split()
	for i, h := range hours {
		text += h.String() + ":"
		for _, w := range all {
			s := list[i][w.creds.AgentID]
			text += fmt.Sprintf("  %d polls %d delivered", s.polls, s.delivered)
		}
		text += "\n"
	}
	return text
}

func dirs(t *testing.T, n int) (list []string) {
	for range n {
		list = append(list, storetest.Dir(t))
	}
	return list
}

// Thirty requests are three polls or more, and an upload and a delivery for each order.
func TestThreeAgentsWithABacklogGetTheSameOfASharedCount(t *testing.T) {
	t.Parallel()
	inPlaces(t, func(t *testing.T, folder string) { threeWithABacklog(t, dirs(t, 3), folder) })
}

func threeWithABacklog(t *testing.T, dirs []string, folder string) {
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, folder, sandbox.Options{})
		for _, w := range all {
			w.place(60)
			w.start()
		}
		time.Sleep(4*time.Hour + time.Minute)
		list, hours := all.split()
		sum := map[string]int{}
		for i, h := range hours[:4] { // in the first one they learn of the one count, each for itself at worst
			if h.delivered < 11 || i == 0 && h.refused > 2*len(all) || i > 0 && h.refused > 0 {
				t.Errorf("window %d: %s; want 11 or more delivered, and none refused after the first", i+1, h)
			}
			for _, w := range all {
				got := list[i][w.creds.AgentID].delivered
				if sum[w.creds.AgentID] += got; got < 3 {
					t.Errorf("window %d: an agent delivered %d of %d", i+1, got, h.delivered)
				}
			}
		}
		// What is uploaded in one window may be delivered in the next.
		counts := slices.Sorted(maps.Values(sum))
		if least, most := counts[0], counts[len(counts)-1]; most-least > 4 {
			t.Errorf("in four windows one agent delivered %d and another %d", least, most)
		}
		t.Log("\n" + all.text())
	})
}

// One agent could use everything, one has an order each twenty minutes, and one has none.
func TestABusyAgentStarvesNobody(t *testing.T) {
	t.Parallel()
	dirs, folder := dirs(t, 3), testdir.New(t)
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, folder, sandbox.Options{})
		busy, steady, idle := all[0], all[1], all[2]
		busy.place(100)
		for _, w := range all {
			w.start()
		}
		for range 5 * 3 {
			steady.place(1)
			time.Sleep(20 * time.Minute)
		}
		list, hours := all.split()
		sum := map[string]share{}
		for i, h := range hours[1:5] {
			if h.refused > 0 || h.delivered < 10 {
				t.Errorf("window %d: %s; want 10 or more delivered, and none refused", i+2, h)
			}
			for _, w := range all {
				got := list[i+1][w.creds.AgentID]
				s := sum[w.creds.AgentID]
				s.delivered, s.polls = s.delivered+got.delivered, s.polls+got.polls
				sum[w.creds.AgentID] = s
				if got.polls == 0 {
					t.Errorf("window %d: an agent did not poll", i+2)
				}
			}
		}
		if got := sum[steady.creds.AgentID].delivered; got < 9 { // what comes late in a window waits for the next one
			t.Errorf("the steady agent delivered %d of 12 orders in four hours", got)
		}
		if got := sum[busy.creds.AgentID].delivered; got < 28 {
			t.Errorf("the busy agent delivered %d in four hours", got)
		}
		if got := sum[idle.creds.AgentID].polls; got < 4 || got > 12 {
			t.Errorf("the idle agent polled %d times in four hours", got)
		}
		t.Log("\n"+all.text(), slices.Collect(maps.Values(sum)))
	})
}

func TestIdleAgentsPollAsOftenAsTheReserveAllows(t *testing.T) {
	t.Parallel()
	dirs, folder := dirs(t, 3), testdir.New(t)
	synctest.Test(t, func(t *testing.T) {
		all := newTogether(t, dirs, folder, sandbox.Options{})
		for _, w := range all {
			w.start()
		}
		time.Sleep(4*time.Hour + time.Minute)
		list, hours := all.split()
		for i, h := range hours[:4] {
			if h.refused > 0 || h.polls < 15 || h.polls > 30-all[0].limits.Reserve+3 {
				t.Errorf("window %d: %s", i+1, h)
			}
			for _, w := range all {
				if got := list[i][w.creds.AgentID].polls; got < 4 {
					t.Errorf("window %d: an agent polled %d times", i+1, got)
				}
			}
		}
		t.Log("\n" + all.text())
	})
}
