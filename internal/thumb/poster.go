package thumb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"atelierd/internal/media"
	"atelierd/internal/order"
)

// poster returns a frame of a video. The program that reads it gets a copy in a folder of
// its own, so that nothing can be exchanged while it reads, and what it writes is as
// hostile as any other picture.
func (m *Maker) poster(ctx context.Context, a order.Artifact) ([]byte, error) {
	list, err := m.frames(ctx, a, shots{count: 1, side: Side})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Frames returns up to count pictures of a video, at equal distances, as JPEGs of at most side
// pixels. They are made again each time. Without ffmpeg the error is ErrNone.
func (m *Maker) Frames(ctx context.Context, a order.Artifact, count, side int) (list [][]byte, err error) {
	m.making.Lock()
	defer m.making.Unlock()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the decoder failed: %v", r)
		}
	}()
	return m.frames(ctx, a, shots{count: count, side: side, spread: true})
}

// shots are the frames that are wanted of a video: the first ones, or some at equal
// distances.
type shots struct {
	count, side int
	spread      bool
}

func (m *Maker) frames(ctx context.Context, a order.Artifact, s shots) (list [][]byte, err error) {
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
	if err := os.MkdirAll(filepath.Join(m.o.Dir, Dir), 0o700); err != nil {
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
	for _, at := range s.moments(filepath.Join(folder, "video")) {
		if err := m.o.FFmpeg(ctx, folder, frameArgs(reader, at, s.side)...); err != nil {
			return nil, err
		}
		frame, err := small(filepath.Join(folder, "frame.jpg"), s.side)
		if errors.Is(err, fs.ErrNotExist) && len(list) > 0 {
			continue // the last frame begins before this moment
		}
		if err != nil {
			return nil, err
		}
		list = append(list, frame)
		if err := os.Remove(filepath.Join(folder, "frame.jpg")); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// moments returns when the frames are. Of a video that does not state its length it is the
// first frame alone.
func (s shots) moments(path string) []time.Duration {
	if !s.spread {
		return []time.Duration{0}
	}
	info, err := media.Inspect(path)
	if err != nil || info.Duration <= 0 {
		return []time.Duration{0}
	}
	var list []time.Duration
	for i := range s.count {
		list = append(list, info.Duration*time.Duration(2*i+1)/time.Duration(2*s.count))
	}
	return list
}

// readers are what ffmpeg calls the formats of videos. It is not left to find out: a
// playlist could name other files.
var readers = map[string]string{"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}

// frameArgs have ffmpeg write the frame of the file video at a moment to frame.jpg, from files
// only, on one thread, and no frame that is too large.
func frameArgs(reader string, at time.Duration, side int) []string {
	return []string{
		"-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", strconv.Itoa(mostMemory),
		"-protocol_whitelist", "file", "-f", reader, "-threads", "1", "-max_pixels", strconv.Itoa(media.MaxPixels), "-ss", fmt.Sprintf("%.3f", at.Seconds()), "-i", "file:video",
		"-map", "0:v:0", "-an", "-sn", "-dn", "-frames:v", "1",
		"-vf", fmt.Sprintf("scale=w='min(%d,iw)':h='min(%d,ih)':force_original_aspect_ratio=decrease", side, side),
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
func small(path string, side int) ([]byte, error) {
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
	img, _, err := shrink(f, seen.Size(), side)
	if err != nil {
		return nil, err
	}
	return encode(img, 0)
}
