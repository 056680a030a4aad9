package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/filelock"
)

// ErrBusy means that another process uses the backup.
var ErrBusy = errors.New("another backup or restore uses it")

// folder is a backup in a folder.
type folder struct {
	dir  string
	lock *os.File
	name string // of the new snapshot
	day  int    // of the new snapshot, in days since 1970
}

// fresh is the new snapshot's folder until it is whole.
func (f *folder) fresh() string { return filepath.Join(f.dir, snapshotsDir, "new"+partial) }

// newFolder locks a folder, and removes what an earlier backup has left unfinished.
func newFolder(o Options) (target, error) {
	f := &folder{dir: o.To}
	if err := f.own(); err != nil {
		return nil, err
	}
	for _, sub := range []string{filesDir, snapshotsDir} {
		if err := os.MkdirAll(filepath.Join(f.dir, sub), 0o700); err != nil {
			return nil, errors.Join(err, f.end())
		}
	}
	if err := f.sweep(); err != nil {
		return nil, errors.Join(err, f.end())
	}
	if err := os.Mkdir(f.fresh(), 0o700); err != nil {
		return nil, errors.Join(err, f.end())
	}
	return f, nil
}

// own takes the lock on the folder. A folder that has other things and no backup is left
// alone, because files are removed in a backup.
func (f *folder) own() error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(f.dir, idName)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if empty, err := Empty(f.dir); err != nil || !empty {
			return errors.Join(err, errors.New("it has other files and no backup; name a new or an empty folder"))
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	f.lock = file
	if err := lock(file, true); err != nil {
		return errors.Join(err, f.end())
	}
	return nil
}

// lock locks a file where its file system can.
func lock(f *os.File, exclusive bool) error {
	if err := filelock.Lock(f, exclusive); errors.Is(err, filelock.ErrHeld) {
		return ErrBusy
	}
	return nil
}

// Empty reports whether a folder has nothing but what a file system puts there, or is
// missing.
func Empty(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return !slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() != "lost+found" }), err
}

// identify checks whose backup the folder has, and says so in a new one.
func (f *folder) identify(ledger string) error {
	data, err := io.ReadAll(io.LimitReader(f.lock, maxManifest))
	if err != nil {
		return err
	}
	if len(data) == 0 {
		if _, err := f.lock.WriteAt(identity{format, ledger}.text(), 0); err != nil {
			return err
		}
		return f.lock.Sync()
	}
	var id identity
	if err := decode(data, &id); err != nil {
		return fmt.Errorf("its %s cannot be read: %w", idName, err)
	}
	if id.Format != format {
		return fmt.Errorf("it has format %d, and this program knows %d", id.Format, format)
	}
	if id.Ledger != ledger {
		return errors.New("it has the backups of another data folder; name another place")
	}
	return nil
}

func (f *folder) begin(ledger string, at time.Time) (string, error) {
	if err := f.identify(ledger); err != nil {
		return "", err
	}
	f.day = int(at.Unix() / (24 * 60 * 60))
	for ; ; at = at.Add(time.Second) { // two within a second
		f.name = at.Format(nameLayout)
		if _, err := os.Lstat(f.snapshot(f.name)); errors.Is(err, fs.ErrNotExist) {
			return f.name, nil
		} else if err != nil {
			return "", err
		}
	}
}

func (f *folder) snapshot(name string) string { return filepath.Join(f.dir, snapshotsDir, name) }

func (f *folder) ledgerPath() string { return filepath.Join(f.fresh(), ledgerName) }

func (f *folder) holds(sum string, size int64, read reading) bool {
	if !isSum(sum) {
		return false
	}
	path := filepath.Join(f.dir, filesDir, sum)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false
	}
	if !readAgain(sum, f.day) {
		return true
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	now, err := sumOf(read(file))
	return err == nil && now == sum
}

// readAgain reports whether a content is read again by the backups of a day. A disk damages
// files without a word, so each is read again on one day of readDays.
func readAgain(sum string, day int) bool {
	first, err := hex.DecodeString(sum[:2])
	return err == nil && int(first[0])%readDays == day%readDays
}

// readDays is prime, so that backups each week come to each file, too.
const readDays = 31

func (f *folder) content(from io.ReadSeeker, size int64) (string, error) {
	part := filepath.Join(f.dir, filesDir, "new"+partial)
	sum, n, err := write(part, 0o600, from)
	if err == nil && n != size {
		err = errChanged
	}
	if err != nil {
		return sum, errors.Join(err, os.Remove(part))
	}
	// It replaces what is there, which may be damaged.
	return sum, os.Rename(part, filepath.Join(f.dir, filesDir, sum))
}

func (f *folder) named(name string, mode os.FileMode, from io.Reader, size int64) (string, error) {
	path := filepath.Join(f.fresh(), filepath.FromSlash(name))
	if name == ledgerName { // it was written there
		sum, err := sumOf(from)
		return sum, errors.Join(err, syncFile(path))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	sum, n, err := write(path, mode, from)
	if err == nil && n != size {
		err = errChanged
	}
	if err != nil { // half of a file is none of the snapshot
		err = errors.Join(err, os.Remove(path))
	}
	return sum, err
}

// write writes a new file durably, and returns its sum and its size.
func write(path string, mode os.FileMode, from io.Reader) (string, int64, error) {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, hash), from)
	return hex.EncodeToString(hash.Sum(nil)), n, errors.Join(err, to.Sync(), to.Close())
}

func sumOf(from io.Reader) (string, error) {
	hash := sha256.New()
	_, err := io.Copy(hash, from)
	return hex.EncodeToString(hash.Sum(nil)), err
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncFolder makes new names durable, where folders can be synced.
func syncFolder(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync() // not every system can
	d.Close()
}

func (f *folder) finish() error {
	err := filepath.WalkDir(f.fresh(), func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			syncFolder(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	syncFolder(filepath.Join(f.dir, filesDir))
	if err := os.Rename(f.fresh(), f.snapshot(f.name)); err != nil {
		return err
	}
	syncFolder(filepath.Join(f.dir, snapshotsDir))
	syncFolder(f.dir)
	return nil
}

func (f *folder) end() error { return f.lock.Close() } // which releases the lock

func (f *folder) abort() {
	_ = os.RemoveAll(f.fresh()) // the next backup removes what stays
	_ = os.Remove(filepath.Join(f.dir, filesDir, "new"+partial))
	f.lock.Close()
}

// snapshots returns the names of the whole snapshots, the oldest first.
func (f *folder) snapshots() ([]string, error) {
	list, err := os.ReadDir(filepath.Join(f.dir, snapshotsDir))
	var names []string
	for _, e := range list {
		if isSnapshot(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// prune removes the oldest snapshots over keep, and the files that no other names. Those
// dated after the new one go first: the clock was ahead when they were made.
func (f *folder) prune(keep int) (removed []string, err error) {
	names, err := f.snapshots()
	if err != nil || keep == 0 || len(names) <= keep {
		return nil, err
	}
	at, _ := slices.BinarySearch(names, f.name)
	names = slices.Concat(names[min(at+1, len(names)):], names[:at])
	for _, name := range names[:len(names)+1-keep] {
		// It is no snapshot any more once its first file is gone.
		doomed := f.snapshot(name) + partial
		if err := os.Rename(f.snapshot(name), doomed); err != nil {
			return removed, err
		}
		removed = append(removed, name)
	}
	return removed, f.sweep()
}

// sweep removes what an unfinished backup has left, and files that no snapshot names.
func (f *folder) sweep() error {
	list, err := os.ReadDir(filepath.Join(f.dir, snapshotsDir))
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, e := range list {
		switch path := f.snapshot(e.Name()); {
		case strings.HasSuffix(e.Name(), partial):
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		case isSnapshot(e.Name()):
			m, err := readManifest(path)
			if err != nil {
				// What it names is unknown, so no file is removed. A verification shows it.
				named = nil
			}
			for _, s := range m.Files {
				if named != nil {
					named[s.SHA256] = true
				}
			}
		}
	}
	return f.sweepFiles(named)
}

// sweepFiles removes unfinished files, and those that are not named; nil is unknown.
func (f *folder) sweepFiles(named map[string]bool) error {
	list, err := os.ReadDir(filepath.Join(f.dir, filesDir))
	if err != nil {
		return err
	}
	for _, e := range list {
		unnamed := named != nil && isSum(e.Name()) && !named[e.Name()]
		if !unnamed && !strings.HasSuffix(e.Name(), partial) {
			continue
		}
		if err := os.Remove(filepath.Join(f.dir, filesDir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// readManifest reads the manifest in the folder of a snapshot.
func readManifest(dir string) (m Manifest, err error) {
	f, err := os.Open(filepath.Join(dir, manifestName))
	if err != nil {
		return m, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return m, err
	}
	return m, decode(data, &m)
}
