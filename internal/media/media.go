// Package media decides whether the marketplace accepts a file. It detects the
// type, checks that the file is complete, measures it and hashes it.
//
// It must not know orders, services, generators or the network. It never decodes an
// image: it reads the header and the marks that divide and end a file.
package media

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/order"
)

const (
	// MaxBytes is the maximum size of a file, 50 MB in the marketplace's guide.
	MaxBytes = 50 << 20
	// MaxPixels is the maximum size of an image, 64 megapixels. A small file can
	// hold an image that is too large for the memory of a client's machine.
	MaxPixels = 64 << 20
)

// The marketplace's kinds of files. Its guide has the first two. The deployed
// marketplace accepts the others too.
const (
	Image    = "image"
	Video    = "video"
	Document = "document"
	Text     = "text"
	Code     = "code"
)

// Info describes an accepted file.
type Info struct {
	MIME   string // one of the types that the marketplace accepts
	Media  string // Image, Video, Document, Text or Code
	Bytes  int64
	SHA256 string // lower-case hex
	// Width and Height are pixels as shown, Duration is that of a video. They are 0
	// when the header does not contain them.
	Width, Height int
	Duration      time.Duration
}

// Inspect reads the regular file at path in constant memory. Its error is an
// *order.Failure of class Retry. The code is order.CodeBadFile if the marketplace
// would not accept the file, and order.CodeFileUnreadable if reading failed, which
// says nothing about the file.
func Inspect(path string) (Info, error) {
	f, err := openNoFollow(path)
	if errors.Is(err, errSymlink) {
		return Info{}, bad(path, "is a symbolic link")
	}
	if err != nil {
		return Info{}, unreadable(path, err)
	}
	defer f.Close()
	return inspect(f, path)
}

func inspect(f *os.File, path string) (Info, error) {
	st, err := f.Stat()
	switch {
	case err != nil:
		return Info{}, unreadable(path, err)
	case !st.Mode().IsRegular():
		return Info{}, bad(path, "is not a regular file")
	case st.Size() == 0:
		return Info{}, bad(path, "is empty")
	case st.Size() > MaxBytes:
		return Info{}, bad(path, "has %d bytes; the marketplace accepts at most %d", st.Size(), MaxBytes)
	}
	info := Info{Bytes: st.Size()}
	for _, step := range []func(*os.File, string) error{info.identify, info.measure, info.hash} {
		if err := step(f, path); err != nil {
			return Info{}, err
		}
	}
	return info, nil
}

// identify sets the type of a file that is complete.
func (i *Info) identify(f *os.File, path string) error {
	head := make([]byte, sniffLen)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unreadable(path, err)
	}
	i.MIME = sniff(head[:n])
	flaw := whole(i.MIME, f, i.Bytes)
	// A text may begin like any other type: "GIF89a is a format".
	if text := textTypes[strings.ToLower(filepath.Ext(path))]; flaw != nil && text != "" && utf8Text(f, head[:n]) {
		i.MIME, flaw = text, nil
	}
	if d, ok := errors.AsType[defect](flaw); ok {
		return bad(path, "%s", d)
	} else if flaw != nil {
		return unreadable(path, flaw)
	}
	i.Media = kind(i.MIME)
	return nil
}

// measure sets the size and the duration.
func (i *Info) measure(f *os.File, path string) error {
	if i.Media == Video {
		v, dark := measure(i.MIME, f, i.Bytes)
		if dark {
			return bad(path, "%s", errDark)
		}
		i.Width, i.Height, i.Duration = v.width, v.height, v.duration
	}
	if i.Media != Image {
		return nil
	}
	width, height, err := dimensions(i.MIME, f, i.Bytes)
	switch {
	case errors.Is(err, errHeader):
		return bad(path, "looks like %s, but its header cannot be read", i.MIME)
	case err != nil:
		return unreadable(path, err)
	case width <= 0 || height <= 0:
		return bad(path, "is an image without pixels")
	case int64(width)*int64(height) > MaxPixels:
		return bad(path, "is %d x %d pixels; at most 64 megapixels are accepted", width, height)
	}
	i.Width, i.Height = width, height
	if i.MIME == "image/jpeg" && sideways(f, i.Bytes) {
		i.Width, i.Height = height, width
	}
	return nil
}

// hash sets the checksum.
func (i *Info) hash(f *os.File, path string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return unreadable(path, err)
	}
	hash := sha256.New()
	// One byte more than expected shows a file that is still growing.
	read, err := io.Copy(hash, io.LimitReader(f, i.Bytes+1))
	if err != nil {
		return unreadable(path, err)
	}
	if read != i.Bytes {
		return bad(path, "changed while it was read")
	}
	i.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// errSymlink means that a path is a symbolic link.
var errSymlink = errors.New("symbolic link")

// bad returns a failure of the file itself. The name comes from a generator, so it is
// quoted and cut.
func bad(path, format string, args ...any) error {
	return order.Failf(order.Retry, order.CodeBadFile, "%.80q %s", filepath.Base(path), fmt.Sprintf(format, args...))
}

func unreadable(path string, err error) error {
	// The path inside the error is foreign text, and the message has it already.
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	return order.Failf(order.Retry, order.CodeFileUnreadable, "cannot read %.80q: %w", filepath.Base(path), err)
}
