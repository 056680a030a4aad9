package thumb

import (
	"bytes"
	"context"
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tools "atelierd/internal/generate/exec"
)

// film makes a video of one colour with the ffmpeg of this machine. The test is skipped
// where there is none.
func film(t *testing.T, size, name string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args = append([]string{"-loglevel", "error", "-f", "lavfi", "-i", "color=c=red:duration=1:rate=5:size=" + size}, append(args, path)...)
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Skipf("no video can be made here: %v\n%s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withFFmpeg is a shelf that uses the ffmpeg of this machine, or nil.
func withFFmpeg(t *testing.T) *shelf {
	t.Helper()
	tool := tools.FindTool("ffmpeg")
	if tool == nil {
		t.Skip("ffmpeg is not installed")
	}
	s := newShelf(t)
	s.o.FFmpeg = tool.Run
	return s
}

func TestAVideoGetsAPoster(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mime string
		args []string
	}{
		"film.mp4":  {"video/mp4", []string{"-pix_fmt", "yuv420p"}},
		"film.webm": {"video/webm", []string{"-c:v", "libvpx"}},
		"film.mov":  {"video/quicktime", []string{"-pix_fmt", "yuv420p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withFFmpeg(t)
			a := s.put(name, c.mime, film(t, "1280x720", name, c.args...))
			if s.Has(a) {
				t.Error("a page would wait for a poster")
			}
			img := s.picture(a)
			if size := img.Bounds().Size(); size != (image.Point{512, 288}) || !like(img.At(9, 9), 254, 0, 0) || !s.Has(a) {
				t.Errorf("the poster has %v pixels, of %v", size, img.At(9, 9))
			}
		})
	}
}

func TestAVideoGetsFramesAtEqualDistances(t *testing.T) {
	t.Parallel()
	s := withFFmpeg(t)
	a := s.put("film.mp4", "video/mp4", film(t, "640x360", "film.mp4", "-pix_fmt", "yuv420p"))
	list, err := s.Frames(t.Context(), a, 4, 320)
	if err != nil || len(list) != 3 {
		t.Fatalf("of five frames a second %d are shown, %v", len(list), err)
	}
	a = s.put("long.mp4", "video/mp4", film(t, "640x360", "long.mp4", "-pix_fmt", "yuv420p", "-r", "25"))
	list, err = s.Frames(t.Context(), a, 4, 320)
	if err != nil || len(list) != 4 {
		t.Fatalf("%d frames, %v", len(list), err)
	}
	for _, frame := range list {
		img, _, err := image.Decode(bytes.NewReader(frame))
		if err != nil || img.Bounds().Size() != (image.Point{320, 180}) || !like(img.At(9, 9), 254, 0, 0) {
			t.Errorf("%v, %v", err, img)
		}
	}
	s.o.FFmpeg = nil
	if _, err := s.Frames(t.Context(), a, 4, 320); !errors.Is(err, ErrNone) {
		t.Errorf("without ffmpeg: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, Dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestAHostileVideoHasNoPoster guards the files of the machine: a playlist and a reference
// to another file name them.
func TestAHostileVideoHasNoPoster(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a playlist":           "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
		"a list of files":      "ffconcat version 1.0\nfile /etc/passwd\n",
		"a cut movie":          "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\xff\xffmoov",
		"a cut WebM":           "\x1aE\xdf\xa3\x9f\x42\x82\x84webm\x42\x87",
		"a playlist in a WebM": "\x1aE\xdf\xa3\x9f\x42\x82\x84webm\n#EXTM3U\nfile:///etc/passwd\n",
		"a page":               "<!doctype html><script>alert(1)</script>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withFFmpeg(t)
			a := s.put("film.mp4", "video/mp4", []byte(content))
			if err := s.try(a); !errors.Is(err, ErrNone) || s.Has(a) {
				t.Errorf("got %v, want none", err)
			}
			if left, _ := filepath.Glob(filepath.Join(s.dir, Dir, tempPrefix+"*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestWhatAProgramWroteIsHostileToo guards against a program that was made to write
// something else.
func TestWhatAProgramWroteIsHostileToo(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", mostFrame+1)
	for name, script := range map[string]string{
		"nothing":            "true",
		"a link":             `ln -s "$1" frame.jpg`,
		"a folder":           "mkdir frame.jpg",
		"text":               "echo hello > frame.jpg",
		"too much":           `cat "$1" video > frame.jpg`,
		"a failure":          "exit 1",
		"a signal to itself": "kill -9 $$",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := tools.FindTool("sh")
			if sh == nil {
				t.Skip("no shell here")
			}
			s := newShelf(t)
			s.write("picture.jpg", inJPEG(t, halves(60, 60)))
			s.o.FFmpeg = func(ctx context.Context, dir string, args ...string) error {
				if !slices.Contains(args, "-protocol_whitelist") {
					t.Error("it may use every protocol")
				}
				return sh.Run(ctx, dir, "-c", script, "sh", filepath.Join(s.dir, "picture.jpg"))
			}
			a := s.put("film.webm", "video/webm", []byte("\x1aE\xdf\xa3\x9f\x42\x82\x84webm"+large))
			if err := s.try(a); !errors.Is(err, ErrNone) || s.made(a.SHA256) {
				t.Errorf("got %v, want none", err)
			}
		})
	}
}
