package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MemoName is the name of the file that remembers leases within the data folder.
const MemoName = "lease.memo"

// ReadMemo reads what a data folder remembers of leases into memo. A file that is missing or
// damaged leaves memo as it is.
func ReadMemo[T any](dir string, memo *T) error {
	data, err := os.ReadFile(filepath.Join(dir, MemoName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what the folder remembers of the lease: %w", err)
	}
	var read T
	if json.Unmarshal(data, &read) == nil {
		*memo = read
	}
	return nil
}

// WriteMemo replaces what a data folder remembers of leases, durably.
func WriteMemo[T any](dir string, memo T) error {
	data, err := json.Marshal(memo)
	if err == nil {
		err = replace(filepath.Join(dir, MemoName), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write what the folder remembers of the lease: %w", err)
	}
	return nil
}
