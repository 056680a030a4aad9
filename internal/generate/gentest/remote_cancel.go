package gentest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file cancels jobs that are not wanted any more.

// cancelScenarios are those of a job that is cancelled, for a provider that cancels jobs.
func cancelScenarios(s shape) []scenario {
	if s.cancels == nil {
		return []scenario{{"no job can be cancelled", (*bench).cancelsNothing}}
	}
	list := []scenario{
		{"cancel a job that runs", func(b *bench) { b.cancelRuns(false) }},
		{"cancel a job that waits", func(b *bench) { b.cancelRuns(true) }},
		{"cancel a job that is done", (*bench).cancelDone},
		{"cancel a job that the provider has forgotten", (*bench).cancelForgotten},
		{"cancel a job that the provider does not have any more", (*bench).cancelGone},
		{"cancel fails five times", (*bench).cancelFails},
		{"cancel without a key", (*bench).cancelNoKey},
		{"cancel a job whose state is not told", (*bench).cancelSilent},
	}
	if !s.wordless && s.reference != "upload" {
		list = append(list, scenario{"cancel a job whose state is not known", (*bench).cancelUnknown})
	}
	return list
}

func (b *bench) cancelsNothing() {
	if c, ok := b.gen.(generate.Canceller); ok && c.Cancels() {
		b.Error("it says that it cancels jobs")
	}
}

// running begins a job and returns its ticket.
func (b *bench) running() string {
	b.Helper()
	b.fake.steady = true
	r := b.request()
	r.Call.Submitted = func(string) error { return errors.New("the process has died") }
	b.run(b.Context(), r)
	b.paid(1)
	return b.resumed().Call.Ticket
}

// cancel cancels the job of a ticket.
func (b *bench) cancel(ticket string) (order.CancelResult, *order.Failure) {
	b.Helper()
	c, ok := b.gen.(generate.Canceller)
	if !ok || !c.Cancels() {
		b.Fatal("it cancels no jobs")
	}
	done, err := c.Cancel(b.Context(), ticket)
	if err == nil {
		return done, nil
	}
	b.noLeak(err.Error(), "an error")
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		b.Fatalf("the error is not a failure: %v", err)
	}
	return done, f
}

// asked returns how many requests of the part there were.
func (b *bench) asked(part Part) (n int) {
	for _, r := range b.fake.Requests() {
		if r.Part == part {
			n++
		}
	}
	return n
}

// cancelled expects that so many jobs were cancelled, and that no finished one was erased.
func (b *bench) cancelled(want int) {
	b.Helper()
	b.fake.mu.Lock()
	defer b.fake.mu.Unlock()
	if b.fake.cancelled != want || b.fake.erased != 0 {
		b.Errorf("%d jobs were cancelled, want %d; %d finished ones were erased", b.fake.cancelled, want, b.fake.erased)
	}
}

func (b *bench) cancelRuns(waits bool) {
	ticket := b.running()
	b.fake.mu.Lock()
	b.fake.jobs[0].waits = waits
	b.fake.mu.Unlock()
	if done, f := b.cancel(ticket); f != nil || done.Ended {
		b.Fatalf("got %+v, %v", done, f)
	}
	b.cancelled(1)
	if done, f := b.cancel(ticket); f != nil || !done.Ended && !done.Missing { // after a crash it is tried again
		b.Errorf("once more: %+v, %v", done, f)
	}
	b.cancelled(1)
}

// cancelDone expects that nothing is sent for a job that is done: some providers would
// erase it.
func (b *bench) cancelDone() {
	ticket := b.running()
	time.Sleep(2 * remoteDelay) // simulated
	if done, f := b.cancel(ticket); f != nil || !done.Ended {
		b.Errorf("got %+v, %v", done, f)
	}
	if n := b.asked(Cancel); n != 0 {
		b.Errorf("%d requests were sent for a job that is done", n)
	}
}

// cancelForgotten expects that a job which the provider does not show is asked about again:
// it may not know a new job yet.
func (b *bench) cancelForgotten() {
	ticket := b.running()
	b.fake.Forget()
	if done, f := b.cancel(ticket); f != nil || done.Missing != b.fake.shape.forgets || done.Ended == b.fake.shape.forgets {
		b.Errorf("got %+v, %v", done, f)
	}
	if n := b.asked(Cancel); n != 0 {
		b.Errorf("%d requests were sent for a job that is not known to run", n)
	}
}

func (b *bench) cancelGone() {
	ticket := b.running()
	b.fake.Answer(Cancel, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	done, f := b.cancel(ticket)
	if b.fake.shape.reference == "upload" {
		return // its requests name no job, so a 404 says nothing about one
	}
	if f != nil || !done.Ended {
		b.Errorf("got %+v, %v", done, f)
	}
}

func (b *bench) cancelFails() {
	ticket := b.running()
	b.fake.Answer(Cancel, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, `{"error":"cannot do it with `+remoteKey+`"}`)
	})
	for range order.CancelTries {
		if done, f := b.cancel(ticket); f == nil || f.Charge == order.ChargeNone {
			b.Fatalf("got %+v, %v", done, f)
		}
	}
	b.fake.Answer(Cancel, func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, fields{"error": fields{"code": 503, "message": "no"}})
	})
	if done, f := b.cancel(ticket); f == nil && b.fake.shape.reference != "upload" {
		b.Errorf("an error inside a success: %+v", done)
	}
	b.cancelled(0)
	b.fake.Answer(Cancel, nil)
	if done, f := b.cancel(ticket); f != nil || done.Ended {
		b.Fatalf("got %+v, %v", done, f)
	}
	b.cancelled(1)
}

func (b *bench) cancelNoKey() {
	ticket := b.running()
	b.key = order.Failf(order.Hold, order.CodeMisconfigured, "the key is missing").Nothing()
	if done, f := b.cancel(ticket); f == nil {
		b.Errorf("got %+v", done)
	}
	b.cancelled(0)
}

// cancelSilent expects that nothing is sent while the job cannot be asked about.
func (b *bench) cancelSilent() {
	ticket := b.running()
	for _, status := range []int{401, 429, 500, 503} {
		b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		if done, f := b.cancel(ticket); f == nil {
			b.Errorf("status %d: %+v", status, done)
		}
	}
	if n := b.asked(Cancel); n != 0 {
		b.Errorf("%d requests were sent for a job that is not known to run", n)
	}
}

// cancelUnknown expects that nothing is sent for a job whose state the back end does not
// know: it may have ended.
func (b *bench) cancelUnknown() {
	ticket := b.running()
	b.change(Poll, func(_ http.Header, body string) string {
		return stateField.ReplaceAllString(body, `"$1":"contemplating"`)
	})
	if done, f := b.cancel(ticket); f == nil || !strings.Contains(fmt.Sprint(f), "contemplating") {
		b.Errorf("got %+v, %v", done, f)
	}
	if n := b.asked(Cancel); n != 0 {
		b.Errorf("%d requests were sent for a job that is not known to run", n)
	}
}

// cancelled returns the job that the request is to cancel, and whether it is such a
// request.
func (s shape) cancelled(f *Fake, r *http.Request) (id string, ok bool) {
	if s.cancels == nil {
		return "", false
	}
	return s.cancels(f, r)
}

// cancelAt recognises a request for a job whose id stands between two parts of its path.
func cancelAt(method, before, after string) func(*Fake, *http.Request) (string, bool) {
	return func(_ *Fake, r *http.Request) (string, bool) {
		rest, is := strings.CutPrefix(r.URL.Path, before)
		id, ends := strings.CutSuffix(rest, after)
		return id, r.Method == method && is && ends
	}
}

// comfyCancel deletes a job that waits in the queue, or interrupts one that runs.
func comfyCancel(f *Fake, r *http.Request) (string, bool) {
	if r.Method != http.MethodPost || r.URL.Path != "/queue" && r.URL.Path != "/interrupt" {
		return "", false
	}
	said := wire(r)
	id, _ := said["prompt_id"].(string)
	if list, _ := said["delete"].([]any); len(list) == 1 {
		id, _ = list[0].(string)
	}
	if j := f.find(id); j == nil || j.waits != (r.URL.Path == "/queue") {
		return "", true
	}
	return id, true
}
