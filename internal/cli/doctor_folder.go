package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"atelierd/internal/disk"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// Below the first no generator is started; below the second it may soon be so.
const (
	leastSpace  = 128 << 20
	littleSpace = 1 << 30
)

func isNoDatabase(err error) bool { return errors.Is(err, store.ErrNoDatabase) }

// folder checks the data folder, and nothing when it is still to be made.
func (d *doctor) folder() {
	const name = "data folder"
	dir := d.cfg.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.folderToBe(name, dir)
		return
	case err != nil:
		d.failErr(name, err)
		return
	case !info.IsDir():
		d.fail(name, "move the file away, or set another data_dir", "%s is not a folder", dir)
		return
	}
	if err := tryFolder(dir); err != nil {
		d.fail(name, "it must be on a local disk and belong to the user who runs atelierd", "%s: %v", dir, err)
		return
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		d.warn(name, "chmod 700 "+dir, "%s is open to other users (mode %04o)", dir, info.Mode().Perm())
	}
	d.space(name, dir)
}

// folderToBe checks whether the folder can be made where it is to be.
func (d *doctor) folderToBe(name, dir string) {
	above := filepath.Dir(dir)
	for above != filepath.Dir(above) {
		if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		above = filepath.Dir(above)
	}
	if err := disk.Writable(above); err != nil {
		d.fail(name, "make the folder, or set another data_dir", "%s is not there and cannot be made: %s: %v", dir, above, err)
		return
	}
	d.ok(name, "%s is made by the first run", dir)
}

// tryFolder writes a file and locks it, as the daemon will.
func tryFolder(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return fmt.Errorf("it cannot be written to: %w", errors.Unwrap(err))
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer f.Close()
	return lockFile(f)
}

func (d *doctor) space(name, dir string) {
	free, err := disk.Free(dir)
	if err != nil {
		d.warn(name, "", "%s: the free space is unknown: %v", dir, err)
		return
	}
	text := fmt.Sprintf("%s, %s free", dir, term.Size(free))
	switch {
	case free < leastSpace:
		d.fail(name, "make room: no generator is started below "+term.Size(leastSpace), "%s", text)
	case free < littleSpace:
		d.warn(name, "make room: no generator is started below "+term.Size(leastSpace), "%s", text)
	default:
		d.ok(name, "%s", text)
	}
}
