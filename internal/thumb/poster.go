package thumb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"atelierd/internal/media"
	"atelierd/internal/order"
)

// poster returns a frame of a video. The program that reads it gets a copy in a folder of
// its own, so that nothing can be exchanged while it reads, and what it writes is as
// hostile as any other picture.
func (m *Maker) poster(ctx context.Context, a order.Artifact) ([]byte, error) {
	if m.o.FFmpeg == nil {
		return nil, ErrNone
	}
	f, err := m.Original(a)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := same(f, a); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(filepath.Join(m.o.Dir, Dir), tempPrefix+"*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // the next start removes it otherwise
	mime, err := media.Sniff(f)
	if err != nil {
		return nil, err
	}
	reader, known := readers[mime]
	if !known {
		return nil, fmt.Errorf("it is no video of a known type, %q", mime)
	}
	if err := copyTo(filepath.Join(folder, "video"), io.NewSectionReader(f, 0, a.Bytes)); err != nil {
		return nil, err
	}
	if err := m.o.FFmpeg(ctx, folder, posterArgs(reader)...); err != nil {
		return nil, err
	}
	return small(filepath.Join(folder, "frame.jpg"))
}

// readers are what ffmpeg calls the formats of videos. It is not left to find out: a
// playlist could name other files.
var readers = map[string]string{"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}

// posterArgs have ffmpeg write the first frame of the file video to frame.jpg, from files
// only, on one thread, and no frame that is too large.
func posterArgs(reader string) []string {
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", strconv.Itoa(mostMemory),
		"-protocol_whitelist", "file", "-f", reader, "-threads", "1", "-max_pixels", strconv.Itoa(media.MaxPixels), "-i", "file:video",
		"-map", "0:v:0", "-an", "-sn", "-dn", "-frames:v", "1",
		"-vf", fmt.Sprintf("scale=w='min(%d,iw)':h='min(%d,ih)':force_original_aspect_ratio=decrease", Side, Side),
		"-fs", strconv.Itoa(mostFrame), "-f", "image2", "-c:v", "mjpeg", "-q:v", "3", "-update", "1", "file:frame.jpg",
	}
}

func copyTo(path string, r io.Reader) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, out.Close())
}

// mostFrame is the most bytes that the picture of a frame may have.
const mostFrame = 4 << 20

// small reads the picture of a frame.
func small(path string) ([]byte, error) {
	seen, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !seen.Mode().IsRegular() || seen.Size() > mostFrame {
		return nil, errors.New("what the program made is no picture of a frame")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, _, err := shrink(f, seen.Size(), Side)
	if err != nil {
		return nil, err
	}
	return encode(img, 0)
}
