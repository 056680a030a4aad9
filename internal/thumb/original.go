package thumb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/order"
)

// Original opens a file of an order for reading. It opens nothing outside of the folder of
// such files, no link, nothing but a regular file, and none of another size than the
// ledger has.
func (m *Maker) Original(a order.Artifact) (*os.File, error) {
	name, within := strings.CutPrefix(filepath.ToSlash(a.Path), m.o.FilesDir+"/")
	if !within || strings.ContainsRune(name, 0) || !filepath.IsLocal(filepath.FromSlash(name)) || !a.Removed.IsZero() {
		return nil, errNoFile
	}
	root, err := os.OpenRoot(filepath.Join(m.o.Dir, m.o.FilesDir))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	for at, r := range name {
		if r != filepath.Separator {
			continue
		}
		if info, err := root.Lstat(name[:at]); err != nil || !info.IsDir() {
			return nil, errNoFile // also for a link to a folder
		}
	}
	seen, err := root.Lstat(name)
	if err != nil || !seen.Mode().IsRegular() {
		return nil, errNoFile
	}
	f, err := root.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	// What was looked at may have been replaced by a link since.
	info, err := f.Stat()
	if err != nil || !os.SameFile(seen, info) || info.Size() != a.Bytes {
		f.Close()
		return nil, errNoFile
	}
	return f, nil
}

// same returns an error unless a file is the one that the ledger has. It is read after the
// picture was made, so that nothing can be exchanged between.
func same(f *os.File, a order.Artifact) error {
	hash := sha256.New()
	n, err := io.Copy(hash, io.NewSectionReader(f, 0, a.Bytes+1))
	if err != nil {
		return err
	}
	if n != a.Bytes || hex.EncodeToString(hash.Sum(nil)) != a.SHA256 {
		return fmt.Errorf("%w: it has other bytes", errNoFile)
	}
	return nil
}
