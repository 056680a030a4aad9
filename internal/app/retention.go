package app

import (
	"context"
	"log/slog"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/retention"
	"atelierd/internal/store"
	"atelierd/internal/thumb"
)

func newRetention(b base, w waits) *retention.Loop { return retention.New(retentionOptions(b, w)) }

func retentionOptions(b base, w waits) retention.Options {
	o := retentionOf(b.Config, b.Store, b.Log)
	if s := b.App.live.Load().services.storage; s != nil {
		o.Storage, o.KeepStored = s, b.Config.Storage.Keep
	}
	o.Ready = w.Gate.Ready
	return o
}

// retentionOf is how a configuration has history removed, by the daemon or by a command.
func retentionOf(cfg *config.Config, st *store.Store, log *slog.Logger) retention.Options {
	h := cfg.History
	return retention.Options{
		Store: st, Dir: cfg.DataDir, WorkDir: fulfill.WorkDir, FilesDir: fulfill.FilesDir,
		Keep: map[order.HistoryPart]time.Duration{
			order.HistoryFiles: h.Files, order.HistoryWork: h.Work, order.HistoryRequests: h.Requests,
			order.HistoryAttempts: h.Attempts, order.HistoryTexts: h.Texts,
		},
		MaxBytes: h.MaxBytes, Folder: fulfill.OrderFolder, Zone: cfg.Zone(), Log: log,
		ClearWork:   func(folder string) error { return fulfill.ClearOrder(cfg.DataDir, folder) },
		RemoveThumb: func(sum string) error { return thumb.Remove(cfg.DataDir, sum) },
	}
}

// Pruner removes history for a command.
type Pruner struct {
	*retention.Pruner
	st store.Owner
}

// OpenPruner opens the database for a command that removes history, with or without a
// running daemon. The caller closes it.
func OpenPruner(o Options) (*Pruner, error) {
	o = o.withDefaults()
	st, err := store.OpenOwner(o.Config.DataDir, o.By)
	if err != nil {
		return nil, err
	}
	options := retentionOf(o.Config, st.Store, o.Log)
	if s := (maker{cfg: o.Config, log: o.Log}).storage(); s != nil {
		options.Storage, options.KeepStored = s, o.Config.Storage.Keep
	}
	return &Pruner{retention.NewPruner(options), st}, nil
}

// Reconciling reports whether the ledger has to be compared with the marketplace first.
func (p *Pruner) Reconciling(ctx context.Context) (bool, error) {
	l, err := p.st.Ledger(ctx)
	return l.Reconcile != "", err
}

// Close closes the database.
func (p *Pruner) Close() error { return p.st.Close() }
