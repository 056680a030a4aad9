// Package thumb makes small pictures of the files of orders: a JPEG of at most 512 pixels of
// each image, and of a frame of each video where ffmpeg is installed. They are in a folder
// of the data folder, each by the sha256 of its file. Whoever removes them loses nothing:
// they are made again.
//
// The files are hostile. Their headers are read first, one is decoded at a time, and none
// that would need more memory than a daemon should take. A file that ended the process
// while it was decoded is not tried again and again.
//
// It must not know SQL, the marketplace, nor who looks at pictures.
package thumb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

const (
	// Dir is the folder of the small pictures in the data folder.
	Dir = "thumbs"
	// Side is the most pixels of a side.
	Side = 512
)

// Errors of a file that has no small picture.
var (
	ErrNone   = errors.New("there is no small picture of this file")
	ErrLater  = errors.New("the small picture of this file is not made yet")
	errNoFile = errors.New("the file is not as the ledger has it")
)

// Options are what a Maker needs.
type Options struct {
	// Dir is the data folder, and FilesDir the folder of files of orders in it.
	Dir, FilesDir string
	// Files returns the files that have a picture, at most 100: those whose ids come after
	// one, by their ids.
	Files func(ctx context.Context, after int64) ([]order.Artifact, error)
	// Wanted reports whether there is a file with a sha256. The small pictures of others are
	// removed each day. Nil keeps all.
	Wanted func(ctx context.Context, sha256 string) (bool, error)
	// FFmpeg runs ffmpeg in a folder, with an empty environment and a time limit. Nil is
	// for no posters.
	FFmpeg func(ctx context.Context, dir string, args ...string) error
	Log    *slog.Logger
}

// Maker makes small pictures. Create it with New.
type Maker struct {
	o        Options
	making   sync.Mutex // one picture is decoded at a time
	failures logonce.Logger

	mu     sync.Mutex
	wanted []*wish // in the order in which they came
	bySum  map[string]*wish
	wake   chan struct{}
}

// New returns a Maker.
func New(o Options) *Maker {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Maker{o: o, bySum: map[string]*wish{}, wake: make(chan struct{}, 1)}
}

// mostTries is how often a file is tried that fails, or ends the process.
const mostTries = 2

// Has reports whether a file has a small picture, or may get one. A page shows a tile of
// words for others.
func (m *Maker) Has(a order.Artifact) bool {
	switch {
	case !isSum(a.SHA256) || a.Path == "" || !a.Removed.IsZero():
		return false
	case m.made(a.SHA256):
		return true
	case strings.HasPrefix(a.MIME, "image/"):
		return m.tries(a.SHA256) < mostTries
	}
	return false // a poster takes longer than a page may
}

func (m *Maker) path(sum string) string { return filepath.Join(m.o.Dir, Dir, sum+".jpg") }

// tried is a file with a byte for each try. It is written before a try and removed after
// one that succeeds.
func (m *Maker) tried(sum string) string { return filepath.Join(m.o.Dir, Dir, sum+".tried") }

func (m *Maker) made(sum string) bool {
	info, err := os.Lstat(m.path(sum))
	return err == nil && info.Mode().IsRegular()
}

func (m *Maker) tries(sum string) int64 {
	info, err := os.Lstat(m.tried(sum))
	if err != nil {
		return 0
	}
	return info.Size()
}

// Remove removes the small picture of a file from the data folder dir.
func Remove(dir, sum string) error {
	if !isSum(sum) {
		return nil
	}
	var errs []error
	for _, ending := range []string{".jpg", ".tried"} {
		if err := os.Remove(filepath.Join(dir, Dir, sum+ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// isSum reports whether a text of the ledger is a sha256, and so the name of a file.
func isSum(sum string) bool {
	return len(sum) == 64 && strings.Trim(sum, "0123456789abcdef") == ""
}

// make makes the small picture of a file unless it is there. The error is ErrNone for a
// file that has none, and one of the machine otherwise.
func (m *Maker) make(ctx context.Context, a order.Artifact) error {
	if !isSum(a.SHA256) {
		return ErrNone
	}
	if m.made(a.SHA256) {
		return nil
	}
	tries := m.tries(a.SHA256)
	if tries >= mostTries {
		return ErrNone
	}
	if err := m.note(a.SHA256, tries+1); err != nil {
		return err
	}
	small, err := m.small(ctx, a)
	switch {
	case err == nil:
		err = m.write(a.SHA256, small)
		return errors.Join(err, m.note(a.SHA256, 0))
	case ctx.Err() != nil || host.Lacks(err) != host.None: // it says nothing of the file
		return errors.Join(err, m.note(a.SHA256, tries))
	case errors.Is(err, errNoFile): // it may come back
		return errors.Join(ErrNone, m.note(a.SHA256, tries))
	case tookTooLong(err):
		return ErrLater
	default:
		m.o.Log.Debug("no small picture could be made of a file", "order", a.OrderID, "file", a.ID, "error", err)
		return errors.Join(ErrNone, m.note(a.SHA256, mostTries))
	}
}

// tookTooLong reports whether a program was stopped, as it may be on a busy machine.
func tookTooLong(err error) bool {
	f, is := errors.AsType[*order.Failure](err)
	return is && f.Code == order.CodeTimeout
}

// note stores how often a file was tried.
func (m *Maker) note(sum string, tries int64) error {
	if tries == 0 {
		return os.Remove(m.tried(sum))
	}
	if err := os.MkdirAll(filepath.Join(m.o.Dir, Dir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(m.tried(sum), bytes.Repeat([]byte("."), int(tries)), 0o600)
}

// write stores a small picture, whole or not at all.
func (m *Maker) write(sum string, small []byte) error {
	temp, err := os.CreateTemp(filepath.Join(m.o.Dir, Dir), tempPrefix+"*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(small)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), m.path(sum))
	}
	if err != nil {
		_ = os.Remove(temp.Name()) // the next start removes it otherwise
	}
	return err
}

// tempPrefix begins the names of unfinished files.
const tempPrefix = ".new-"

// small returns the small picture of a file as a JPEG. A decoder that panics has met a
// file that it cannot read.
func (m *Maker) small(ctx context.Context, a order.Artifact) (small []byte, err error) {
	m.making.Lock()
	defer m.making.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder failed: %v", r)
		}
	}()
	if strings.HasPrefix(a.MIME, "video/") {
		return m.poster(ctx, a)
	}
	return m.scaled(a, Side, 0)
}

// Scaled returns a file as a JPEG of at most the pixels at a side and the bytes. It is made
// again each time.
func (m *Maker) Scaled(a order.Artifact, side, bytes int) (small []byte, err error) {
	m.making.Lock()
	defer m.making.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder failed: %v", r)
		}
	}()
	return m.scaled(a, side, bytes)
}

func (m *Maker) scaled(a order.Artifact, side, bytes int) ([]byte, error) {
	f, err := m.Original(a)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	small, large, err := shrink(f, a.Bytes, side)
	if large {
		debug.FreeOSMemory() // a daemon that runs for months does not keep it
	}
	if other := same(f, a); other != nil { // whatever was found in it
		return nil, other
	}
	if err != nil {
		return nil, err
	}
	return encode(small, bytes)
}
