package main

import (
	"context"
	"errors"
	"os/signal"
	"syscall"

	"atelierd/internal/store"
)

// onceCmd is one heartbeat.
type onceCmd struct{}

func (onceCmd) Help() string {
	return `For a scheduler that calls it now and then instead of a daemon that runs. It
polls once, does what can be done now, and stops. It says nothing and exits with
0 when a daemon is running on the same data folder. Work that has to wait, for a
retry or a request count, is taken up by a later heartbeat.`
}

func (onceCmd) Run(p *program) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ready, err := p.prepare(ctx, false)
	if errors.Is(err, store.ErrLocked) {
		return errQuiet
	}
	if err != nil {
		return err
	}
	defer ready.st.Close()
	return heartbeat(ctx, ready)
}

func heartbeat(ctx context.Context, r *prepared) error {
	b, err := newBudget(r.cfg, r.st, r.log)
	if err != nil {
		return err
	}
	c, err := newClient(r.cfg, r.keys, b, transport{})
	if err != nil {
		return err
	}
	if err := r.shop.gens.begin(r.st, r.log); err != nil {
		return err
	}
	e := newEngine(r.cfg, r.st, newFulfiller(r.cfg, r.st, c, b, r.shop, r.log), r.log)
	threads := newThreads(r.cfg, r.st, c, r.log)
	notify(r.st, e, threads)
	poll := newPoller(r.cfg, r.st, c, b, e, r.keys, r.log)
	// The parts fail apart: a failed poll delays none of the work that is known
	// already, and a service that cannot be listed no order.
	pollErr := poll.Poll(ctx)
	if pollErr != nil && exitCode(pollErr) == exitCredentials {
		return pollErr // nothing else would fare better
	}
	_, setupErr := newSetup(r.cfg, r.st, c, r.shop, poll, r.log).Once(ctx)
	_, threadErr := threads.Once(ctx)
	huntErr := newBountyWatcher(r.cfg, r.st, c, r.log).Once(ctx)
	return errors.Join(pollErr, setupErr, threadErr, huntErr, e.RunUntilIdle(ctx))
}
