package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// format is the layout of a backup that this program writes and reads.
const format = 1

// The names within a backup.
const (
	idName       = "backup.json"
	filesDir     = "files"
	snapshotsDir = "snapshots"
	ledgerName   = "ledger.db"
	manifestName = "manifest.json"
	sumName      = "manifest.sha256" // as sha256sum writes and checks it
	// partial ends the name of what is not whole yet.
	partial = ".partial"
)

// The folders of a snapshot, by where a file was.
const (
	// BesideConfig: in the configuration's folder.
	BesideConfig = "config"
	// InData: in the data folder.
	InData = "data"
	// Elsewhere: anywhere else, below its absolute path.
	Elsewhere = "elsewhere"
)

// nameLayout is the time in the name of a snapshot.
const nameLayout = "20060102T150405Z"

// maxManifest is more than any manifest has, in bytes.
const maxManifest = 1 << 30

// Manifest says what a snapshot has. It holds no secret.
type Manifest struct {
	Format   int       `json:"format"`
	Snapshot string    `json:"snapshot"`
	At       time.Time `json:"at"`
	Version  string    `json:"version"`
	Ledger   string    `json:"ledger"`
	Agent    string    `json:"agent_id"`
	Event    int64     `json:"event"`
	// Config is the name of the configuration, ConfigDir and DataDir where the folders
	// were.
	Config    string `json:"config"`
	ConfigDir string `json:"config_dir"`
	DataDir   string `json:"data_dir"`
	// Credentials: the snapshot has the files that are secret. Outside is as in
	// Source.
	Credentials bool     `json:"credentials"`
	Outside     []string `json:"outside"`
	// Beside are the files of the snapshot itself, Files those that the ledger names.
	Beside []Entry  `json:"beside"`
	Files  []Stored `json:"files"`
	// Left are files that are missing, or not as the ledger has them.
	Left []Left `json:"left"`
}

// Entry is a file within a snapshot.
type Entry struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Run    bool   `json:"run,omitempty"`    // it is a program
	Secret bool   `json:"secret,omitempty"` // only its owner may read it
}

// Stored is a file that the ledger names. Its content is in files/SHA256.
type Stored struct {
	Path   string `json:"path"` // within the data folder
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Left is a file that is missing in a backup, or differs from the ledger.
type Left struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// manifest writes the manifest and its sum.
func (m *maker) manifest() error {
	var data bytes.Buffer
	to := json.NewEncoder(&data)
	to.SetIndent("", " ")
	if err := to.Encode(m.m); err != nil {
		return err
	}
	size := int64(data.Len())
	sum, err := m.to.named(manifestName, 0o600, &data, size)
	if err != nil {
		return err
	}
	text := sumText(sum)
	_, err = m.to.named(sumName, 0o600, strings.NewReader(text), int64(len(text)))
	return err
}

// sumText is the content of the file with the sum of the manifest.
func sumText(sum string) string { return sum + "  " + manifestName + "\n" }

// identity is the content of backup.json.
type identity struct {
	Format int    `json:"format"`
	Ledger string `json:"ledger"`
}

func (i identity) text() []byte {
	data, _ := json.Marshal(i) // two plain fields
	return append(data, '\n')
}

// decode reads JSON that this program has written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is text behind its end")
	}
	return nil
}

// check returns what is wrong with the manifest in itself.
func (m Manifest) check(snapshot string) error {
	if m.Format != format {
		return fmt.Errorf("it has format %d, and this program knows %d", m.Format, format)
	}
	if m.Snapshot != snapshot {
		return fmt.Errorf("it is that of snapshot %.40q", m.Snapshot)
	}
	seen := map[string]bool{}
	for _, e := range m.Beside {
		if seen[e.Name] || !placed(e.Name) || !isSum(e.SHA256) || e.Bytes < 0 {
			return fmt.Errorf("the file %.200q has no place in a snapshot", e.Name)
		}
		seen[e.Name] = true
	}
	if !seen[ledgerName] {
		return errors.New("it names no " + ledgerName)
	}
	clear(seen)
	for _, f := range m.Files {
		if seen[f.Path] || !fs.ValidPath(f.Path) || f.Path == "." || !isSum(f.SHA256) || f.Bytes < 0 {
			return fmt.Errorf("the file %.200q has no place in a data folder", f.Path)
		}
		seen[f.Path] = true
	}
	return nil
}

// placed reports whether a file of this name may be in a snapshot.
func placed(name string) bool {
	if name == ledgerName {
		return true
	}
	top, rest, _ := strings.Cut(name, "/")
	return fs.ValidPath(name) && rest != "" && slices.Contains([]string{BesideConfig, InData, Elsewhere}, top)
}

// isSum reports whether a text is a sha256 as it is written here.
func isSum(text string) bool {
	data, err := hex.DecodeString(text)
	return err == nil && len(data) == sha256.Size && text == strings.ToLower(text)
}

// isSnapshot reports whether a name is that of a whole snapshot.
func isSnapshot(name string) bool {
	_, err := time.Parse(nameLayout, name)
	return err == nil
}

// contentName is the name of the file with this content.
func contentName(sum string) string { return path.Join(filesDir, sum) }

// openRegular opens a file that is no folder, device or pipe, which could block.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		return nil, nil, err
	}
	return sized(os.Open(name))
}

// openIn is openRegular within a folder, which no link leads out of.
func openIn(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		return nil, nil, err
	}
	return sized(root.Open(name))
}

// sized returns an open file with its size.
func sized(f *os.File, err error) (*os.File, fs.FileInfo, error) {
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// cause is an error without the path that is shown next to it.
func cause(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "is gone"
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return "cannot be read: " + err.Error()
}
