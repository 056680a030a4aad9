package fulfill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/storage"
)

// Storage is where the owner publishes files; *storage.Storage implements it.
type Storage interface {
	// Place identifies it in the ledger.
	Place() string
	// Publish puts a file, compares what its address shows, and returns the address. The
	// error is a *storage.Error if the storage failed.
	Publish(ctx context.Context, f storage.File) (url string, err error)
	// Wait returns how long it is left alone after a failure.
	Wait() time.Duration
}

// publish puts a file into the storage. Its key is durable before, so that what is put
// again after a crash is the same object.
func (f *Fulfiller) publish(ctx context.Context, j order.Job, a order.Artifact, s Storage, open func() (io.ReadCloser, error)) (url string, err error) {
	var key string
	if err := f.keep(ctx, j, func() (err error) {
		key, err = f.o.Store.ObjectKey(j, a, s.Place(), storage.NewKey(path.Ext(a.Name)))
		return err
	}); err != nil {
		return "", err
	}
	return s.Publish(ctx, storage.File{Key: key, Name: a.Name, MIME: a.MIME, Size: a.Bytes, SHA256: a.SHA256, Open: open})
}

// storageFailure returns the error if it is a failure of the storage, and nil for others.
func storageFailure(err error) error {
	if e, ok := errors.AsType[*storage.Error](err); ok {
		return e
	}
	return nil
}

// waitsForStorage describes a wait for requests that has come only because the storage
// failed. Other errors stay as they are.
func waitsForStorage(err, failed error, s Storage) error {
	f, ok := errors.AsType[*order.Failure](err)
	if failed == nil || !ok || f.Code != order.CodeBudget && f.Code != order.CodeRateLimited {
		return err
	}
	after := f.After
	if !storage.Mistyped(failed) { // else it fails again until the web server is set up
		after = min(after, max(s.Wait(), time.Second))
	}
	return &order.Failure{
		Class: order.Wait, Code: order.CodeStorage, After: after, Hint: storage.Hint(failed),
		Err: fmt.Errorf("%w; and no upload to the marketplace is left", failed),
	}
}
