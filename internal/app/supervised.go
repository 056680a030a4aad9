package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/order"
)

// This file holds what the service manager is shown of a running daemon.

const (
	// openWithin is how long the data folder may take to open. An upgrade copies and
	// rewrites the database.
	openWithin = time.Hour
	// waitWithin is how long one try may take of what the start waits for.
	waitWithin = 5 * time.Minute
	// closeWithin is how long the database may take to close after the loops have stopped.
	closeWithin = 30 * time.Second
	// statusEvery is the time between two looks at what the status line shows.
	statusEvery = 10 * time.Second
)

// feedWatchdog says that the daemon is alive as long as every loop turns.
func (a *App) feedWatchdog(ctx context.Context) error {
	watched := a.o.Service.Watchdog()
	if watched == 0 {
		beat.Idle(ctx)
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		if a.activity.stuck() == "" {
			a.o.Service.Alive()
		}
		// Twice in that time, so that one delay ends nothing.
		beat.Sleep(ctx, watched/2, nil)
	}
	return nil
}

// showStatus keeps the status line current.
func (a *App) showStatus(ctx context.Context) error {
	if a.o.Service == nil {
		beat.Idle(ctx)
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		a.o.Service.Status(a.statusLine(ctx))
		beat.Sleep(ctx, statusEvery, nil)
	}
	return nil
}

// statusLine is what the daemon does, in one line.
func (a *App) statusLine(ctx context.Context) string {
	if hangs := a.activity.stuck(); hangs != "" {
		return "hangs: " + hangs
	}
	limited, cancel := beat.Timeout(ctx, writeWithin)
	defer cancel()
	var parts []string
	if m, err := a.store.Measures(limited); err != nil {
		parts = append(parts, "the database cannot be read")
	} else {
		waits := 0
		for _, n := range m.Alerts {
			waits += n
		}
		parts = append(parts, counted(m.Orders[order.StateWorking], "order")+" in work")
		if waits > 0 {
			parts = append(parts, counted(waits, "thing")+" to see in "+order.Command("status"))
		}
	}
	if silent := a.measured.silent(a.config().PollWithin()); silent != "" {
		parts = append(parts, silent)
	} else {
		parts = append(parts, "polled at "+a.measured.lastPoll().Local().Format("15:04"))
	}
	return strings.Join(parts, "; ")
}

// counted is a number of things: no order, 1 order, 2 orders.
func counted(n int, of string) string {
	switch n {
	case 0:
		return "no " + of
	case 1:
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
