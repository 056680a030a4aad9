package disk

import (
	"errors"
	"io"
	"os"
)

// Reserve creates a file that takes n bytes of room. Removing it makes the room free
// again. If there is no room, no file is left.
func Reserve(path string, n int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(allocate(f, n), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// fill writes n bytes.
func fill(f *os.File, n int64) error {
	_, err := io.CopyN(f, zeros{}, n)
	return err
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
