package thumb

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"atelierd/internal/order"
)

// poster returns a frame of a video. The program that reads it gets a copy in a folder of
// its own, so that nothing can be exchanged while it reads, and what it writes is as
// hostile as any other picture.
func (m *Maker) poster(ctx context.Context, a order.Artifact) ([]byte, error) {
	if m.o.Frame == nil {
		return nil, ErrNone
	}
	f, err := m.Original(a)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := same(f, a); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(filepath.Join(m.o.Dir, Dir), tempPrefix+"*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // the next start removes it otherwise
	input, output := filepath.Join(folder, "video"), filepath.Join(folder, "frame.jpg")
	if err := copyTo(input, io.NewSectionReader(f, 0, a.Bytes)); err != nil {
		return nil, err
	}
	if err := m.o.Frame(ctx, a.MIME, input, output); err != nil {
		return nil, err
	}
	return small(output)
}

func copyTo(path string, r io.Reader) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}

// mostFrame is the most bytes that the picture of a frame may have.
const mostFrame = 4 << 20

// small reads the picture of a frame.
func small(path string) ([]byte, error) {
	seen, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !seen.Mode().IsRegular() || seen.Size() > mostFrame {
		return nil, errors.New("what the program made is no picture of a frame")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := shrink(f, seen.Size(), Side)
	if err != nil {
		return nil, err
	}
	return encode(img, 0)
}
