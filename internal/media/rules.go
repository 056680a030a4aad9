package media

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/order"
)

// Rules are what a service promises of each file; a zero value promises no more
// than an image or a video.
type Rules struct {
	// Kind is Image, Video, Document, Text or Code, or "" for an image or a video.
	Kind string
	// MinWidth and MinHeight are pixels, of images and videos; 0 for none.
	MinWidth, MinHeight int
	// AspectW : AspectH is met within 2 %; 0 for any.
	AspectW, AspectH int
	// MinDuration and MaxDuration are of videos; 0 for none.
	MinDuration, MaxDuration time.Duration
}

// Check says whether a file keeps the promise. Its error is an *order.Failure of
// class Retry with the code bad_file. A file whose header does not tell what a
// rule asks for does not keep it.
func (r Rules) Check(i Info) error {
	if r.Kind != "" && i.Media != r.Kind || r.Kind == "" && i.Media != Image && i.Media != Video {
		return broken("the generator made %s, but the service promises %s", i.MIME, cmp.Or(r.Kind, "an image or a video"))
	}
	sized := r.MinWidth > 0 || r.MinHeight > 0 || r.AspectW > 0
	switch timed := r.MinDuration > 0 || r.MaxDuration > 0; {
	case i.Media != Image && i.Media != Video:
		return nil
	case sized && (i.Width == 0 || i.Height == 0):
		return broken("the file's header does not tell how large the picture is, of which the service promises something")
	case i.Width < r.MinWidth:
		return broken("the file is %d x %d pixels, the service promises at least %d in width", i.Width, i.Height, r.MinWidth)
	case i.Height < r.MinHeight:
		return broken("the file is %d x %d pixels, the service promises at least %d in height", i.Width, i.Height, r.MinHeight)
	case r.AspectW > 0 && !near(i.Width*r.AspectH, i.Height*r.AspectW):
		return broken("the file is %d x %d pixels, the service promises %d:%d", i.Width, i.Height, r.AspectW, r.AspectH)
	case i.Media != Video || !timed:
		return nil
	case i.Duration == 0:
		return broken("the file's header does not tell how long the video is, of which the service promises something")
	case r.MinDuration > 0 && i.Duration < r.MinDuration-slack(r.MinDuration):
		return broken("the video takes %s, the service promises at least %s", i.Duration.Round(time.Millisecond), r.MinDuration)
	case r.MaxDuration > 0 && i.Duration > r.MaxDuration+slack(r.MaxDuration):
		return broken("the video takes %s, the service promises at most %s", i.Duration.Round(time.Millisecond), r.MaxDuration)
	}
	return nil
}

func broken(format string, args ...any) error {
	return order.Failf(order.Retry, order.CodeBadFile, format, args...)
}

// near says whether two products are the same within 2 %.
func near(a, b int) bool { return max(a, b)-min(a, b) <= max(a, b)/50 }

// slack is what a duration may be off: sound ends a little later than pictures.
func slack(d time.Duration) time.Duration { return max(d/50, 100*time.Millisecond) }

// ParseAspect reads a ratio such as "16:9".
func ParseAspect(s string) (w, h int, err error) {
	left, right, ok := strings.Cut(s, ":")
	if w, err = strconv.Atoi(strings.TrimSpace(left)); err != nil || !ok || w < 1 || w > 10000 {
		return 0, 0, fmt.Errorf("%.40q is no ratio such as 16:9", s)
	}
	if h, err = strconv.Atoi(strings.TrimSpace(right)); err != nil || h < 1 || h > 10000 {
		return 0, 0, fmt.Errorf("%.40q is no ratio such as 16:9", s)
	}
	return w, h, nil
}
