package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/ledger"
	"atelierd/internal/order"
)

// Restoring says what is restored, and where to.
type Restoring struct {
	From string
	// Snapshot is the name of a snapshot; empty is the newest.
	Snapshot string
	// DataDir is an empty folder that becomes the data folder. Or To is one that gets
	// everything: the configuration, and below it the data folder.
	DataDir, To string
	// DataName is the data folder of a configuration that names none, next to it.
	DataName string
	// Database is the name of the database in a data folder.
	Database string
	// ReadLedger reads and checks a copy of the database.
	ReadLedger func(path string) (order.LedgerCopy, error)
	// SkipDamaged leaves out files of orders that are damaged or missing in the backup. All
	// else has to be whole.
	SkipDamaged bool
}

// Restored is what a restore has done.
type Restored struct {
	Snapshot string    `json:"snapshot"`
	At       time.Time `json:"at"`
	Agent    string    `json:"agent_id"`
	DataDir  string    `json:"data_dir"`
	// Config is the restored configuration; empty where only the data folder was.
	Config string `json:"config,omitempty"`
	// Elsewhere are files that belong to the absolute paths below the folder elsewhere.
	Elsewhere []string `json:"elsewhere,omitempty"`
	Files     int      `json:"files"`
	Bytes     int64    `json:"bytes"`
	// Credentials: the snapshot has the files that are secret. Outside is as in
	// Source.
	Credentials bool     `json:"credentials"`
	Outside     []string `json:"outside,omitempty"`
	Left        []Left   `json:"left,omitempty"`
	// Skipped are files of the snapshot that were not restored.
	Skipped []string `json:"skipped,omitempty"`
}

// DamagedError says that a backup is not restored because it is damaged.
type DamagedError struct {
	From     string
	Problems []Problem
}

// Skippable reports whether a restore with SkipDamaged restores all else.
func (e *DamagedError) Skippable() bool {
	return !slices.ContainsFunc(e.Problems, func(p Problem) bool { return !ofContent(p) })
}

// ofContent reports whether a problem is that of one file of an order.
func ofContent(p Problem) bool {
	sum, content := strings.CutPrefix(p.Name, filesDir+"/")
	return content && isSum(sum)
}

// Error describes the error.
func (e *DamagedError) Error() string {
	first := e.Problems[0]
	text := strings.TrimSpace(first.Name + " " + first.Text)
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return fmt.Sprintf("%s is damaged, so nothing was restored: %s", e.From, text)
}

// ErrNotEmpty says that a restore needs an empty folder.
var ErrNotEmpty = errors.New("the folder is not empty")

// Restore verifies a snapshot, and copies it into an empty folder. It writes nowhere else. The
// next start of the daemon recognises that the ledger was restored.
func Restore(r Restoring) (Restored, error) {
	into := r.To
	if into == "" {
		into = r.DataDir
	}
	if empty, err := Empty(into); err != nil {
		return Restored{}, err
	} else if !empty {
		return Restored{}, fmt.Errorf("restore into %s: %w", into, ErrNotEmpty)
	}
	a, err := open(r.From)
	if err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", r.From, err)
	}
	defer a.close()
	m, err := sound(a, r)
	if err != nil {
		return Restored{}, err
	}
	if err := os.MkdirAll(into, 0o700); err != nil {
		return Restored{}, err
	}
	root, err := os.OpenRoot(into)
	if err != nil {
		return Restored{}, err
	}
	defer root.Close()
	c := &copier{root: root, m: m, r: r, to: map[string][]placeOf{}}
	c.plan(into)
	if err := c.copy(a); err != nil {
		return Restored{}, fmt.Errorf("restore into %s: %w", into, err)
	}
	return c.done, nil
}

// sound verifies the snapshot and returns its manifest.
func sound(a archive, r Restoring) (Manifest, error) {
	report, err := verify(a, r.From, r.ReadLedger)
	if err != nil {
		return Manifest{}, err
	}
	want := r.Snapshot
	if want == "" && len(report.Names) > 0 {
		want = report.Names[len(report.Names)-1]
	}
	if want != "" && !slices.Contains(report.Names, want) {
		return Manifest{}, fmt.Errorf("%s has no snapshot %s; it has %s", r.From, want, strings.Join(report.Names, ", "))
	}
	if host := report.unjudged[want]; host != nil {
		return Manifest{}, fmt.Errorf("restore %s: %w", r.From, host)
	}
	problems := slices.DeleteFunc(report.Problems, func(p Problem) bool {
		return p.mild || p.snapshots != nil && !slices.Contains(p.snapshots, want)
	})
	damaged := &DamagedError{r.From, problems}
	if len(problems) > 0 && (!r.SkipDamaged || !damaged.Skippable()) {
		return Manifest{}, damaged
	}
	at := slices.IndexFunc(report.Snapshots, func(m Manifest) bool { return m.Snapshot == want })
	if at < 0 {
		return Manifest{}, fmt.Errorf("%s has no snapshot", r.From)
	}
	return report.Snapshots[at].without(problems), nil
}

// without returns the manifest without the files of orders that have a problem. It lists
// them as left out.
func (m Manifest) without(problems []Problem) Manifest {
	var whole []Stored
	for _, f := range m.Files {
		if slices.ContainsFunc(problems, func(p Problem) bool { return p.Name == contentName(f.SHA256) }) {
			m.Left = append(m.Left, Left{Name: f.Path, Why: "left out, because it is damaged or missing in the backup"})
			continue
		}
		whole = append(whole, f)
	}
	m.Files = whole
	return m
}

// placeOf is where an item goes within the folder.
type placeOf struct {
	path string
	mode os.FileMode
}

// copier copies a snapshot that was verified.
type copier struct {
	root *os.Root
	m    Manifest
	r    Restoring
	data string               // the data folder within the root
	to   map[string][]placeOf // by the name of an item
	done Restored
}

// plan decides where each item goes.
func (c *copier) plan(into string) {
	c.data = "."
	if c.r.To != "" {
		// Where the data folder was below the configuration, it is again. Else it is where a
		// configuration that names none finds it.
		if rel, err := filepath.Rel(c.m.ConfigDir, c.m.DataDir); err == nil && filepath.IsLocal(rel) {
			c.data = filepath.ToSlash(rel)
		} else {
			c.data = c.r.DataName
		}
		c.done.Config = filepath.Join(into, filepath.FromSlash(strings.TrimPrefix(c.m.Config, BesideConfig+"/")))
	}
	c.done = Restored{
		Snapshot: c.m.Snapshot, At: c.m.At, Agent: c.m.Agent, Credentials: c.m.Credentials, Outside: c.m.Outside, Left: c.m.Left,
		Config: c.done.Config, DataDir: filepath.Join(into, filepath.FromSlash(c.data)),
	}
	for _, e := range c.m.Beside {
		item := path.Join(snapshotsDir, c.m.Snapshot, e.Name)
		mode := os.FileMode(0o600)
		if e.Run {
			mode = 0o700
		}
		top, rest, _ := strings.Cut(e.Name, "/")
		switch {
		case e.Name == ledgerName:
			c.to[item] = []placeOf{{path.Join(c.data, c.r.Database+partial), mode}}
		case top == InData:
			c.to[item] = []placeOf{{path.Join(c.data, rest), mode}}
		case c.r.To == "":
			c.done.Skipped = append(c.done.Skipped, rest)
		case top == BesideConfig:
			c.to[item] = []placeOf{{rest, mode}}
		default:
			c.to[item] = []placeOf{{e.Name, mode}}
			c.done.Elsewhere = append(c.done.Elsewhere, filepath.Join(into, filepath.FromSlash(e.Name)))
		}
	}
	for _, f := range c.m.Files {
		item := contentName(f.SHA256)
		c.to[item] = append(c.to[item], placeOf{path.Join(c.data, f.Path), 0o600})
		c.done.Files++
		c.done.Bytes += f.Bytes
	}
}

// copy copies everything. The mark comes first and the database last: until it is there,
// the folder is one whose database is gone, and no daemon begins in it.
func (c *copier) copy(a archive) error {
	if err := c.root.MkdirAll(c.data, 0o700); err != nil {
		return err
	}
	why := "the data folder was restored from the backup of " + c.m.At.UTC().Format(time.RFC3339)
	mark := order.Mark{Ledger: c.m.Ledger, Event: c.m.Event, At: c.m.At, Restored: why}
	if err := ledger.WriteMark(c.done.DataDir, mark); err != nil {
		return err
	}
	if err := a.walk(c.item); err != nil {
		return err
	}
	for item := range c.to {
		return fmt.Errorf("%s has changed while it was restored: %s is gone", c.r.From, item)
	}
	database := path.Join(c.data, c.r.Database)
	if err := c.root.Rename(database+partial, database); err != nil {
		return err
	}
	syncFolder(c.done.DataDir)
	return nil
}

// item writes an item to its places.
func (c *copier) item(i item, from io.Reader) error {
	places := c.to[i.name]
	delete(c.to, i.name)
	if len(places) == 0 || !i.mode.IsRegular() {
		return nil
	}
	first := places[0]
	sum, err := c.write(first, from)
	if err != nil {
		return err
	}
	if sum != c.sum(i.name) {
		return fmt.Errorf("%s has changed while it was restored: %s", c.r.From, i.name)
	}
	for _, other := range places[1:] {
		file, err := c.root.Open(first.path)
		if err != nil {
			return err
		}
		_, err = c.write(other, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// sum returns the sum that an item has by the manifest.
func (c *copier) sum(name string) string {
	if sum, content := strings.CutPrefix(name, filesDir+"/"); content {
		return sum
	}
	at := slices.IndexFunc(c.m.Beside, func(e Entry) bool { return path.Join(snapshotsDir, c.m.Snapshot, e.Name) == name })
	return c.m.Beside[at].SHA256
}

// write writes a new file durably.
func (c *copier) write(to placeOf, from io.Reader) (string, error) {
	if err := c.root.MkdirAll(path.Dir(to.path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	f, err := c.root.OpenFile(to.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, to.mode)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, hash), from)
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, f.Sync(), f.Close())
}
