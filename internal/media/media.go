// Package media answers one question about a file: is it something that the
// marketplace accepts? It sniffs, measures and hashes, and refuses the rest.
//
// It must not know orders, services, generators or the network, and it never
// decodes a picture: what it needs stands in the header, and in the marks that
// divide and end a file.
package media

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/image/webp"

	"atelierd/internal/order"
)

const (
	// MaxBytes is the most that one file may have; the marketplace's guide
	// says 50 MB.
	MaxBytes = 50 << 20
	// MaxPixels is the most that one picture may have, 64 megapixels: a small
	// file can unfold into a picture that no client's machine can hold.
	MaxPixels = 64 << 20
)

// The marketplace's words for what a file is. Its guide knows the first two; the
// deployed marketplace takes the others as well.
const (
	Image    = "image"
	Video    = "video"
	Document = "document"
	Text     = "text"
	Code     = "code"
)

// Info is what is known of an accepted file.
type Info struct {
	MIME   string // one of the types that the marketplace takes
	Media  string // Image, Video, Document, Text or Code
	Bytes  int64
	SHA256 string // lower-case hex
	// Width and Height are pixels as they are shown, Duration is that of a video; 0
	// where the header does not tell.
	Width, Height int
	Duration      time.Duration
}

// Inspect reads the regular file at path once, in constant memory. It returns
// an *order.Failure of class Retry: with the code bad_file when the file is not
// acceptable (a generator may do better next time), with the code unreadable
// when it could not be read, which says nothing about the file.
func Inspect(path string) (Info, error) {
	// Without O_NONBLOCK, opening a pipe that nobody writes to never returns.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, syscall.ELOOP) {
			return Info{}, bad(path, "is a symbolic link")
		}
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
		return Info{}, bad(path, "has %d bytes; the marketplace takes at most %d", st.Size(), MaxBytes)
	}

	head := make([]byte, sniffLen)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Info{}, unreadable(path, err)
	}
	info := Info{MIME: sniff(head[:n]), Bytes: st.Size()}
	flaw := whole(info.MIME, f, info.Bytes)
	// A text may begin like anything, as "GIF89a is a format" does.
	if text := writing[strings.ToLower(filepath.Ext(path))]; flaw != nil && text != "" && utf8Text(f, head[:n]) {
		info.MIME, flaw = text, nil
	}
	if d, ok := errors.AsType[defect](flaw); ok {
		return Info{}, bad(path, "%s", d)
	} else if flaw != nil {
		return Info{}, unreadable(path, flaw)
	}
	info.Media = kind(info.MIME)

	if info.Media == Image {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return Info{}, unreadable(path, err)
		}
		cfg, err := dimensions(info.MIME, f)
		switch {
		case err != nil:
			return Info{}, bad(path, "looks like %s, but its header cannot be read", info.MIME)
		case cfg.Width <= 0 || cfg.Height <= 0:
			return Info{}, bad(path, "is a picture without pixels")
		case int64(cfg.Width)*int64(cfg.Height) > MaxPixels:
			return Info{}, bad(path, "is %d x %d pixels; at most 64 megapixels are accepted", cfg.Width, cfg.Height)
		}
		info.Width, info.Height = cfg.Width, cfg.Height
		if info.MIME == "image/jpeg" && sideways(f, info.Bytes) {
			info.Width, info.Height = cfg.Height, cfg.Width
		}
	}

	if info.Media == Video {
		v := measure(info.MIME, f, info.Bytes)
		info.Width, info.Height, info.Duration = v.width, v.height, v.duration
	}

	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Info{}, unreadable(path, err)
	}
	hash := sha256.New()
	// One byte more than measured, so that a file that still grows is noticed.
	read, err := io.Copy(hash, io.LimitReader(f, info.Bytes+1))
	if err != nil {
		return Info{}, unreadable(path, err)
	}
	if read != info.Bytes {
		return Info{}, bad(path, "changed while it was read")
	}
	info.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return info, nil
}

func dimensions(mime string, r io.Reader) (image.Config, error) {
	switch mime {
	case "image/jpeg":
		return jpeg.DecodeConfig(r)
	case "image/png":
		return png.DecodeConfig(r)
	case "image/gif":
		return gif.DecodeConfig(r)
	case "image/webp":
		return webp.DecodeConfig(r)
	}
	return image.Config{}, fmt.Errorf("no reader for %s", mime)
}

// The name comes from a generator: it is quoted, and cut to a length.
func bad(path, format string, args ...any) error {
	return order.Failf(order.Retry, order.CodeBadFile, "%.80q %s", filepath.Base(path), fmt.Sprintf(format, args...))
}

func unreadable(path string, err error) error {
	// The path inside the error is foreign text, and said already.
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err
	}
	return order.Failf(order.Retry, order.CodeFileUnreadable, "cannot read %.80q: %w", filepath.Base(path), err)
}
