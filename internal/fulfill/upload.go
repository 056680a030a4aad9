package fulfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"atelierd/internal/atelier"
	"atelierd/internal/order"
	"atelierd/internal/storage"
)

// upload uploads the round's files to the marketplace, or to the owner's storage, one
// after the other. An upload without an answer is made again: the file that it may have
// left there belongs to no order.
func (f *Fulfiller) upload(ctx context.Context, j order.Job, o order.Order) (order.Result, error) {
	files, err := f.o.Store.Artifacts(ctx, j.OrderID, j.Kind, j.Round)
	if err != nil {
		return order.Result{}, err
	}
	var done, total int64
	for _, a := range files {
		if a.URL == "" {
			total += a.Bytes
		}
	}
	for _, a := range files {
		if a.URL != "" {
			continue
		}
		before := done
		if err := f.uploadOne(ctx, j, a, outgoing{f.o.Services[o.Service].Storage, func(sent int64) {
			f.o.Progress(j, order.Progress{Phase: order.PhaseUploading, Done: before + sent, Total: total})
		}}); err != nil {
			return order.Result{}, marketFailure(err)
		}
		done += a.Bytes
	}
	f.clearWork(j)
	if j.Kind == order.KindPiece {
		return order.Result{Messages: pieceMessage(j), Note: fmt.Sprintf("piece %d is made", j.Round)}, nil
	}
	return order.Result{Next: order.StageDeliver}, nil
}

// outgoing is where a file goes first, and what is called with how much was sent.
type outgoing struct {
	storage Storage
	sent    func(bytes int64)
}

func (f *Fulfiller) uploadOne(ctx context.Context, j order.Job, a order.Artifact, to outgoing) error {
	path := filepath.Join(f.o.Dir, a.Path)
	if st, err := os.Stat(path); a.Path == "" || errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() != a.Bytes {
		return order.Failf(order.Hold, order.CodeFileGone, "the file %s is gone or has changed", cmp.Or(a.Path, a.Name)).
			WithHint("%s makes it again", order.Command("orders redo", j.OrderID))
	}
	open := func() (io.ReadCloser, error) {
		file, err := os.Open(path)
		return &counted{ReadCloser: file, read: to.sent}, err
	}
	up, err := f.send(ctx, j, a, to.storage, open)
	if err != nil {
		return err
	}
	return f.keep(ctx, j, func() error { return f.o.Store.Uploaded(j, a.ID, up.URL, cmp.Or(up.Media, a.Media)) })
}

// send sends a file to the storage or, without one, to the marketplace. While the storage
// fails, the marketplace takes its place as long as it has uploads left.
func (f *Fulfiller) send(ctx context.Context, j order.Job, a order.Artifact, s Storage, open func() (io.ReadCloser, error)) (atelier.Uploaded, error) {
	var failed error
	if s != nil {
		url, err := f.publish(ctx, j, a, s, open)
		if failed = storageFailure(err); failed == nil {
			return atelier.Uploaded{URL: url}, err
		}
	}
	if err := f.affordable(ctx, order.RequestUpload); err != nil {
		return atelier.Uploaded{}, waitsForStorage(err, failed, s)
	}
	if failed != nil {
		f.o.Log.Warn("the storage failed; the file goes to the marketplace", "order", j.OrderID, "job", j.ID, "file", a.Name,
			"error", failed, "hint", storage.Hint(failed))
	}
	up, err := f.o.Market.Upload(ctx, j.OrderID, atelier.File{Name: a.Name, MIME: a.MIME, Size: a.Bytes, Open: open})
	return up, waitsForStorage(err, failed, s)
}

// counted is a file that is uploaded. It reports how much of it was read.
type counted struct {
	io.ReadCloser
	n    int64
	read func(bytes int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	c.read(c.n)
	return n, err
}
