package backup

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// Problem is something that is wrong with a backup.
type Problem struct {
	// Name is the file within the backup; empty for the whole.
	Name string `json:"name"`
	Text string `json:"text"`
	// snapshots are those that it concerns; nil for all.
	snapshots []string
	// mild: what the snapshots have is whole.
	mild bool
}

// Report is what a verification has found.
type Report struct {
	From string `json:"from"`
	// Snapshots are the snapshots, the oldest first, and Files the contents that they
	// share.
	Snapshots []Manifest `json:"-"`
	Names     []string   `json:"snapshots"`
	Files     int        `json:"files"`
	Bytes     int64      `json:"bytes"`
	Problems  []Problem  `json:"problems"`
	// Folder: the backup is in a folder, whose damaged files the next backup copies again.
	Folder bool `json:"-"`
	// unjudged are the databases that could not be judged, by snapshot.
	unjudged map[string]*HostError
}

// Repairable reports whether the next backup copies again what is damaged, once it is
// removed.
func (r Report) Repairable() bool { return r.Folder && slices.ContainsFunc(r.Problems, ofContent) }

// HostError says why a backup could not be verified although it need not be damaged: the host
// has no space for a copy of the database, or a newer program wrote the backup. ReadLedger
// returns one, too.
type HostError struct {
	// Name is the file within the backup.
	Name string
	Err  error
}

// Error describes the error.
func (e *HostError) Error() string {
	if e.Name == "" {
		return e.Err.Error()
	}
	return e.Name + ": " + e.Err.Error()
}

// Unwrap returns its cause.
func (e *HostError) Unwrap() error { return e.Err }

// Verify reads a whole backup and reports everything that is wrong with it. readLedger
// reads and checks a copy of the database.
func Verify(from string, readLedger func(path string) (order.LedgerCopy, error)) (Report, error) {
	a, err := open(from)
	if err != nil {
		return Report{}, fmt.Errorf("verify %s: %w", from, err)
	}
	defer a.close()
	r, err := verify(a, from, readLedger)
	for _, name := range r.Names {
		if host := r.unjudged[name]; host != nil && err == nil {
			err = host
		}
	}
	if err != nil {
		return Report{}, fmt.Errorf("verify %s: %w", from, err)
	}
	return r, nil
}

func verify(a archive, from string, readLedger func(path string) (order.LedgerCopy, error)) (Report, error) {
	temp, err := os.MkdirTemp("", "atelierd-verify-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(temp) }() // the system removes it in time
	v := &verifier{
		Report: Report{From: from, unjudged: map[string]*HostError{}}, ledgerIn: temp, readLedger: readLedger,
		found: map[string]fact{}, texts: map[string][]byte{}, ledgers: map[string]ledgerFact{}, named: map[string][]string{},
	}
	_, v.Folder = a.(*folderReader)
	err = a.walk(v.read)
	if host, is := errors.AsType[*HostError](err); is {
		return Report{}, host
	}
	if err != nil {
		v.problem("", "%v", err)
	}
	v.judge()
	slices.SortStableFunc(v.Problems, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	return v.Report, nil
}

// fact is what is known of an item.
type fact struct {
	item
	sum string
}

// ledgerFact is what a copy of the database says, or why it cannot be read.
type ledgerFact struct {
	order.LedgerCopy
	err error
}

type verifier struct {
	Report
	ledgerIn   string // a folder for copies of the database
	readLedger func(path string) (order.LedgerCopy, error)
	found      map[string]fact
	texts      map[string][]byte // of small files
	ledgers    map[string]ledgerFact
	named      map[string][]string // by the name of an item, the snapshots that name it
}

func (v *verifier) problem(name, format string, args ...any) {
	v.Problems = append(v.Problems, Problem{Name: name, Text: fmt.Sprintf(format, args...), snapshots: v.named[name]})
}

// mild is problem for what does no harm to a restore.
func (v *verifier) mild(name, format string, args ...any) {
	v.problem(name, format, args...)
	v.Problems[len(v.Problems)-1].mild = true
}

// read takes the sum of an item, and keeps what is judged by its content.
func (v *verifier) read(i item, from io.Reader) error {
	switch _, twice := v.found[i.name]; {
	case i.mode.IsDir():
		return nil // some programs write folders into a tar
	case twice:
		v.problem(i.name, "is there twice")
		return nil
	case !fs.ValidPath(i.name):
		v.problem(i.name, "is a name that leads out of the backup")
		return nil
	case !i.mode.IsRegular():
		v.found[i.name] = fact{item: i}
		return nil // judge reports it
	}
	hash := sha256.New()
	from = io.TeeReader(from, hash)
	var err error
	switch base := path.Base(i.name); {
	case i.name == idName, base == manifestName, base == sumName:
		v.texts[i.name], err = io.ReadAll(io.LimitReader(from, maxManifest))
	case base == ledgerName:
		err = v.keepLedger(i, from)
	}
	if err == nil {
		_, err = io.Copy(io.Discard, from)
	}
	if host, is := errors.AsType[*HostError](err); is {
		return host
	}
	if err != nil {
		v.problem(i.name, "%s", cause(err))
	}
	v.found[i.name] = fact{i, hex.EncodeToString(hash.Sum(nil))}
	return nil
}

// keepLedger reads a copy of the database. One in a tar is copied first.
func (v *verifier) keepLedger(i item, from io.Reader) error {
	if i.path != "" {
		l, err := v.readLedger(i.path)
		v.ledgers[i.name] = ledgerFact{l, err}
		return nil
	}
	file, err := os.CreateTemp(v.ledgerIn, "*.db")
	if err != nil {
		return &HostError{i.name, err}
	}
	defer func() { _ = os.Remove(file.Name()) }()
	source := &fallible{Reader: from}
	if _, err := io.Copy(file, source); source.err != nil {
		return errors.Join(source.err, file.Close())
	} else if err = errors.Join(err, file.Close()); err != nil {
		return &HostError{i.name, fmt.Errorf("cannot be copied: %w", err)}
	}
	l, err := v.readLedger(file.Name())
	v.ledgers[i.name] = ledgerFact{l, err}
	return nil
}

// fallible remembers how reading has failed, which tells it from how writing has.
type fallible struct {
	io.Reader
	err error
}

func (f *fallible) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// judge compares what was found with what the manifests say.
func (v *verifier) judge() {
	var id identity
	if text, there := v.texts[idName]; !there {
		v.problem(idName, "is missing")
	} else if err := decode(text, &id); err != nil || !bytes.Equal(text, id.text()) {
		v.problem(idName, "is damaged")
	}
	var names []string
	for name := range v.found {
		if rest, is := strings.CutPrefix(name, snapshotsDir+"/"); is {
			snapshot, _, _ := strings.Cut(rest, "/")
			names = append(names, snapshot)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		v.snapshot(name, id)
	}
	if len(v.Names) == 0 && len(v.Problems) == 0 {
		v.problem("", "there is no snapshot")
	}
	v.contents()
}

// snapshot judges one snapshot.
func (v *verifier) snapshot(name string, id identity) {
	at := path.Join(snapshotsDir, name)
	v.named[at] = []string{name}
	if !isSnapshot(name) {
		v.problem(at, "is not the name of a snapshot")
		return
	}
	v.Names = append(v.Names, name)
	for _, each := range []string{manifestName, sumName} {
		v.named[path.Join(at, each)] = []string{name}
	}
	text, there := v.texts[path.Join(at, manifestName)]
	sum := v.texts[path.Join(at, sumName)]
	var m Manifest
	switch {
	case !there:
		v.problem(path.Join(at, manifestName), "is missing")
		return
	case string(sum) != sumText(v.found[path.Join(at, manifestName)].sum):
		v.problem(path.Join(at, manifestName), "is not as %s says", sumName)
		return
	}
	if err := decode(text, &m); err != nil {
		v.problem(path.Join(at, manifestName), "cannot be read: %v", err)
		return
	}
	if err := m.check(name); err != nil {
		v.problem(path.Join(at, manifestName), "%v", err)
		return
	}
	if m.Ledger != id.Ledger && id.Ledger != "" {
		v.problem(path.Join(at, manifestName), "is that of another data folder")
	}
	v.Snapshots = append(v.Snapshots, m)
	for _, e := range m.Beside {
		v.entry(name, path.Join(at, e.Name), e)
	}
	for _, f := range m.Files {
		v.stored(name, f)
	}
	v.ledger(name, m)
}

// entry judges a file of a snapshot itself.
func (v *verifier) entry(snapshot, name string, e Entry) {
	v.named[name] = append(v.named[name], snapshot)
	f, there := v.found[name]
	switch {
	case !there:
		v.problem(name, "is missing")
	case !f.mode.IsRegular():
		v.problem(name, "is not a regular file")
	case f.size != e.Bytes:
		v.problem(name, "has %d bytes instead of %d", f.size, e.Bytes)
	case f.sum != e.SHA256:
		v.problem(name, "is damaged: its sha256 differs")
	case e.Secret && f.mode.Perm()&0o077 != 0 && private:
		v.mild(name, "is secret, and can be read by other users (mode %04o)", f.mode.Perm())
	}
}

// stored judges the content of a file that the ledger names.
func (v *verifier) stored(snapshot string, s Stored) {
	name := contentName(s.SHA256)
	if list := v.named[name]; !slices.Contains(list, snapshot) {
		v.named[name] = append(list, snapshot)
	}
	if f, there := v.found[name]; !there {
		v.Problems = append(v.Problems, Problem{Name: name, Text: "is missing; it is " + s.Path, snapshots: []string{snapshot}})
	} else if f.mode.IsRegular() && f.size != s.Bytes {
		v.Problems = append(v.Problems, Problem{Name: name, Text: fmt.Sprintf("has %d bytes instead of %d; it is %s", f.size, s.Bytes, s.Path), snapshots: []string{snapshot}})
	}
}

// ledger compares a copy of the database with its manifest.
func (v *verifier) ledger(snapshot string, m Manifest) {
	name := path.Join(snapshotsDir, snapshot, ledgerName)
	l, there := v.ledgers[name]
	if !there {
		return // it is missing, which is a problem already
	}
	if host, is := errors.AsType[*HostError](l.err); is {
		v.unjudged[snapshot] = &HostError{name, host.Err}
		return
	}
	if l.err != nil {
		v.problem(name, "cannot be read: %v", l.err)
		return
	}
	if l.ID != m.Ledger || l.Event != m.Event {
		v.problem(name, "is not the database of its manifest")
		return
	}
	known := map[string]bool{}
	for _, f := range m.Files {
		known[f.Path] = true
	}
	for _, left := range m.Left {
		known[left.Name] = true
	}
	for _, f := range l.Files {
		if !known[f.Path] {
			v.problem(path.Join(snapshotsDir, snapshot, manifestName), "lacks %s, which the database names", f.Path)
		}
	}
}

// contents judges what no manifest decides: whether contents are what their names say, and
// what nothing names.
func (v *verifier) contents() {
	for name, f := range v.found {
		sum, content := strings.CutPrefix(name, filesDir+"/")
		switch {
		case content && v.named[name] != nil:
			v.Files++
			v.Bytes += f.size
			if !f.mode.IsRegular() {
				v.problem(name, "is not a regular file")
			} else if f.sum != sum {
				v.problem(name, "is damaged: its sha256 differs")
			}
		case name == idName, v.named[name] != nil:
		case strings.HasPrefix(name, snapshotsDir+"/") && v.unread(name):
			// Without its manifest nothing is known of it.
		case !f.mode.IsRegular():
			v.problem(name, "is not a regular file, and no snapshot names it")
		case content && f.sum == sum:
			v.mild(name, "is not part of any snapshot; the next backup removes it")
		default:
			v.problem(name, "is not part of any snapshot")
		}
	}
}

// unread reports whether an item is in a snapshot whose manifest could not be used.
func (v *verifier) unread(name string) bool {
	snapshot := strings.Split(name, "/")[1]
	return !slices.ContainsFunc(v.Snapshots, func(m Manifest) bool { return m.Snapshot == snapshot })
}
