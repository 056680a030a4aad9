package media

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Rules are the requirements of a service for each file. The zero value requires an
// image or a video and nothing else.
type Rules struct {
	// Kind is Image, Video, Document, Text or Code, or "" for an image or a video.
	Kind string
	// MinWidth and MinHeight are pixels of an image or a video. Zero sets no limit.
	MinWidth, MinHeight int
	// AspectW : AspectH must be met within 2 %. Zero allows any ratio.
	AspectW, AspectH int
	// MinDuration and MaxDuration apply to videos. Zero sets no limit.
	MinDuration, MaxDuration time.Duration
}

// Check returns an error if a file does not meet the rules. It is an *order.Failure
// of class Retry with the code order.CodeBadFile. A file whose header lacks what a
// rule needs does not meet it.
func (r Rules) Check(i Info) error {
	if r.Kind != "" && i.Media != r.Kind || r.Kind == "" && i.Media != Image && i.Media != Video {
		return broken("the generator made %s, but the service requires %s", i.MIME, cmp.Or(r.Kind, "an image or a video"))
	}
	sized := r.MinWidth > 0 || r.MinHeight > 0 || r.AspectW > 0
	switch timed := r.MinDuration > 0 || r.MaxDuration > 0; {
	case i.Media != Image && i.Media != Video:
		return nil
	case sized && (i.Width == 0 || i.Height == 0):
		return broken("the file's header does not state its size, but the service has a rule for it")
	case i.Width < r.MinWidth:
		return broken("the file is %d x %d pixels, but the service requires a width of at least %d", i.Width, i.Height, r.MinWidth)
	case i.Height < r.MinHeight:
		return broken("the file is %d x %d pixels, but the service requires a height of at least %d", i.Width, i.Height, r.MinHeight)
	case r.AspectW > 0 && !near(i.Width*r.AspectH, i.Height*r.AspectW):
		return broken("the file is %d x %d pixels, but the service requires %d:%d", i.Width, i.Height, r.AspectW, r.AspectH)
	case i.Media != Video || !timed:
		return nil
	case i.Duration == 0:
		return broken("the file's header does not state its duration, but the service has a rule for it")
	case r.MinDuration > 0 && i.Duration < r.MinDuration-slack(r.MinDuration):
		return broken("the video lasts %s, but the service requires at least %s", i.Duration.Round(time.Millisecond), r.MinDuration)
	case r.MaxDuration > 0 && i.Duration > r.MaxDuration+slack(r.MaxDuration):
		return broken("the video lasts %s, but the service allows at most %s", i.Duration.Round(time.Millisecond), r.MaxDuration)
	}
	return nil
}

// Wanted returns the files to deliver, in their order. Programs often save a still next
// to a video: its first frame, or a preview. A service that requires a video delivers
// the video alone. Each file that is returned still has to pass Check.
func (r Rules) Wanted(files []string) []string {
	if r.Kind != Video {
		return files
	}
	return withoutStills(files)
}

// withoutStills returns the files without the images if one of them is a video.
func withoutStills(files []string) []string {
	var others []string
	video := false
	for _, file := range files {
		media := kindOf(file)
		video = video || media == Video
		if media != Image {
			others = append(others, file)
		}
	}
	if !video {
		return files
	}
	return others
}

// kindOf returns the kind of a file by its first bytes, or "".
func kindOf(path string) string {
	f, err := openNoFollow(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, sniffLen)
	n, _ := io.ReadFull(f, head) // a file that cannot be read is not a still
	return kind(sniff(head[:n]))
}

func broken(format string, args ...any) error {
	return order.Failf(order.Retry, order.CodeBadFile, format, args...)
}

// near reports whether two numbers are equal within 2 %.
func near(a, b int) bool { return max(a, b)-min(a, b) <= max(a, b)/50 }

// slack returns the tolerance for a duration. Sound often ends a little later than
// the picture.
func slack(d time.Duration) time.Duration { return max(d/50, 100*time.Millisecond) }

// ParseAspect reads a ratio such as "16:9".
func ParseAspect(s string) (w, h int, err error) {
	left, right, ok := strings.Cut(s, ":")
	if w, err = strconv.Atoi(strings.TrimSpace(left)); err != nil || !ok || w < 1 || w > 10000 {
		return 0, 0, fmt.Errorf("%.40q is not a ratio like 16:9", s)
	}
	if h, err = strconv.Atoi(strings.TrimSpace(right)); err != nil || h < 1 || h > 10000 {
		return 0, 0, fmt.Errorf("%.40q is not a ratio like 16:9", s)
	}
	return w, h, nil
}
