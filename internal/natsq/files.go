package natsq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"atelierd/internal/generate"
)

// A transfer of which a dying server took a part never ends, so each is limited. The limit of a
// small file is short, or its call would wait for as long as that of a large one.
const (
	// requestsTimeout limits requests that carry no bytes of files.
	requestsTimeout  = 2 * time.Minute
	smallFileTimeout = 10 * time.Second
	// slowest is how many bytes of a file come through in a second at least.
	slowest = 128 << 10
)

// TransferWithin returns how long the transfer of a file of this size may take.
func TransferWithin(bytes int64) time.Duration {
	return smallFileTimeout + time.Duration(min(bytes, generate.MaxFileBytes)/slowest)*time.Second
}

// PutFile stores a file in a bucket. The same file may be put again.
func (q *Queue) PutFile(ctx context.Context, bucket, object, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return File{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, TransferWithin(n))
	defer cancel()
	store, err := q.js.ObjectStore(ctx, bucket)
	if err != nil {
		return File{}, missing(err)
	}
	file := File{Object: object, Name: filepath.Base(path), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
	if there, err := store.GetInfo(ctx, object); err == nil && there.Size == uint64(n) && there.Metadata["sha256"] == file.SHA256 {
		return file, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return File{}, err
	}
	meta := jetstream.ObjectMeta{Name: object, Metadata: map[string]string{"sha256": file.SHA256}}
	if _, err := store.Put(ctx, meta, f); err != nil {
		return File{}, fmt.Errorf("store %s in NATS: %w", file.Name, err)
	}
	return file, nil
}

// GetFile writes a file of a bucket to the path, which appears once it is whole, checked
// and on the disk. A file that is not there fails with fs.ErrNotExist.
func (q *Queue) GetFile(ctx context.Context, bucket string, file File, path string) error {
	ctx, cancel := context.WithTimeout(ctx, TransferWithin(file.Bytes))
	defer cancel()
	if file.Bytes > generate.MaxFileBytes {
		return fmt.Errorf("%w: %.60q has %d bytes", ErrDamaged, file.Name, file.Bytes)
	}
	store, err := q.js.ObjectStore(ctx, bucket)
	if err != nil {
		return missing(err)
	}
	object, err := store.Get(ctx, file.Object)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("file %.60q: %w", file.Name, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	defer object.Close()
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	defer func() { _ = os.Remove(part) }() // once it is renamed, there is nothing to remove
	if err := copyChecked(object, file, part); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// copyChecked writes what is read to the path, and compares it with what the file is.
func copyChecked(r io.Reader, file File, path string) error {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer to.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(r, file.Bytes+1))
	if errors.Is(err, jetstream.ErrDigestMismatch) || err == nil && (n != file.Bytes || hex.EncodeToString(sum.Sum(nil)) != file.SHA256) {
		return fmt.Errorf("%w: %.60q", ErrDamaged, file.Name)
	}
	if err != nil {
		return err
	}
	if err := to.Sync(); err != nil {
		return err
	}
	return to.Close()
}

// syncFolder makes the names in a folder durable. Windows has no way to do so.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// RemoveFiles removes files from a bucket. A file that is not there is not an error.
func (q *Queue) RemoveFiles(ctx context.Context, bucket string, files []File) error {
	ctx, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	store, err := q.js.ObjectStore(ctx, bucket)
	if err != nil {
		return missing(err)
	}
	for _, f := range files {
		if err := store.Delete(ctx, f.Object); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
			return err
		}
	}
	return nil
}

// Input returns the name of the n-th picture of a call in its bucket. n begins with 1.
func Input(key string, n int) string { return key + "/" + strconv.Itoa(n) }

// RemoveInput removes the pictures of a call.
func (q *Queue) RemoveInput(ctx context.Context, route, key string) error {
	ctx, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	store, err := q.js.ObjectStore(ctx, BucketIn(route))
	if err != nil {
		return missing(err)
	}
	for n := 1; ; n++ {
		_, err := store.GetInfo(ctx, Input(key, n))
		if errors.Is(err, jetstream.ErrObjectNotFound) {
			return nil // they were stored in this order
		}
		if err != nil {
			return err
		}
		if err := store.Delete(ctx, Input(key, n)); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
			return err
		}
	}
}

// Has reports whether a bucket has all files.
func (q *Queue) Has(ctx context.Context, bucket string, files []File) bool {
	ctx, cancel := context.WithTimeout(ctx, requestsTimeout)
	defer cancel()
	store, err := q.js.ObjectStore(ctx, bucket)
	if err != nil {
		return false
	}
	for _, f := range files {
		there, err := store.GetInfo(ctx, f.Object)
		if err != nil || there.Metadata["sha256"] != f.SHA256 {
			return false
		}
	}
	return true
}
