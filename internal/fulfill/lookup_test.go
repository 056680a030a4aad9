package fulfill_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate/gentest"
	providers "atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/pipenet"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
	"atelierd/internal/store"
)

// useComfyUI has the files made by ComfyUI, which runs an id as often as it is sent.
func (w *world) useComfyUI() *gentest.Fake {
	w.t.Helper()
	const key = "comfy-key"
	fake, net := gentest.NewFake("comfyui", key, 30*time.Second), pipenet.New()
	server := &http.Server{Handler: fake, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(net) })
	transport := &http.Transport{DialContext: net.Dial, DisableKeepAlives: true}
	w.t.Cleanup(func() {
		server.Shutdown(context.Background())
		serving.Wait()
	})
	p, err := providers.New(providers.Spec{
		Type: "comfyui", BaseURL: "http://" + gentest.FakeHost, User: "owner", Transport: transport,
		Key:      func() (secret.Text, error) { return secret.New(key), nil },
		Workflow: []byte(`{"9": {"class_type": "SaveImage", "inputs": {"text": "{{prompt}}"}}}`),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.service = func(s *fulfill.Service) {
		s.Generators = []fulfill.Generator{{Name: "comfy", Backend: p, Price: price}}
		s.Requirements = fulfill.Requirements{Repeats: true}
	}
	w.restart()
	return fake
}

// crashed runs the stage in a process that dies once the server has begun the job, so
// that the job's id is not stored.
func (w *world) crashed(fake *gentest.Fake) {
	w.t.Helper()
	fake.Lose()
	if _, err := w.f.Run(w.t.Context(), w.lease(order.StageGenerate)); err == nil {
		w.t.Fatal("the answer was not lost")
	}
	fake.Answer(gentest.Submit, nil)
	w.restart()
}

func TestAJobThatBeganBeforeACrashIsFoundAndRunsOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		fake := w.useComfyUI()
		id := w.order()
		w.crashed(fake)
		w.started() // what is found is resumed without the marketplace
		w.must(order.StageGenerate)
		if calls := w.calls(id); fake.Paid() != 1 || len(calls) != 1 || calls[0].Ticket != calls[0].Key {
			t.Errorf("%d jobs, calls %+v", fake.Paid(), calls)
		}
	})
}

func TestWhileTheServerIsDownTheJobIsNeitherFoundNorMadeAgain(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		fake := w.useComfyUI()
		id := w.order()
		w.crashed(fake)
		fake.Answer(gentest.Poll, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
		w.fails(order.StageGenerate, order.Retry, order.CodeOutage)
		fake.Answer(gentest.Poll, nil)
		w.must(order.StageGenerate)
		if fake.Paid() != 1 || len(w.calls(id)) != 1 {
			t.Errorf("%d jobs, calls %+v", fake.Paid(), w.calls(id))
		}
	})
}

// A call whose job cannot be looked up is not sent, so it costs nothing.
func TestALookUpThatFailsCostsNothing(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		fake := w.useComfyUI()
		id := w.order()
		fake.Answer(gentest.Poll, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
		w.fails(order.StageGenerate, order.Retry, order.CodeOutage)
		if calls := w.calls(id); fake.Paid() != 0 || w.spent(id) != 0 || len(calls) != 1 || calls[0].State != order.CallFailed {
			t.Errorf("%d jobs, calls %+v, spent %s", fake.Paid(), calls, w.spent(id))
		}
	})
}

// A database restored from before the call gives the call its key again.
func TestARestoredDatabaseFindsTheJobItHasForgotten(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		fake := w.useComfyUI()
		id := w.order()
		restore := w.backup()
		w.must(order.StageGenerate)
		first := w.calls(id)[0].Key
		restore()
		w.poll()
		w.must(order.StageGenerate)
		if calls := w.calls(id); fake.Paid() != 1 || len(calls) != 1 || calls[0].Key != first {
			t.Errorf("%d jobs, calls %+v, want the key %s", fake.Paid(), calls, first)
		}
	})
}

// After a redo the owner wants another file than the one that the server has.
func TestAfterARedoNothingThatIsFoundIsUsed(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		fake := w.useComfyUI()
		id := w.order()
		restore := w.backup()
		w.must(order.StageGenerate)
		restore()
		w.cancel(id)
		w.redo(id, 0)
		w.poll()
		w.must(order.StageGenerate)
		calls := w.calls(id)
		if fake.Paid() != 2 || len(calls) != 2 || calls[0].Cost != 0 || calls[1].Ticket != calls[1].Key || w.spent(id) != price {
			t.Errorf("%d jobs, calls %+v, spent %s", fake.Paid(), calls, w.spent(id))
		}
	})
}

// backup returns a function that puts the database of now back, in a folder without
// files.
func (w *world) backup() (restore func()) {
	w.t.Helper()
	file := filepath.Join(w.dir, store.FileName)
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	w.open()
	return func() {
		if err := w.store.Close(); err != nil {
			w.t.Fatal(err)
		}
		for _, gone := range []string{file + "-wal", file + "-shm", filepath.Join(w.dir, "work"), filepath.Join(w.dir, "artifacts")} {
			if err := os.RemoveAll(gone); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.open()
	}
}

// Every further attempt, a refused file and a redo are calls of their own.
func TestEachNewCallHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	inWorld(t, sandbox.Options{}, func(t *testing.T, w *world) {
		judge := &critic{}
		p := &provider{answers: []answer{
			{"", fails(order.Retry, order.CodeProviderFailed, order.ChargeFull)},
			{"", fails(order.Wait, order.CodeProviderRateLimited, order.ChargeNone)},
		}}
		w.useProvider(p)
		w.service = func(s *fulfill.Service) {
			s.Generators, s.Requirements.Checker = []fulfill.Generator{{Name: "paid", Backend: p, Price: price}}, judge
		}
		w.restart()
		id := w.order()
		w.fails(order.StageGenerate, order.Retry, order.CodeProviderFailed)
		w.fails(order.StageGenerate, order.Wait, order.CodeProviderRateLimited)
		judge.err = fails(order.Fail, order.CodeRefused, order.ChargeNone)
		w.fails(order.StageGenerate, order.Retry, order.CodeVetoed)
		judge.err = nil
		w.cancel(id)
		w.redo(id, 0)
		w.must(order.StageGenerate)
		calls := w.calls(id)
		if len(calls) != 4 {
			t.Fatalf("calls %+v", calls)
		}
		for i, c := range calls {
			job := order.Job{OrderID: id, Kind: order.KindDelivery}
			if want := order.CallKey(w.agent, job, "paid", int64(i+1)); c.Key != want {
				t.Errorf("call %d has the key %s, want %s", i+1, c.Key, want)
			}
		}
	})
}
