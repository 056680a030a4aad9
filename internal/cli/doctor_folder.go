package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"atelierd/internal/disk"
	"atelierd/internal/fulfill"
	"atelierd/internal/words"
)

// littleSpace is the free space below which doctor warns. Below fulfill.LeastRoom no
// generator is started.
const littleSpace = 1 << 30

// folder checks the data folder, or whether it can be created.
func (d *doctor) folder() {
	const name = "data folder"
	dir := d.cfg.DataDir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.newFolder(name, dir)
		return
	case err != nil:
		d.failErr(name, err)
		return
	case !info.IsDir():
		d.fail(name, "move the file away, or set another data_dir", "%s is not a folder", dir)
		return
	}
	if err := d.rightUser(d.cfg); err != nil {
		d.failErr(name, err)
		return
	}
	if err := tryFolder(dir); err != nil {
		d.fail(name, "it must be on a local disk and belong to the user who runs atelierd", "%s: %v", dir, err)
		return
	}
	others := fs.FileMode(0o077)
	if d.cfg.ProgramUser() != "" {
		others &^= 0o010 // the group of that user may pass
	}
	if open := info.Mode().Perm() & others; open != 0 {
		d.warn(name, "run `chmod 700 "+dir+"`", "%s is open to other users (mode %04o)", dir, info.Mode().Perm())
	}
	d.space(name, dir)
}

// newFolder checks whether the data folder can be created.
func (d *doctor) newFolder(name, dir string) {
	above := filepath.Dir(dir)
	for above != filepath.Dir(above) {
		if _, err := os.Stat(above); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		above = filepath.Dir(above)
	}
	if err := disk.Writable(above); err != nil {
		d.fail(name, "create the folder, or set another data_dir", "%s does not exist and cannot be created: %s: %v", dir, above, err)
		return
	}
	d.ok(name, "%s is created by the first run", dir)
}

// tryFolder writes a file and locks it, as the daemon does.
func tryFolder(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return fmt.Errorf("it cannot be written to: %w", errors.Unwrap(err))
	}
	defer func() { _ = os.Remove(f.Name()) }()
	defer f.Close()
	return lockFile(f)
}

// space checks the free space of the data folder.
func (d *doctor) space(name, dir string) {
	free, err := disk.Free(dir)
	if err != nil {
		d.warn(name, "", "%s: the free space is unknown: %v", dir, err)
		return
	}
	text := fmt.Sprintf("%s, %s free", dir, words.Size(free))
	switch {
	case free < fulfill.LeastRoom:
		d.fail(name, "free some space; no generator is started below "+words.Size(fulfill.LeastRoom), "%s", text)
	case free < littleSpace:
		d.warn(name, "free some space; no generator is started below "+words.Size(fulfill.LeastRoom), "%s", text)
	default:
		d.ok(name, "%s", text)
	}
}
