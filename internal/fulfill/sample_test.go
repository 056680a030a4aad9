package fulfill_test

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/gentest"
	providers "atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/secret"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// easel has a provider make samples in simulated time.
type easel struct {
	*testing.T
	fake    *gentest.Fake
	store   *store.Store
	sampler fulfill.Sampler
	g       fulfill.Generator
}

// atEasel runs f with a provider of the type.
func atEasel(t *testing.T, typ string, f func(e *easel)) {
	t.Helper()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		const key = "fake-key"
		st, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e := &easel{T: t, fake: gentest.NewFake(typ, key, 30*time.Second), store: st}
		net := pipenet.New()
		server := &http.Server{Handler: e.fake, ErrorLog: log.New(io.Discard, "", 0)}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(net) })
		p, err := providers.New(providers.Spec{
			Type: typ, BaseURL: "http://" + gentest.FakeHost, Model: "owner/model", User: "owner",
			Transport: &http.Transport{DialContext: net.Dial, DisableKeepAlives: true},
			Key:       func() (secret.Text, error) { return secret.New(key), nil },
			Workflow:  []byte(`{"9": {"class_type": "SaveImage", "inputs": {"text": "{{prompt}}"}}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		e.g = fulfill.Generator{Name: "studio", Backend: p, Price: price}
		e.sampler = fulfill.Sampler{
			Store: st, Dir: filepath.Join(dir, "samples"), Agent: "ext_1", Service: generate.Service{Category: "image_gen"},
			Log: slog.New(slog.DiscardHandler),
		}
		f(e)
		server.Shutdown(context.Background())
		serving.Wait()
		st.Close()
	})
}

func (e *easel) make() (fulfill.Sampled, error) {
	return e.sampler.Make(e.Context(), e.g, order.Sample{Prompt: "a red fox"})
}

func (e *easel) resume() (fulfill.Sampled, error) {
	e.Helper()
	open, err := e.store.OpenSamples(e.Context())
	if err != nil || len(open) != 1 {
		e.Fatalf("open are %+v, %v", open, err)
	}
	return e.sampler.Resume(e.Context(), e.g, open[0])
}

// made checks that one sample is there and was paid for once.
func (e *easel) made(s fulfill.Sampled, err error) {
	e.Helper()
	if err != nil || len(s.Files) != 1 {
		e.Fatalf("it is %+v, %v", s, err)
	}
	if _, err := os.Stat(s.Files[0]); err != nil || filepath.Base(s.Files[0]) != "studio-1.png" {
		e.Errorf("its file is %s: %v", s.Files[0], err)
	}
	e.paid(1, 0)
}

// paid checks how often the provider was paid, and how many samples are open.
func (e *easel) paid(want, open int) {
	e.Helper()
	list, err := e.store.OpenSamples(e.Context())
	if n := e.fake.Paid(); n != want || err != nil || len(list) != open {
		e.Errorf("%d jobs were paid for, want %d; open are %+v, want %d, %v", n, want, list, open, err)
	}
}

// cut has the command end while the provider works.
func (e *easel) cut() {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 10*time.Second)
	defer cancel()
	_, err := e.sampler.Make(ctx, e.g, order.Sample{Prompt: "a red fox"})
	if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Class != order.Stopped {
		e.Fatalf("it ended with %v", err)
	}
}

func TestASampleThatWasCutIsResumed(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"comfyui", "http", "replicate"} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			atEasel(t, typ, func(e *easel) {
				e.cut()
				e.paid(1, 1)
				e.made(e.resume())
			})
		})
	}
}

// A process that ends before it has an answer leaves a call without an id.
func TestASampleWithoutAnIDIsLookedForAndNeverMadeAgain(t *testing.T) {
	t.Parallel()
	for typ, found := range map[string]bool{"comfyui": true, "http": true, "replicate": false} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			atEasel(t, typ, func(e *easel) {
				begun, err := e.store.BeginSample(order.NewSample{
					NewCall: order.NewCall{Agent: "ext_1", Generator: "studio", Price: price}, Sample: order.Sample{Prompt: "a red fox"},
				})
				if err != nil {
					e.Fatal(err)
				}
				if _, err := e.g.Backend.Generate(e.Context(), generate.Request{
					OrderID: "sample", Attempt: 1, Prompt: "a red fox", Brief: "a red fox", OutputDir: e.TempDir(),
					Service: e.sampler.Service, Call: generate.Call{Key: begun.Key, Began: begun.BeganAt},
				}); err != nil {
					e.Fatal(err)
				}
				s, err := e.resume()
				if found {
					e.made(s, err)
					return
				}
				if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Code != order.CodeUnknownCall {
					e.Errorf("it ended with %v", err)
				}
				e.paid(1, 0)
				if today, err := e.store.SpentToday(e.Context(), time.Now()); err != nil || today != price {
					e.Errorf("$%s counts, want its price; %v", today, err)
				}
			})
		})
	}
}

// Where the answer to the call is lost, the same command looks for the job.
func TestASampleWhoseAnswerIsLostIsPaidForOnce(t *testing.T) {
	t.Parallel()
	for typ, found := range map[string]bool{"comfyui": true, "http": true, "replicate": false} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			atEasel(t, typ, func(e *easel) {
				e.fake.Lose()
				time.AfterFunc(time.Second, func() { e.fake.Answer(gentest.Submit, nil) })
				s, err := e.make()
				if found {
					e.made(s, err)
					return
				}
				if err == nil {
					e.Error("it was made")
				}
				e.paid(1, 0)
			})
		})
	}
}

// The result of a sample that is late is waited for, at most as long as that of an order.
func TestALateSampleIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		open  int
	}{"nine minutes": {9 * time.Minute, 0}, "an hour": {time.Hour, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atEasel(t, "replicate", func(e *easel) {
				began := time.Now()
				e.fake.Answer(gentest.Fetch, func(rw http.ResponseWriter, r *http.Request) {
					if time.Since(began) < c.after {
						http.NotFound(rw, r)
						return
					}
					e.fake.Serve(rw, r)
				})
				s, err := e.make()
				if c.open == 0 {
					e.made(s, err)
					return
				}
				if fail, ok := errors.AsType[*order.Failure](err); !ok || fail.Class != order.Hold || fail.Code != order.CodeExpired {
					e.Errorf("it ended with %v", err)
				}
				e.paid(1, 1)
				time.Sleep(c.after)
				e.made(e.resume())
			})
		})
	}
}

// A result that is on the disk is used, whatever the provider says by then.
func TestASampleThatWasMadeIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	atEasel(t, "replicate", func(e *easel) {
		closed := errors.New("the command was killed")
		e.sampler.Store = dying{e.store, closed}
		if _, err := e.make(); !errors.Is(err, closed) {
			e.Fatalf("it ended with %v", err)
		}
		e.sampler.Store = e.store
		e.fake.Forget()
		s, err := e.resume()
		if err != nil || len(s.Files) != 1 {
			e.Fatalf("it is %+v, %v", s, err)
		}
		e.paid(1, 0)
	})
}

// dying is a store whose process ends before a call is closed.
type dying struct {
	*store.Store
	err error
}

func (d dying) CloseCall(int64, order.CallState, order.USD, string) error { return d.err }
