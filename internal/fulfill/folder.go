package fulfill

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"atelierd/internal/disk"
	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Folders in the data folder.
const (
	WorkDir  = "work"      // where generators write, one folder an attempt
	FilesDir = "artifacts" // where accepted files stay
)

// ClearWork removes what generators wrote for a round of an order, so that the
// round is made again and no stored result is used. dir is the data folder.
// Accepted files stay, and so do the records of programs that may still run, by which
// the next start ends them.
func ClearWork(dir, orderID string, kind order.Kind, round int) error {
	work := filepath.Join(dir, folder(WorkDir, orderID, kind, round))
	if err := clearFolder(work); err != nil {
		return err
	}
	// The order's own folder goes with its last round; until then it is not empty.
	_ = os.Remove(filepath.Dir(work))
	return nil
}

// clearFolder removes the folder of a round, except for the records of programs.
func clearFolder(work string) error {
	entries, err := os.ReadDir(work)
	if errors.Is(err, fs.ErrPermission) {
		unlock(work)
		entries, err = os.ReadDir(work)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == generate.RunningExt {
			continue
		}
		err = errors.Join(err, removeAll(work, e.Name()))
	}
	_ = os.Remove(work) // it stays while it has such a record
	return err
}

// removeAll removes what is in a folder of a round, also if a program has left it read-only.
func removeAll(work, name string) error {
	err := os.RemoveAll(filepath.Join(work, name))
	if errors.Is(err, fs.ErrPermission) {
		unlock(work)
		err = os.RemoveAll(filepath.Join(work, name))
	}
	return err
}

// unlock makes a folder of a round writable for the daemon, with the folder of its order and
// the folders in it. It follows no link out of the folder of work.
func unlock(round string) {
	work := filepath.Dir(filepath.Dir(round))
	root, err := os.OpenRoot(work)
	if err != nil {
		return // there is nothing to remove then
	}
	defer root.Close()
	name := filepath.Join(filepath.Base(filepath.Dir(round)), filepath.Base(round))
	open := func(path string) {
		if info, err := root.Lstat(path); err == nil && info.IsDir() {
			_ = root.Chmod(path, info.Mode().Perm()|0o700) // what fails shows at the removal
		}
	}
	open(filepath.Dir(name))
	_ = fs.WalkDir(root.FS(), filepath.ToSlash(name), func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			open(filepath.FromSlash(path))
		}
		return nil
	})
}

// ClearOrder removes what generators wrote for an order in all its rounds, except for what
// ClearWork leaves. dir is the data folder, name the OrderFolder.
func ClearOrder(dir, name string) error {
	parent := filepath.Join(dir, WorkDir, name)
	rounds, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, r := range rounds {
		err = errors.Join(err, clearFolder(filepath.Join(parent, r.Name())))
	}
	_ = os.Remove(parent) // it stays while it has such a record
	return err
}

// ownersDir is the name of the folder with the owner's files.
const ownersDir = "owner"

// PutFiles stores the owner's files as the result of a round, so that they are used
// and no generator is asked. dir is the data folder.
func PutFiles(dir, orderID string, round int, files []string) error {
	if err := ClearWork(dir, orderID, order.KindDelivery, round); err != nil {
		return err
	}
	to := filepath.Join(dir, folder(WorkDir, orderID, order.KindDelivery, round), ownersDir)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	var made generate.Result
	for i, file := range files {
		name := filepath.Join(to, fmt.Sprintf("%d-%s", i+1, filepath.Base(file)))
		if err := writeFile(name, func(w io.Writer) error { return copyFrom(w, file) }); err != nil {
			return err
		}
		made.Files = append(made.Files, name)
	}
	return writeResult(to+recorded, made, 0)
}

// clearWork is ClearWork for a job that no longer needs its folder.
func (f *Fulfiller) clearWork(j order.Job) {
	if err := ClearWork(f.o.Dir, j.OrderID, j.Kind, j.Round); err != nil {
		f.o.Log.Warn("work folder not cleared", "order", j.OrderID, "job", j.ID, "stage", j.Stage, "attempt", j.Attempt, "error", err)
	}
}

// OutputDirs returns the output folders in the data folder dir for which a program is
// recorded as running.
func OutputDirs(dir string) ([]string, error) {
	records, err := fs.Glob(os.DirFS(dir), WorkDir+"/*/*/*"+generate.RunningExt)
	var list []string
	for _, r := range records {
		list = append(list, filepath.Join(dir, strings.TrimSuffix(r, generate.RunningExt)))
	}
	return list, err
}

// attemptDir returns the folder of an attempt at a job.
func (f *Fulfiller) attemptDir(j order.Job, attempt int) string {
	return filepath.Join(f.o.Dir, folder(WorkDir, j.OrderID, j.Kind, j.Round), fmt.Sprintf("a%d", attempt))
}

// OrderFolder returns the name of an order's folder among those of work and of files. The
// id of an order is foreign text. One that is not a plain name is replaced by its hash.
func OrderFolder(orderID string) string {
	if plain(orderID) {
		return orderID
	}
	sum := sha256.Sum256([]byte(orderID))
	return "x-" + hex.EncodeToString(sum[:16])
}

// folder returns the folder of a job of an order, in a folder of the data folder.
func folder(parent, orderID string, kind order.Kind, round int) string {
	letter := map[order.Kind]string{order.KindPiece: "p", order.KindQuote: "q"}[kind]
	return filepath.Join(parent, OrderFolder(orderID), fmt.Sprintf("%s%d", cmp.Or(letter, "r"), round))
}

func plain(id string) bool {
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 80 && id[0] != '-'
}

// result is a result as it is stored.
type result struct {
	generate.Result
	// Take is the take that it was made for; 0 for any.
	Take int `json:",omitempty"`
}

// readResult reads a stored result and the take that it was made for. It reports false unless
// all files are there.
func readResult(path string) (made generate.Result, take int, ok bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return generate.Result{}, 0, false
	}
	var stored result
	if err := json.Unmarshal(b, &stored); err != nil {
		return generate.Result{}, 0, false
	}
	for _, file := range stored.Files {
		if _, err := os.Lstat(file); err != nil {
			return generate.Result{}, 0, false
		}
	}
	return stored.Result, stored.Take, true
}

// writeResult stores a result of a take; 0 for any. Its files are durable first.
func writeResult(path string, made generate.Result, take int) error {
	b, err := json.Marshal(result{made, take})
	if err != nil {
		return err
	}
	for _, file := range made.Files {
		if err := syncFile(file); err != nil {
			return err
		}
	}
	return writeFile(path, func(w io.Writer) error { _, err := w.Write(b); return err })
}

// link puts a second name on file, in place of what had the name before. The
// first stays until the work folder is cleared, so that a crash loses nothing. A file
// that other users could read and that cannot be closed to them is copied.
func link(file, to string) error {
	temp := to + ".tmp"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !makePrivate(file) || os.Link(file, temp) != nil {
		return writeFile(to, func(w io.Writer) error { return copyFrom(w, file) })
	}
	if err := syncFile(temp); err != nil {
		return err
	}
	return os.Rename(temp, to)
}

func copyFrom(w io.Writer, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(w, in)
	return err
}

// writeFile writes a file that after a crash is either complete or not there.
func writeFile(path string, write func(io.Writer) error) error {
	temp := path + ".tmp"
	out, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(out), out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// syncFile makes a file or a folder durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// LeastRoom is how many bytes must be free before a generator starts.
const LeastRoom = 128 << 20

// room is nil when there is room for a generator's files.
func (f *Fulfiller) room() error {
	free, err := disk.Free(f.o.Dir)
	switch {
	case errors.Is(err, disk.ErrUnknown):
		return nil // the first write shows it
	case err != nil:
		return fmt.Errorf("get the free space of the disk: %w", err)
	case free >= LeastRoom:
		return nil
	}
	return syscall.ENOSPC
}

// hostsFault turns an error that this machine caused into a wait, which uses no
// attempt. What a generator may have been paid for counts, or it would be paid for at
// each try.
func hostsFault(j order.Job, err error) error {
	wait := host.Failure(err)
	if wait == nil {
		return err
	}
	fail, ok := errors.AsType[*order.Failure](err)
	switch {
	case !ok:
		return wait
	case fail.Class == order.Wait, fail.Class == order.Stopped, fail.Class == order.Lost:
		return err
	case j.Stage == order.StageGenerate && fail.Charge != order.ChargeNone && fail.Charge != order.ChargePending:
		return err
	}
	wait.Charge, wait.Log = fail.Charge, fail.Log
	return wait
}

// keep stores a result that exists only in memory. While this machine lacks what the
// write needs, it tries again until the work is cut.
func (f *Fulfiller) keep(ctx context.Context, j order.Job, write func() error) error {
	var failures logonce.Logger
	defer failures.Recovered(f.o.Log, "a result is stored again")
	return host.Persist(ctx, func(err error) {
		failures.Failed(f.o.Log, "a result cannot be stored; trying again", err,
			"order", j.OrderID, "job", j.ID, "stage", j.Stage, "attempt", j.Attempt)
	}, write)
}
