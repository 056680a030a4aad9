// Package ledger keeps the mark of the ledger: a small file next to the database that
// says how far the database had come. A database that was put back from a copy is older
// than its mark. Another small file has what the folder remembers of the lease.
//
// It must not know SQL, the marketplace or what follows from a restore.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"atelierd/internal/order"
)

// MarkName is the mark's name within the data folder.
const MarkName = "ledger.mark"

// maxMark is more than any mark has, in bytes.
const maxMark = 4096

// ReadMark returns the mark of a data folder. It is nil if there is none, and if it
// cannot be understood: then it shows nothing either.
func ReadMark(dir string) (*order.Mark, error) {
	f, err := os.Open(filepath.Join(dir, MarkName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the mark of the ledger: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxMark))
	if err != nil {
		return nil, fmt.Errorf("read the mark of the ledger: %w", err)
	}
	var m order.Mark
	if json.Unmarshal(data, &m) != nil || m.Ledger == "" {
		return nil, nil
	}
	return &m, nil
}

// WriteMark replaces the mark of a data folder, durably: after a power cut the old or
// the new one is there.
func WriteMark(dir string, m order.Mark) error {
	data, err := json.Marshal(m)
	if err == nil {
		err = replace(filepath.Join(dir, MarkName), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the mark of the ledger: %w", err)
	}
	return nil
}

func replace(path string, data []byte) error {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename durable, where folders can be synced.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // not every system can
	return nil
}
