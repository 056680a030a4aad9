package app

import (
	"context"
	"errors"
	"net/url"
	"os"
	"reflect"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/storage"
	"atelierd/internal/store"
)

// storage returns the storage of the configuration, or nil. One that is configured as
// before stays as it is, with what is known of its failures.
func (m maker) storage() *storage.Storage {
	c := m.cfg.Storage
	if !c.On() {
		return nil
	}
	if m.before != nil && reflect.DeepEqual(m.before.cfg.Storage, c) {
		return m.before.services.storage
	}
	o := storage.Options{UserAgent: "atelierd/" + Version(), Transport: m.transport, Hook: m.hook, Place: storagePlace(c), PublicURL: c.PublicURL}
	o.Backend = storage.Folder{Path: c.Path}
	if c.Type == config.StorageS3 {
		o.PublicURL = under(c.PublicURL, c.Prefix)
		o.Backend = storage.S3{
			Endpoint: c.Endpoint, Bucket: c.Bucket, Region: c.Region, Prefix: c.Prefix, Transport: m.transport,
			Keys: func() (access, key secret.Text, err error) {
				if access, err = readSecret(c.AccessKey, os.Getenv); err == nil {
					key, err = readSecret(c.SecretKey, os.Getenv)
				}
				return access, key, err
			},
		}
	}
	var s *storage.Storage
	if m.stored != nil {
		o.Ended = func(err error) { m.stored(s, err) }
	}
	s = storage.New(o)
	return s
}

// storagePlace identifies a storage in the ledger: where its keys are valid.
func storagePlace(c config.Storage) string {
	if c.Type == config.StorageS3 {
		return "s3 " + c.Endpoint + "/" + c.Bucket + "/" + c.Prefix
	}
	return "folder " + c.Path
}

// under returns the address of a folder under another address.
func under(address, folder string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // the configuration was checked
	}
	return u.JoinPath(folder).String()
}

// ProbeStorage puts a small picture into the storage of a configuration, compares what the
// web shows, and removes it. The error is a *storage.Error.
func ProbeStorage(ctx context.Context, cfg *config.Config) error {
	s := maker{cfg: cfg}.storage()
	err := s.Probe(ctx)
	if err != nil {
		return &storage.Error{Err: errors.New(redactor(cfg, nil).Clean(err.Error())), Hint: storage.Hint(err)}
	}
	return nil
}

// storageEnded shows the owner that the storage fails, or that it works again. One that a
// reload has replaced shows nothing.
func (a *App) storageEnded(s *storage.Storage, failed error) {
	l := a.live.Load()
	if l == nil || l.services.storage != s {
		return
	}
	text := ""
	if failed != nil {
		text = redactor(l.cfg, a.credentials).Clean(failed.Error())
	}
	a.storageAlert(text)
	a.stored.wake()
}

// storageAlert shows the owner what is wrong with the storage; empty for nothing. What has
// waited for the storage is due then.
func (a *App) storageAlert(text string) {
	before, err := a.store.Fact(context.Background(), string(order.AlertStorage.Code()))
	if err != nil || before == text {
		return
	}
	if err = a.store.SetAlert(order.AlertStorage, text); err == nil && text == "" {
		a.o.Log.Info("the storage works again")
		err = a.store.RunNow(order.CodeStorage)
	}
	if err != nil {
		a.o.Log.Warn("write to the store failed", "error", err)
	}
}

const (
	// storageEvery is the least time between two probes of a storage that fails.
	storageEvery = 30 * time.Second
	// storageWithin is how long a probe may take.
	storageWithin = 10 * time.Minute
)

// watchStorage probes the storage while the owner is shown that it fails, so that this
// ends by itself.
func (a *App) watchStorage(ctx context.Context, st *store.Store) error {
	for ctx.Err() == nil {
		s := a.live.Load().services.storage
		alert, err := st.Fact(ctx, string(order.AlertStorage.Code()))
		switch {
		case err == nil && alert == "":
			beat.Idle(ctx)
			select {
			case <-ctx.Done():
			case <-a.stored:
				beat.Turn(ctx)
			}
		case err == nil && s == nil:
			a.storageAlert("") // it is configured no longer
			beat.Sleep(ctx, time.Second, nil)
		default:
			wait := storageEvery
			if s != nil {
				wait = max(wait, s.Wait())
			}
			beat.Sleep(ctx, wait, a.stored)
			if s != nil && s.Wait() == 0 && ctx.Err() == nil {
				limited, cancel := beat.Timeout(ctx, storageWithin)
				_ = s.Probe(limited) // its end is shown
				cancel()
			}
		}
	}
	return nil
}
