package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
)

// straight carries requests to a marketplace without a network.
type straight struct{ http.Handler }

func (s straight) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// slowProvider takes a job and has it ready at the second look.
type slowProvider struct{ taken, fetched int }

func (p *slowProvider) Check(context.Context) error { return nil }

func (p *slowProvider) Generate(_ context.Context, r generate.Request) (generate.Result, error) {
	if r.Call.Ticket == "" {
		p.taken++
		if err := r.Call.Submitted("job-1"); err != nil {
			return generate.Result{}, err
		}
		f := order.Failf(order.Wait, order.CodeSlow, "the job is not done yet")
		f.Charge = order.ChargePending
		return generate.Result{}, f
	}
	p.fetched++
	file := filepath.Join(r.OutputDir, "out.png")
	return generate.Result{Files: []string{file}}, os.WriteFile(file, picture, 0o600)
}

// restarts is a program that is started once for each configuration, while the
// marketplace shows nothing new.
type restarts struct {
	t      *testing.T
	market *sandbox.Server
	getenv func(string) string
	cfg    config.Config
}

func newRestarts(t *testing.T, dir string) *restarts {
	r := &restarts{t: t, market: sandbox.New(sandbox.Options{Seed: 1})}
	id, key, err := r.market.AddAgent("tester", "", "")
	if err != nil {
		t.Fatal(err)
	}
	r.getenv = func(name string) string {
		return map[string]string{"ATELIER_AGENT_ID": id, "ATELIER_API_KEY": key}[name]
	}
	r.cfg = config.Config{
		BaseURL: "http://market.test/api", BlobURL: "http://market.test/blob/", DataDir: dir, Dir: dir,
		Agent:  config.Agent{Name: "tester", Description: "an agent that tests", EndpointURL: "https://agent.test"},
		Poll:   config.Poll{Interval: time.Minute},
		Budget: config.Budget{Window: time.Hour, Poll: 30, Deliver: 30, Upload: 30, Messages: 60, Services: 20, Register: 5},
		Work: config.Work{
			Generators: 1, MaxAttempts: 5, Drain: time.Minute, Lease: time.Minute, DeliverTimeout: time.Minute, Backoff: time.Second,
		},
		Services: []config.Service{{
			Title: "Pictures", Description: strings.Repeat("Pictures of every kind. ", 3), Category: "image_gen", MaxRevisions: 3,
			Price: 5 * order.Dollar, PriceType: "fixed", TurnaroundHours: 2, Deliverables: []string{"a picture"}, Kind: "image",
			Generator: "studio", Mode: config.ModeAuto,
		}},
	}
	return r
}

// start starts the program with a generator under the given name, has it do what can be
// done, and returns what it shows of the order.
func (r *restarts) start(digest, generator string, p *slowProvider, id string) order.Order {
	r.t.Helper()
	r.cfg.Digest = digest
	r.cfg.Services[0].Generator = generator
	a, err := Open(r.t.Context(), Options{
		Config: &r.cfg, Getenv: r.getenv, Transport: straight{r.market},
		Generators: map[string]fulfill.Generator{generator: {Name: generator, Backend: p, Price: order.Dollar / 10}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := a.Heartbeat(r.t.Context()); err != nil {
		r.t.Error(err)
	}
	if err := a.Close(); err != nil {
		r.t.Error(err)
	}
	st, err := store.OpenReader(r.cfg.DataDir)
	if err != nil {
		r.t.Fatal(err)
	}
	defer st.Close()
	o, err := st.Order(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(time.Hour)
	return o
}

// TestAGeneratorThatIsPutBackFetchesWhatItBegan guards a paid job whose generator was
// renamed: with the old name back its result is fetched, without any command.
func TestAGeneratorThatIsPutBackFetchesWhatItBegan(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r, p := newRestarts(t, dir), &slowProvider{}
		id, err := r.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: "a fox", Price: "5.00"})
		if err != nil {
			t.Fatal(err)
		}
		if o := r.start("1", "studio", p, id); o.State != order.StateWorking || p.taken != 1 {
			t.Fatalf("it is %s %q, and %d jobs are taken", o.State, o.Code, p.taken)
		}
		if o := r.start("2", "renamed", p, id); o.State != order.StateHeld || o.Code != order.CodeNoGenerator {
			t.Fatalf("without its generator it is %s %q", o.State, o.Code)
		}
		if o := r.start("1", "studio", p, id); o.State != order.StateDelivered || p.taken != 1 || p.fetched != 1 {
			t.Errorf("with its generator it is %s %q; %d jobs are taken, %d fetched", o.State, o.Code, p.taken, p.fetched)
		}
	})
}
