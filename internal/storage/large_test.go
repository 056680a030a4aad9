package storage_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"atelierd/internal/storage"
)

// zeros is a file that is not in memory.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func largeFile(size int64) storage.File {
	sum := sha256.New()
	_, _ = io.Copy(sum, &zeros{size})
	return storage.File{
		Key: storage.NewKey(".mp4"), Name: "a.mp4", MIME: "video/mp4", Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(&zeros{size}), nil },
	}
}

// It is alone, because what others allocate would count.
//
//nolint:paralleltest
func TestALargeFileInAFolderTakesLittleMemory(t *testing.T) {
	const size = 50 << 20
	f, folder := largeFile(size), storage.Folder{Path: t.TempDir()}
	result := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			if err := folder.Put(context.Background(), f); err != nil {
				b.Fatal(err)
			}
		}
	})
	if n := result.AllocedBytesPerOp(); n > 1<<20 {
		t.Errorf("%d bytes were allocated for %d", n, size)
	}
	stored, err := os.ReadFile(filepath.Join(folder.Path, f.Key))
	if err != nil || !bytes.Equal(stored, make([]byte, size)) {
		t.Error("another file is stored", err)
	}
}
