package gentest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/order"
)

// This file holds what a provider may answer, and what each answer must mean.

// outcome is the failure that a scenario expects.
type outcome struct {
	class  order.Class
	code   order.Code
	charge order.Charge
	outage bool
}

// paidStatuses holds what a status means for the call that is paid for.
var paidStatuses = map[int]outcome{
	400: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	401: {order.Hold, order.CodeProviderKeyRefused, order.ChargeNone, false},
	402: {order.Hold, order.CodeNoCredit, order.ChargeNone, false},
	403: {order.Hold, order.CodeProviderKeyRefused, order.ChargeNone, false},
	404: {order.Hold, order.CodeProviderNotFound, order.ChargeNone, false},
	408: {order.Retry, order.CodeOutage, order.ChargeUnknown, false},
	409: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	413: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	415: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	422: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	425: {order.Wait, order.CodeProviderRateLimited, order.ChargeNone, false},
	429: {order.Wait, order.CodeProviderRateLimited, order.ChargeNone, false},
	500: {order.Retry, order.CodeOutage, order.ChargeUnknown, false},
	501: {order.Hold, order.CodeProviderRejected, order.ChargeNone, false},
	502: {order.Retry, order.CodeOutage, order.ChargeUnknown, false},
	503: {order.Retry, order.CodeOutage, order.ChargeNone, true},
	504: {order.Retry, order.CodeOutage, order.ChargeUnknown, false},
	520: {order.Retry, order.CodeOutage, order.ChargeUnknown, false},
	529: {order.Retry, order.CodeOutage, order.ChargeNone, true},
	304: {order.Hold, order.CodeProviderRedirected, order.ChargeNone, false},
}

// lateResult is the failure of a result that is paid for and not there yet. No answer
// about a job or a file is a reason for another call.
var lateResult = outcome{order.Wait, order.CodeExpired, order.ChargePending, false}

// polledStatuses holds what a status means for a poll. The job stays pending.
var polledStatuses = map[int]outcome{
	400: {order.Hold, order.CodeProviderRejected, order.ChargePending, false},
	401: {order.Hold, order.CodeProviderKeyRefused, order.ChargePending, false},
	404: lateResult,
	410: lateResult,
	429: {order.Wait, order.CodeProviderRateLimited, order.ChargePending, false},
	500: {order.Retry, order.CodeOutage, order.ChargePending, true},
	503: {order.Retry, order.CodeOutage, order.ChargePending, true},
	302: {order.Hold, order.CodeProviderRedirected, order.ChargePending, false},
}

// beside expects only the result of an answer that has other files too.
func (b *bench) beside(answer func(*job) any) {
	b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
		b.fake.mu.Lock()
		defer b.fake.mu.Unlock()
		say(w, http.StatusOK, answer(b.fake.begin("")))
	})
	b.done(b.request(), 1)
	b.paid(1)
}

// spoiled holds answers of status 200 that are not what the API promises.
var spoiled = map[string]http.HandlerFunc{
	"a page":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>be right back</html>") },
	"nothing":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
	"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"torn JSON":  func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"id":"job-1","sta`) },
	"a list":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[1,2,3]`) },
	"numbers": func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, fields{"id": 1, "status": 2, "data": 3, "state": 4, "request_id": 5, "candidates": 6, "images": 7, "task_id": fields{}, "base_resp": 8, "prompt_id": 9, "queue_running": 1})
	},
	"a truncated answer": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"id":`)
	},
	"a stalled answer": func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"id":`)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	},
	"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

func (b *bench) refusal(r refusal) {
	b.fake.Answer(r.part, r.write)
	before := b.fake.Paid()
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Fail || f.Code != order.CodeRefused || len(f.Error()) < len("the provider refuses: x") {
		b.Fatalf("got %+v, want a refusal with a reason", f)
	}
	if n := b.fake.Paid() - before; n > 1 {
		b.Errorf("%d calls were made", n)
	}
}

// meantBy are the statuses that mean the same as a failure's name.
var meantBy = map[string]int{"credit": 402, "key": 401, "rate": 429, "outage": 503, "wrong": 400}

// failure expects that an answer means what the description says. Only a job that failed
// is over. Any other failure of a poll leaves the job pending.
func (b *bench) failure(r failure) {
	b.fake.Answer(r.part, r.write)
	if r.means == "gone" {
		b.fails(b.request(), lateResult)
		b.fake.Answer(r.part, nil)
		b.done(b.resumed(), 1)
		return
	}
	if r.means != "failed" {
		want, known := paidStatuses[meantBy[r.means]]
		if !known {
			b.Fatalf("%q is no meaning of a failure", r.means)
		}
		if r.part == Poll {
			want.charge = order.ChargePending
		}
		b.fails(b.request(), want)
		b.fake.Answer(r.part, nil)
		if r.part == Poll {
			b.done(b.resumed(), 1)
		}
		return
	}
	charge := order.ChargeFull
	if r.free {
		charge = order.ChargeNone
	}
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Retry && f.Class != order.Hold || f.Code != order.CodeProviderFailed || f.Charge != charge {
		b.Fatalf("got %+v, want a failed job", f)
	}
	b.paid(1)
}

// write answers with the failure or refusal.
func (r refusal) write(w http.ResponseWriter, _ *http.Request) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

// refusalWithKey puts the key where the reason is cut. A part of it would stay if
// the reason were redacted after the cut.
func (b *bench) refusalWithKey(r refusal) {
	for pad := 200; pad < 320; pad += 4 {
		text := strings.Repeat("y", pad) + " " + remoteKey + " "
		body := r.body
		for _, name := range []string{"message", "error", "reason", "msg", "failure", "failure_reason", "status_msg", "text"} {
			at := fmt.Sprintf("%q:\"", name)
			body = strings.Replace(body, at, at+text, 1)
		}
		b.refusal(refusal{r.part, r.status, r.header, body})
	}
}

// status answers with the status, and repeats the key as some providers do.
func (b *bench) status(p Part, status int, want outcome) {
	b.fake.Answer(p, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified {
			fmt.Fprintf(w, `{"error":"%s\n %s is a bad key"}`, strings.Repeat("x", 150), remoteKey)
		}
	})
	f := b.fails(b.request(), want)
	if f.Class == order.Hold && f.Hint == "" {
		b.Errorf("the owner gets no hint: %v", f)
	}
	if p == Submit {
		b.paid(0)
		return
	}
	b.paid(1)
	if want.charge == order.ChargePending {
		b.fake.Answer(p, nil)
		b.done(b.resumed(), 1)
		b.paid(1)
	}
}

func (b *bench) limited() {
	for value, want := range map[string]time.Duration{
		"90": 90 * time.Second, time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat): 2 * time.Minute,
		"soon": 30 * time.Second, "999999999": 6 * time.Hour, "-5": 0,
	} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		if f := b.fails(b.request(), outcome{order.Wait, order.CodeProviderRateLimited, order.ChargeNone, false}); f.After != want {
			b.Errorf("Retry-After %s: it waits %s, want %s", value, f.After, want)
		}
	}
}

func (b *bench) redirected() {
	for _, status := range []int{301, 302, 303, 307, 308} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.test/take-it")
			w.WriteHeader(status)
		})
		b.fails(b.request(), outcome{order.Hold, order.CodeProviderRedirected, order.ChargeNone, false})
	}
	b.stayed()
}

func (b *bench) redirectedPoll() {
	b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://elsewhere.test/take-it")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	b.fails(b.request(), outcome{order.Hold, order.CodeProviderRedirected, order.ChargePending, false})
	b.stayed()
}

// stayed expects that no request went to another host.
func (b *bench) stayed() {
	b.Helper()
	for _, r := range b.fake.Requests() {
		if r.Host != FakeHost {
			b.Errorf("a request went to %s", r.Host)
		}
	}
}

// spoiled expects that a useless answer is never taken for a result, or for a call
// that cost nothing.
func (b *bench) spoiled(h http.HandlerFunc) {
	b.fake.Answer(Submit, h)
	began := time.Now()
	_, f := b.run(b.Context(), b.request())
	if f == nil && b.fake.shape.bare {
		return // the answer is the file, which is checked elsewhere
	}
	if f != nil && f.Late() {
		return // it names an id, whose job is asked for
	}
	again := f != nil && f.Charge == order.ChargePending && f.Class == order.Hold && b.fake.shape.again
	if f == nil || f.Charge != order.ChargeUnknown && f.Charge != order.ChargeFull && !again {
		b.Fatalf("got %+v", f)
	}
	if f.Class != order.Retry && f.Code != order.CodeRefused && f.Class != order.Hold {
		b.Errorf("%s %s: %v", f.Class, f.Code, f)
	}
	if took := time.Since(began); took > remoteTimeout {
		b.Errorf("it took %s", took)
	}
}

// spoiledPoll expects that a useless answer to a poll leaves the job to be polled
// again.
func (b *bench) spoiledPoll(h http.HandlerFunc) {
	if b.fake.shape.bare {
		return // the answer is the file, which is checked elsewhere
	}
	b.fake.Answer(Poll, h)
	began := time.Now()
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Retry || f.Charge != order.ChargePending || !f.Outage {
		b.Fatalf("got %+v", f) // it says nothing about the job and counts as no attempt
	}
	if took := time.Since(began); took > remoteTimeout-time.Minute {
		b.Errorf("it waited %s for one answer", took)
	}
	b.fake.Answer(Poll, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// endless sends more than anybody should read, and counts how much was read.
func (b *bench) endless(p Part) {
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 1<<20)
		for r.Context().Err() == nil {
			n, err := w.Write(chunk)
			if b.sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Retry && (p != Fetch || f.Class != order.Hold) || f.Charge == order.ChargeNone {
		b.Fatalf("got %+v", f)
	}
	if n := b.sent.Load(); n > 100<<20 {
		b.Errorf("%d bytes were read", n)
	}
}

func (b *bench) unreachable() {
	b.net.Refuse.Store(true)
	b.fails(b.request(), outcome{order.Retry, order.CodeProviderUnreachable, order.ChargeNone, true})
	b.paid(0)
}

func (b *bench) unreachablePoll() {
	r := b.request()
	r.Call.Submitted = func(string) error { b.net.Refuse.Store(true); return nil }
	b.fails(r, outcome{order.Retry, order.CodeProviderUnreachable, order.ChargePending, true})
	b.net.Refuse.Store(false)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// echo answers with the headers of the request, as a debugging proxy may.
func (b *bench) echo(p Part) {
	if p == Poll && b.fake.shape.bare {
		return // the answer is the file, which is checked elsewhere
	}
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"%v"},"detail":"%v"}`, r.Header["Authorization"], r.Header)
	})
	if _, f := b.run(b.Context(), b.request()); f == nil {
		b.Error("it succeeded")
	}
}

func (b *bench) noKey() {
	b.key = order.Failf(order.Hold, order.CodeMisconfigured, "the key is missing").Nothing()
	b.fails(b.request(), outcome{order.Hold, order.CodeMisconfigured, order.ChargeNone, false})
	if n := len(b.fake.Requests()); n != 0 {
		b.Errorf("%d requests were sent", n)
	}
}

func (b *bench) check() {
	if err := b.gen.Check(b.Context()); err != nil {
		b.Errorf("a working provider: %v", err)
	}
	hold := func(why string) {
		err := b.gen.Check(b.Context())
		f, ok := errors.AsType[*order.Failure](err)
		if !ok || f.Class != order.Hold || f.Hint == "" {
			b.Errorf("%s: %v", why, err)
		}
	}
	b.fake.Answer(Other, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	hold("an outage")
	refuse := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	b.fake.Answer(Other, refuse)
	b.fake.Answer(Poll, refuse)
	hold("a wrong key")
	b.net.Refuse.Store(true)
	hold("unreachable")
	b.paid(0)
}

func (b *bench) checkSilent() {
	for _, p := range []Part{Submit, Poll, Other} {
		b.fake.Answer(p, spoiled["no answer"])
	}
	began := time.Now()
	err := b.gen.Check(b.Context())
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Hold || f.Hint == "" {
		b.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Minute {
		b.Errorf("it took %s", took)
	}
}
