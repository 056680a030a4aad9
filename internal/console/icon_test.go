package console

import (
	"bytes"
	"image/png"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestBrowsersFindTheIcon guards that a browser finds an icon for each page, before and after
// a log-in, and also where no page names one, such as at a file of an order.
func TestBrowsersFindTheIcon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	icon := func(path, kind string) string {
		a := s.get(path)
		s.want(a, http.StatusOK)
		if got := a.Header.Get("Content-Type"); got != kind || a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "img-src 'self'") {
			t.Errorf("%s is %q: %v", path, got, a.Header)
		}
		return a.body
	}
	if _, err := png.Decode(bytes.NewReader([]byte(icon("/favicon.ico", "image/png")))); err != nil {
		t.Error(err)
	}
	names := regexp.MustCompile(`<link rel="(icon|apple-touch-icon)" href="([^"]+)"`)
	for _, path := range []string{"/login", "/"} {
		found := names.FindAllStringSubmatch(s.get(path).body, -1)
		if len(found) != 2 {
			t.Fatalf("%s names %q", path, found)
		}
		if !strings.HasPrefix(icon(found[0][2], "image/svg+xml"), "<svg") {
			t.Errorf("%s is no drawing", found[0][2])
		}
		icon(found[1][2], "image/png")
		s.want(s.link(), http.StatusSeeOther)
	}
}
