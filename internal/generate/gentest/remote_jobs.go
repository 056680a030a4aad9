package gentest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// This file holds the ways to lose a call, a job or its file, and what must be left
// of it.

// resumed returns the request of a run after one that stored the first job's id.
func (b *bench) resumed() generate.Request {
	r := b.request()
	b.fake.mu.Lock()
	r.Call.Ticket, r.Call.Resumed = b.fake.jobs[0].id, true
	b.fake.mu.Unlock()
	if b.fake.shape.bare {
		r.Call.Ticket = "/jobs/" + r.Call.Ticket
	}
	return r
}

// find asks for the job of the call, as is done before each call.
func (b *bench) find(r *generate.Request) {
	b.Helper()
	f, ok := b.gen.(generate.Finder)
	if !ok {
		return
	}
	var err error
	if r.Call.Ticket, err = f.Find(b.Context(), r.Call.Key); err != nil {
		b.Fatal(err)
	}
}

// keyReused expects that a key that the provider has with another body is left to the
// owner, and may have been paid for.
func (b *bench) keyReused() {
	for _, status := range []int{http.StatusConflict, http.StatusUnprocessableEntity} {
		b.fake.Answer(Submit, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, `{"error":"this Idempotency-Key was used with another body"}`)
		})
		b.fails(b.request(), outcome{order.Hold, order.CodeKeyReused, order.ChargeUnknown, false})
	}
}

func (b *bench) lost() {
	b.fake.Lose()
	b.fails(b.request(), outcome{order.Retry, order.CodeProviderNoAnswer, order.ChargeUnknown, false})
	b.paid(1)
	if !b.fake.shape.again {
		return
	}
	b.fake.Answer(Submit, nil)
	r := b.request()
	r.Call.Resumed = true
	b.find(&r)
	made, f := b.run(b.Context(), r)
	if f != nil || len(made.Files) != 1 {
		b.Fatalf("the same call again: %+v, %v", made, f)
	}
	if b.fake.shape.jobs {
		b.paid(1)
	}
}

func (b *bench) stopped() {
	b.fake.Answer(Submit, spoiled["no answer"])
	ctx, cancel := context.WithCancelCause(b.Context())
	time.AfterFunc(time.Second, func() { cancel(order.ErrStopping) })
	began := time.Now()
	_, f := b.run(ctx, b.request())
	b.want(f, outcome{order.Stopped, order.CodeStopped, order.ChargePending, false})
	if took := time.Since(began); took > time.Second {
		b.Errorf("it took %s", took)
	}
}

func (b *bench) stoppedBefore() {
	ctx, cancel := context.WithCancelCause(b.Context())
	cancel(order.ErrStopping)
	_, f := b.run(ctx, b.request())
	b.want(f, outcome{order.Stopped, order.CodeStopped, order.ChargePending, false})
	if n := len(b.fake.Requests()); n != 0 {
		b.Errorf("%d requests were sent", n)
	}
}

func (b *bench) crashBeforePoll() {
	r := b.request()
	died := errors.New("the process has died")
	r.Call.Submitted = func(string) error { return died }
	if _, f := b.run(b.Context(), r); f == nil || !errors.Is(f, died) {
		b.Fatalf("got %v", f)
	}
	for _, q := range b.fake.Requests() {
		if q.Part == Poll {
			b.Error("the job was polled although its id was not durable")
		}
	}
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) crashBeforeFile() {
	part := Fetch
	if b.fake.shape.bare {
		part = Poll
	}
	ctx, cancel := context.WithCancelCause(b.Context())
	b.fake.Answer(part, func(_ http.ResponseWriter, r *http.Request) {
		cancel(order.ErrStopping)
		<-r.Context().Done()
	})
	if _, f := b.run(ctx, b.request()); f == nil || f.Class != order.Stopped {
		b.Fatalf("got %+v", f)
	}
	b.fake.Answer(part, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) slow() {
	b.fake.mu.Lock()
	b.fake.delay = 3 * remoteTimeout / 2
	b.fake.mu.Unlock()
	b.fails(b.request(), outcome{order.Wait, order.CodeSlow, order.ChargePending, false})
	b.done(b.resumed(), 1)
	b.paid(1)
}

// overdue expects that a job that is never done is held after a day.
func (b *bench) overdue() {
	b.fake.mu.Lock()
	b.fake.delay = 1000 * time.Hour
	b.fake.mu.Unlock()
	b.fails(b.request(), outcome{order.Wait, order.CodeSlow, order.ChargePending, false})
	r := b.resumed()
	r.Call.Began = time.Now().Add(-25 * time.Hour)
	b.fails(r, outcome{order.Hold, order.CodeOverdue, order.ChargePending, false})
	b.fake.Answer(Poll, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b.fails(r, outcome{order.Hold, order.CodeOverdue, order.ChargePending, false}) // whatever the reason
	b.paid(1)
}

// keyLost removes the key while a job runs. The job must not be lost.
func (b *bench) keyLost() {
	r := b.request()
	r.Call.Submitted = func(string) error { return errors.New("the process has died") }
	b.run(b.Context(), r)
	b.key = order.Failf(order.Hold, order.CodeMisconfigured, "the key is missing").Nothing()
	b.fails(b.resumed(), outcome{order.Hold, order.CodeMisconfigured, order.ChargePending, false})
	b.key = nil
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) forgotten() {
	r := b.request()
	r.Call.Submitted = func(string) error { b.fake.Forget(); return nil }
	want := lateResult
	if !b.fake.shape.forgets {
		want = outcome{order.Retry, order.CodeJobLost, order.ChargeFull, true} // it says so for certain
	}
	b.fails(r, want)
	b.paid(1)
}

// late expects that a result that is not there at first is waited for without a worker,
// and not paid for again.
func (b *bench) late(p Part, code order.Code, h http.HandlerFunc) {
	b.fake.Answer(p, func(w http.ResponseWriter, r *http.Request) {
		if b.fake.Done() || p == Fetch {
			h(w, r)
			return
		}
		b.fake.Serve(w, r)
	})
	began := time.Now()
	r := b.request()
	f := b.fails(r, outcome{order.Wait, code, order.ChargePending, false})
	if !f.Late() {
		b.Errorf("%v is not a late result", f)
	}
	if took := time.Since(began); took > 2*remoteDelay {
		b.Errorf("it kept a worker for %s", took)
	}
	if list, err := filepath.Glob(filepath.Join(r.OutputDir, "[^.]*")); err != nil || len(list) > 0 {
		b.Errorf("left %q, %v", list, err)
	}
	old := b.resumed()
	old.Call.Began = time.Now().Add(-25 * time.Hour)
	b.fails(old, outcome{order.Wait, code, order.ChargePending, false}) // a job may take a day
	b.fake.Answer(p, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

// brokenFile expects that a failed fetch keeps the job and leaves no partial file.
func (b *bench) brokenFile(h http.HandlerFunc) {
	b.fake.Answer(Fetch, h)
	r := b.request()
	_, f := b.run(b.Context(), r)
	if f == nil || f.Class != order.Retry && f.Class != order.Wait || f.Charge != order.ChargePending {
		b.Fatalf("got %+v", f)
	}
	if list, err := filepath.Glob(filepath.Join(r.OutputDir, "[^.]*")); err != nil || len(list) > 0 {
		b.Errorf("left %q, %v", list, err)
	}
	b.fake.Answer(Fetch, nil)
	b.done(b.resumed(), 1)
	b.paid(1)
}

func (b *bench) fileWithoutKey() {
	asked := false
	b.fake.Answer(Fetch, func(w http.ResponseWriter, r *http.Request) {
		asked = true
		b.noLeak(fmt.Sprint(r.Header), "the headers of a file's request")
		w.Write(b.fake.jobs[0].file())
	})
	b.done(b.request(), 1)
	if !asked {
		b.Error("no file was fetched")
	}
}

// linked has the provider name a file in the owner's private network.
func (b *bench) linked(link string) {
	b.fake.Answer(Poll, func(w http.ResponseWriter, r *http.Request) {
		b.fake.mu.Lock()
		defer b.fake.mu.Unlock()
		rec := httptest.NewRecorder()
		b.fake.shape.serve(b.fake, rec, r)
		w.WriteHeader(rec.Code)
		io.WriteString(w, strings.ReplaceAll(rec.Body.String(), b.fake.jobs[0].link()+b.fake.shape.download, link))
	})
	// Another call would most likely end in the same way.
	_, f := b.run(b.Context(), b.request())
	if f == nil || f.Class != order.Hold || f.Hint == "" || f.Charge == order.ChargeNone {
		b.Fatalf("got %+v", f)
	}
	b.stayed()
}
