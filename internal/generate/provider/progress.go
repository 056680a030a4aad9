package provider

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"atelierd/internal/generate/recipe"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
	"atelierd/internal/words"
)

// progress reports how far the job is, with a remark in the provider's words.
func (c *conn) progress(p order.Progress) {
	if c.report == nil {
		return
	}
	p.Text = words.Cut(c.clean(p.Text), 100)
	c.reporting.Lock()
	defer c.reporting.Unlock()
	c.report(p)
}

// listener is a backend whose provider reports progress by itself. It listens until ctx
// ends, or until it cannot.
type listener interface {
	listen(ctx context.Context, c *conn, ticket string)
}

// listening has the back end listen to the progress of a job until stop is called, if
// anybody looks.
func (c *conn) listening(ctx context.Context, b backend, ticket string) (stop func()) {
	l, ok := b.(listener)
	if !ok || c.report == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	listening.Go(func() { l.listen(ctx, c, ticket) })
	return func() {
		cancel()
		listening.Wait()
	}
}

// queueWords are the words for a job that has not begun, in lower case.
var queueWords = []string{"in_queue", "queued", "queueing", "pending", "throttled", "starting", "preparing", "submitted", "waiting"}

// phaseOf returns what a job of the state does that has not ended.
func phaseOf(word string) order.Phase {
	if slices.Contains(queueWords, strings.ToLower(word)) {
		return order.PhaseQueued
	}
	return order.PhaseMaking
}

// mostQueue is the longest queue that is believed.
const mostQueue = 1_000_000

// placeAfter returns the place of a job in a queue, from 1, with n jobs before it. It is 0
// if that is unknown.
func placeAfter(n lenient.Number) int {
	if n.Known == nil || !(*n.Known >= 0 && *n.Known < mostQueue) {
		return 0
	}
	return int(*n.Known) + 1
}

// barPattern is a progress bar in the log of a model, as tqdm writes it.
var barPattern = regexp.MustCompile(`(\d{1,3})%\s*\|[^|\r\n]*\|\s*\d+/\d+`)

// barIn returns how far the last progress bar of a log is, or 0. A bar that is full says
// nothing about the next one.
func barIn(log string) float64 {
	found := barPattern.FindAllStringSubmatch(log[max(len(log)-4<<10, 0):], -1)
	if len(found) == 0 {
		return 0
	}
	percent, err := strconv.Atoi(found[len(found)-1][1])
	if err != nil || percent >= 100 {
		return 0
	}
	return float64(percent) / 100
}

// progress returns how far a job is that has not ended.
func (b *recipeBackend) progress(read recipe.Answer) order.Progress {
	word, fraction, before := b.recipe.Progress(read)
	p := order.Progress{Phase: phaseOf(word), Fraction: fraction, Queue: before}
	switch {
	case fraction > 0: // some call a job pending until it is done
		p.Phase = order.PhaseMaking
	case before > 0:
		p.Phase = order.PhaseQueued
	}
	return p
}

// counted is a file that is downloaded. It reports how much has arrived.
type counted struct {
	io.Writer
	c          *conn
	n, total   int64
	file, last int // of several, from 1
}

// Expect implements fetch.Expecting.
func (w *counted) Expect(total int64) { w.total = total }

func (w *counted) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n += int64(n)
	done := order.Progress{Phase: order.PhaseDownloading, Done: w.n, Total: w.total}
	if w.last > 1 && w.total > 0 {
		done.Fraction = (float64(w.file-1) + float64(w.n)/float64(w.total)) / float64(w.last)
	}
	w.c.progress(done)
	return n, err
}
