package main_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/image/webp"
)

// screenshots is where the pictures of docs/console.md go; make screenshots sets it.
var screenshots = flag.String("screenshots", "", "folder for the screenshots of the console; a temporary one without it")

// agentOfDemo is the agent whose pages are shown.
const agentOfDemo = "Paper Moon Studio"

// Most bytes of one picture of docs/console.md and of all.
const (
	mostOfShot  = 72 << 10
	mostOfShots = 1500 << 10
)

// shot is a page of the console that is shown.
type shot struct {
	name string
	open func(b *tab)
	dark bool // it is shown in dark, too
}

// shots are the pages of docs/console.md.
func shots() []shot {
	at := func(path string) func(*tab) { return func(b *tab) { b.visit(path) } }
	order := func(words string) func(*tab) {
		return func(b *tab) {
			b.visit("/orders?show=all&q=" + url.QueryEscape(words))
			b.press("main a[data-row], main [data-row] a")
			b.until("the pictures", `document.querySelector("#pictures img")`)
			b.ready()
		}
	}
	return []shot{
		{name: "now", open: at("/"), dark: true},
		{name: "orders", open: at("/orders?show=all")},
		{name: "review", open: order("Dahlias")},
		{name: "compare", open: order("fox in the forest"), dark: true},
		{name: "inbox", open: at("/inbox")},
		{name: "money", open: at("/money")},
		{name: "services", open: at("/services")},
		{name: "generators", open: at("/generators")},
		{name: "bounties", open: func(b *tab) {
			b.visit("/bounties")
			b.press(`form[action="/bounties/read"] button`)
			b.shows("podcast")
		}},
		{name: "history", open: at("/history?example=7")},
	}
}

// looks returns how a page is shown.
func (s shot) looks() []looks {
	list := []looks{laptop, phone}
	if s.dark {
		for _, l := range []looks{laptop, phone} {
			l.dark = true
			list = append(list, l)
		}
	}
	return list
}

// file returns the name of a picture, such as now-390-dark.webp.
func (s shot) file(l looks) string {
	if l.dark {
		return fmt.Sprintf("%s-%d-dark.webp", s.name, l.width)
	}
	return fmt.Sprintf("%s-%d.webp", s.name, l.width)
}

// TestScreenshots takes the pictures of docs/console.md from the demo.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	findBrowser(t)
	dir := *screenshots
	if dir == "" {
		dir = t.TempDir()
	}
	d := keepDemo(t, "12")
	b := newTab(t, laptop)
	b.enter(d.link)
	for _, s := range shots() {
		for _, l := range s.looks() {
			b.look(l)
			s.open(b)
			b.capture(filepath.Join(dir, s.file(l)), l)
		}
	}
	d.end()
}

// capture takes a picture of what the window shows.
func (b *tab) capture(file string, l looks) {
	b.Helper()
	// What is folded is not loaded. A picture that came too late on a busy machine is asked for again.
	b.until("a whole page of the demo", `document.title.endsWith(`+quoted(agentOfDemo)+`) && [...document.images].every(i => {
		if (!i.getClientRects().length || i.getBoundingClientRect().top > innerHeight) return true;
		if (i.complete && !i.naturalWidth) i.src = i.src;
		return i.complete && i.naturalWidth > 0;
	})`)
	quality := int64(60)
	got, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: &quality})
	if err != nil {
		b.Fatal(err)
	}
	size, err := webp.DecodeConfig(bytes.NewReader(got.Data))
	if err != nil || int64(size.Width) != l.width || int64(size.Height) != l.height {
		b.Errorf("%s is %d x %d pixels, %v", file, size.Width, size.Height, err)
	}
	if err := os.WriteFile(file, got.Data, 0o644); err != nil {
		b.Fatal(err)
	}
}

// TestTheDocsShowEachScreenshot compares docs/console.md with the pictures next to it.
func TestTheDocsShowEachScreenshot(t *testing.T) {
	t.Parallel()
	taken := map[string]looks{}
	for _, s := range shots() {
		for _, l := range s.looks() {
			taken[s.file(l)] = l
		}
	}
	wanted := slices.Sorted(maps.Keys(taken))
	var named []string
	docs := string(must(os.ReadFile("../../docs/console.md")))
	for _, m := range regexp.MustCompile(`"console/([^"]+)"`).FindAllStringSubmatch(docs, -1) {
		named = append(named, m[1])
	}
	if slices.Sort(named); !slices.Equal(named, wanted) {
		t.Errorf("docs/console.md shows %q, and %q are taken", named, wanted)
	}
	var here []string
	sum := 0
	for _, e := range must(os.ReadDir("../../docs/console")) {
		here = append(here, e.Name())
		data := must(os.ReadFile("../../docs/console/" + e.Name()))
		size, err := webp.DecodeConfig(bytes.NewReader(data))
		if l := taken[e.Name()]; err != nil || int64(size.Width) != l.width || int64(size.Height) != l.height || len(data) > mostOfShot {
			t.Errorf("%s is %d x %d pixels in %d bytes, %v", e.Name(), size.Width, size.Height, len(data), err)
		}
		sum += len(data)
	}
	if !slices.Equal(here, wanted) || sum > mostOfShots {
		t.Errorf("docs/console has %q in %d bytes, and %q are taken; make screenshots takes them", here, sum, wanted)
	}
}
