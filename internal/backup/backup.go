// Package backup copies a data folder and its configuration while the daemon works,
// verifies such copies, and restores them.
//
// A backup is a folder or a tar file of the same layout. files/SHA256 are the files that the
// ledger names, each once for all snapshots. snapshots/TIME/ has the copy of the database, the
// configuration with the files that it names, the credentials, and manifest.json with the
// sha256 of everything. backup.json says which agent the backup is of.
//
// It must not know SQL, what the configuration means, or the marketplace.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Source describes what a backup copies.
type Source struct {
	// DataDir is the data folder, and ConfigDir that of the configuration. Both are
	// absolute.
	DataDir, ConfigDir string
	// Config is the configuration's name within a snapshot.
	Config string
	// CopyLedger writes a copy of the ledger that is of one moment. ReadLedger reads and
	// checks such a copy.
	CopyLedger func(ctx context.Context, to string) error
	ReadLedger func(path string) (order.LedgerCopy, error)
	// Files are the configuration, what it names, the credentials, and who may use the console.
	Files []File
	// Outside names what the daemon needs and a backup does not contain, such as environment
	// variables.
	Outside []string
	// Version is that of the program.
	Version string
}

// File is a file that is copied with the ledger.
type File struct {
	Path string // where it is
	// Name is its place within a snapshot, below one of the folders of placed.
	Name string
	// Secret: only its owner may read it, and a backup without credentials lacks it.
	Secret bool
	// Copy writes a copy that is of one moment, for a file that others write to; nil for
	// one that can be read as it is.
	Copy func(ctx context.Context, to string) error
}

// Options say how to copy.
type Options struct {
	// To is a folder, or a file whose name ends in .tar. A tar has all files.
	To string
	// NoCredentials leaves out what is secret.
	NoCredentials bool
	// Keep is how many snapshots of a folder stay; 0 keeps all.
	Keep int
	// Copied is called with the number of bytes copied. It may be nil.
	Copied func(bytes int64)
	// Now is when the snapshot is made.
	Now time.Time
}

// Done is what a backup has copied.
type Done struct {
	To       string    `json:"to"`
	Snapshot string    `json:"snapshot"`
	At       time.Time `json:"at"`
	// Files are those that the ledger names, with their size together.
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// Left are files that were left out, or that differ from the ledger.
	Left []Left `json:"left,omitempty"`
	// Removed are older snapshots that were not kept.
	Removed []string `json:"removed,omitempty"`
	// Credentials: the backup has the files that are secret. Outside is as in Source.
	Credentials bool     `json:"credentials"`
	Outside     []string `json:"outside,omitempty"`
}

// IsTar reports whether a backup goes into a tar file.
func IsTar(to string) bool { return strings.HasSuffix(to, ".tar") }

// Make makes a backup. A backup that fails or is interrupted leaves what was there before.
func Make(ctx context.Context, src Source, o Options) (Done, error) {
	if err := apart(o.To, src.DataDir); err != nil {
		return Done{}, fmt.Errorf("back up into %s: %w", o.To, err)
	}
	target := newFolder
	if IsTar(o.To) {
		target = newTar
	}
	to, err := target(o)
	if err != nil {
		return Done{}, fmt.Errorf("back up into %s: %w", o.To, err)
	}
	m := &maker{ctx: ctx, src: src, o: o, to: to}
	done, err := m.make()
	if err != nil {
		to.abort()
		return Done{}, fmt.Errorf("back up into %s: %w", o.To, err)
	}
	return done, nil
}

// apart returns an error if a place is within the data folder, where a lost disk takes
// both.
func apart(to, dataDir string) error {
	place, err := resolved(to)
	if err != nil {
		return err
	}
	data, err := resolved(dataDir)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(data, place); err == nil && filepath.IsLocal(rel) {
		return fmt.Errorf("it is inside the data folder %s; name a place outside of it", dataDir)
	}
	return nil
}

// resolved returns the absolute path without links, as far as it exists.
func resolved(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		parent := filepath.Dir(path)
		if parent == path || !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		path, rest = parent, filepath.Join(filepath.Base(path), rest)
	}
}

// target is where a backup goes.
type target interface {
	// begin makes a snapshot of a ledger and returns its name, which has the time.
	begin(ledger string, at time.Time) (name string, err error)
	// ledgerPath is where the copy of the database is written.
	ledgerPath() string
	// holds reports whether a file of this content is there already. It may read it again,
	// to see whether it is still whole.
	holds(sum string, size int64, read reading) bool
	// content copies a file by its content.
	content(from io.ReadSeeker, size int64) (sum string, err error)
	// named copies a file to a name within the snapshot.
	named(name string, mode os.FileMode, from io.Reader, size int64) (sum string, err error)
	// finish makes all of it durable and gives it its final name.
	finish() error
	// prune removes the oldest snapshots over keep.
	prune(keep int) (removed []string, err error)
	// end closes it after a backup, abort removes what an unfinished one has left.
	end() error
	abort()
}

// reading wraps a reader, so that it ends with the context and is counted.
type reading func(io.Reader) io.Reader

// maker makes one backup.
type maker struct {
	ctx  context.Context
	src  Source
	o    Options
	to   target
	done Done
	m    Manifest
}

// make copies the ledger first, and then what that copy names: later files belong to a
// later ledger.
func (m *maker) make() (Done, error) {
	ledger, err := m.ledger()
	if err != nil {
		return Done{}, err
	}
	for _, f := range m.src.Files {
		if err := m.file(f); err != nil {
			return Done{}, err
		}
	}
	if err := m.stored(ledger.Files); err != nil {
		return Done{}, err
	}
	if err := m.manifest(); err != nil {
		return Done{}, err
	}
	if err := m.to.finish(); err != nil {
		return Done{}, err
	}
	// What is made is whole. Older snapshots that stay are for the next backup.
	removed, err := m.to.prune(m.o.Keep)
	if err != nil {
		err = fmt.Errorf("the backup is made, but older ones could not be removed: %w", err)
	}
	m.done.Removed = removed
	return m.done, errors.Join(err, m.to.end())
}

func (m *maker) ledger() (order.LedgerCopy, error) {
	at := m.o.Now.UTC().Truncate(time.Second)
	// The copy is read before the snapshot is named, because it says whose it is.
	path := m.to.ledgerPath()
	if err := m.src.CopyLedger(m.ctx, path); err != nil {
		return order.LedgerCopy{}, fmt.Errorf("copy the database: %w", err)
	}
	ledger, err := m.src.ReadLedger(path)
	if err != nil {
		return ledger, fmt.Errorf("read the copy of the database: %w", err)
	}
	name, err := m.to.begin(ledger.ID, at)
	if err != nil {
		return ledger, err
	}
	m.done = Done{To: m.o.To, Snapshot: name, At: at, Credentials: !m.o.NoCredentials, Outside: m.src.Outside}
	m.m = Manifest{
		Format: format, Snapshot: name, At: at, Version: m.src.Version, Ledger: ledger.ID, Agent: ledger.AgentID, Event: ledger.Event,
		Config: m.src.Config, ConfigDir: m.src.ConfigDir, DataDir: m.src.DataDir, Credentials: m.done.Credentials, Outside: m.src.Outside,
	}
	return ledger, m.copyNamed(File{Path: path, Name: ledgerName})
}

// file copies a file with the ledger. One that cannot be read is left out, and said.
func (m *maker) file(f File) error {
	if f.Secret && m.o.NoCredentials {
		m.left(f.Name, "left out, because it is secret")
		return nil
	}
	if f.Copy == nil {
		return m.copyNamed(f)
	}
	temp, err := os.MkdirTemp("", "atelierd-backup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // the system removes it in time
	path := filepath.Join(temp, "copy")
	if err := f.Copy(m.ctx, path); err != nil {
		m.left(f.Name, err.Error())
		return nil
	}
	f.Path = path
	return m.copyNamed(f)
}

func (m *maker) copyNamed(f File) error {
	file, info, err := openRegular(f.Path)
	if err != nil && f.Name == ledgerName {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err != nil {
		m.left(f.Name, cause(err))
		return nil
	}
	defer file.Close()
	mode := info.Mode().Perm() & 0o700
	if f.Secret || mode == 0 {
		mode = 0o600
	}
	sum, err := m.to.named(f.Name, mode, m.counted(io.LimitReader(file, info.Size())), info.Size())
	if unread, is := errors.AsType[*sourceError](err); is && f.Name != ledgerName {
		m.left(f.Name, cause(unread.error))
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", f.Path, err)
	}
	m.m.Beside = append(m.m.Beside, Entry{Name: f.Name, SHA256: sum, Bytes: info.Size(), Run: mode&0o100 != 0, Secret: f.Secret})
	return nil
}

// stored copies the files that the ledger names.
func (m *maker) stored(files []order.StoredFile) error {
	root, err := os.OpenRoot(m.src.DataDir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		s, err := m.storedFile(root, f)
		if err != nil {
			return fmt.Errorf("copy %s: %w", f.Path, err)
		}
		if s == nil {
			continue
		}
		m.m.Files = append(m.m.Files, *s)
		m.done.Files++
		m.done.Bytes += s.Bytes
	}
	return nil
}

// storedFile copies a file, unless its content is there already. It is nil for one that is
// gone.
func (m *maker) storedFile(root *os.Root, f order.StoredFile) (*Stored, error) {
	if m.to.holds(f.SHA256, f.Bytes, m.counted) {
		return &Stored{Path: f.Path, SHA256: f.SHA256, Bytes: f.Bytes}, nil
	}
	file, info, err := openIn(root, filepath.FromSlash(f.Path))
	if err != nil {
		m.left(f.Path, cause(err))
		return nil, nil
	}
	defer file.Close()
	sum, err := m.to.content(countedFile{file, m}, info.Size())
	if unread, is := errors.AsType[*sourceError](err); is {
		m.left(f.Path, cause(unread.error))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if sum != f.SHA256 {
		m.left(f.Path, "changed since it was made; copied as it is")
	}
	return &Stored{Path: f.Path, SHA256: sum, Bytes: info.Size()}, nil
}

// left records a file that is not in the backup as the owner may expect.
func (m *maker) left(name, why string) {
	l := Left{Name: name, Why: why}
	m.m.Left, m.done.Left = append(m.m.Left, l), append(m.done.Left, l)
}

// counted reports what is read, and ends with the context.
func (m *maker) counted(r io.Reader) io.Reader { return counter{r, m} }

type counter struct {
	io.Reader
	m *maker
}

func (c counter) Read(p []byte) (int, error) { return c.m.read(c.Reader, p) }

type countedFile struct {
	*os.File
	m *maker
}

func (c countedFile) Read(p []byte) (int, error) { return c.m.read(c.File, p) }

// WriteTo hides that of the file, which would not count.
func (c countedFile) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, counter{c.File, c.m}) }

func (m *maker) read(r io.Reader, p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	if m.o.Copied != nil {
		m.o.Copied(int64(n))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &sourceError{err}
	}
	return n, err
}

// sourceError says that what is copied cannot be read: a bad sector costs one file. Any
// other error of a copy is that of the place it goes to.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }
