package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/fence"
	"atelierd/internal/ledger"
	"atelierd/internal/natsq"
	"atelierd/internal/order"
)

// This file is the lease by which no two hosts work as one agent.

// lease is the lease of this process, with its connection.
type lease struct {
	queue *natsq.Queue
	fence *fence.Fence
}

// takeLease takes the lease of the agent. o says what this host knows of the ledger.
func (a *App) takeLease(ctx context.Context, b order.Boot, o fence.Options) (fence.Taken, error) {
	folder, err := filepath.Abs(a.o.Config.DataDir)
	if err != nil {
		return fence.Taken{}, err
	}
	q, err := natsq.Open(NATSOptions(a.o.Config.NATS, agentName, a.o.Log))
	if err != nil {
		return fence.Taken{}, hintf(fmt.Errorf("the lease of the agent cannot be taken: %w", err), "see whether the servers of nats.urls run and know the nkey; %s checks them", order.Command("doctor"))
	}
	a.o.Service.Starts("taking the lease of the agent", openWithin)
	o.Key = q.LeaseOf(a.credentials.AgentID())
	o.Self = fence.Lease{Epoch: b.Epoch, Host: b.Host, Folder: folder, Process: rand.Text()}
	o.Takeover, o.Beat, o.Dead = a.o.Takeover, leaseTimes.beat, leaseTimes.dead
	o.Changed, o.Log, o.Memory = a.leaseChanged, a.o.Log, leaseMemory{folder}
	f, taken, err := fence.Take(ctx, o)
	if err != nil {
		_ = q.Close()
		return taken, fmt.Errorf("the lease of the agent cannot be taken: %w", err)
	}
	a.lease.Store(&lease{q, f})
	a.o.Log.Info("the lease of the agent is taken", "host", b.Host, "epoch", taken.Epoch)
	return taken, a.store.SetAlert(order.AlertLease, "")
}

// leaseMemory is what a data folder remembers of the lease.
type leaseMemory struct{ dir string }

// Recall implements fence.Memory.
func (l leaseMemory) Recall() (m fence.Memo, err error) {
	err = ledger.ReadMemo(l.dir, &m)
	return m, err
}

// Keep implements fence.Memory.
func (l leaseMemory) Keep(m fence.Memo) error { return ledger.WriteMemo(l.dir, m) }

// takeOverWith returns what this process begins with once it holds the lease.
func (a *App) takeOverWith(ctx context.Context, b order.Boot, continues bool) (order.Boot, error) {
	taken, err := a.takeLease(ctx, b, fence.Options{Continues: continues})
	if err != nil {
		return b, err
	}
	b.Epoch, b.Restored = taken.Epoch, cmp.Or(b.Restored, taken.Restored)
	if a.o.Takeover {
		b.Restored = cmp.Or(b.Restored, fmt.Sprintf("host %s takes over", b.Host))
	}
	return b, nil
}

// fenceNewcomer takes the lease of an agent that was registered just now.
func (a *App) fenceNewcomer(ctx context.Context) error {
	if !a.o.Config.NATS.Lease || a.lease.Load() != nil {
		return nil
	}
	_, err := a.takeLease(ctx, order.Boot{Host: HostName(a.o.Getenv), Epoch: 1}, fence.Options{Continues: true, First: true})
	return err
}

// leaseChanged shows the owner that the lease cannot be renewed, or with "" that it is again.
func (a *App) leaseChanged(why string) {
	if why != "" {
		a.o.Log.Error("the lease is not renewed; new paid calls, deliveries, quotes and messages wait", "reason", why)
	} else {
		a.o.Log.Info("the lease is renewed again")
	}
	err := a.store.SetAlert(order.AlertLease, why)
	if err == nil && why == "" {
		err = a.store.RunNow(order.CodeLease)
	}
	if err != nil {
		a.o.Log.Warn("write to the store failed", "error", err)
	}
}

// held is nil while this process may pay and send. A process without a lease may.
func (a *App) held() error {
	if l := a.lease.Load(); l != nil {
		return l.fence.Held()
	}
	return nil
}

// leaseLost gets the reason once another host holds the lease.
func (a *App) leaseLost() <-chan error {
	if l := a.lease.Load(); l != nil {
		return l.fence.Lost()
	}
	return nil
}

// releaseWithin is how long a stop waits until the lease is released.
const releaseWithin = 5 * time.Second

// releaseLease lets another host begin. Call it when nothing is sent any more.
func (a *App) releaseLease() {
	l := a.lease.Load()
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseWithin)
	defer cancel()
	l.fence.Release(ctx)
	_ = l.queue.Close()
}

// fencedMeter counts requests, and lets none change anything while the lease is not held.
type fencedMeter struct {
	atelier.Meter
	held func() error
}

// Take allows a request.
func (m fencedMeter) Take(ctx context.Context, call order.RequestKind, orderID string) (func(order.Answer), error) {
	if call == order.RequestPoll || call == order.RequestRead {
		return m.Meter.Take(ctx, call, orderID)
	}
	if err := m.held(); err != nil {
		return nil, err
	}
	done, err := m.Meter.Take(ctx, call, orderID) // it writes to the disk, which takes time
	if err != nil {
		return nil, err
	}
	if err := m.held(); err != nil {
		done(order.Answer{})
		return nil, err
	}
	return done, nil
}

// AwaitLease waits until the lease of the agent may be taken, and calls show with what it
// sees while it waits. With once it only looks.
func AwaitLease(ctx context.Context, cfg *config.Config, getenv func(string) string, once bool, show func(fence.Entry)) (fence.Entry, error) {
	c, known, err := FindCredentials(cfg, getenv)
	if err != nil {
		return fence.Entry{}, err
	}
	if !known {
		return fence.Entry{}, hintf(errors.New("there are no credentials, so the agent is unknown"), "restore a backup of the agent first")
	}
	q, err := natsq.Open(NATSOptions(cfg.NATS, agentName, slog.New(slog.DiscardHandler)))
	if err != nil {
		return fence.Entry{}, err
	}
	defer q.Close()
	return fence.Await(ctx, q.LeaseOf(c.AgentID()), cmp.Or(leaseTimes.dead, fence.Dead), once, show)
}
