package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store/storetest"
)

// slowPainter takes minutes for each picture, and counts those that were cut.
type slowPainter struct {
	mu        sync.Mutex
	made, cut int
}

func (p *slowPainter) Check(context.Context) error { return nil }

func (p *slowPainter) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	select {
	case <-time.After(7 * time.Minute):
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cut++
		return generate.Result{}, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	file := filepath.Join(r.OutputDir, "out.png")
	return generate.Result{Files: []string{file}}, os.WriteFile(file, append(append([]byte{}, picture...), r.OrderID...), 0o600)
}

// reloading is a running daemon whose configuration is a file.
type reloading struct {
	t       *testing.T
	market  *sandbox.Server
	path    string
	app     *App
	painter *slowPainter
	stop    func()
	// uploads is how long an upload takes.
	uploads time.Duration
}

func (r *reloading) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, "/upload") {
		time.Sleep(r.uploads)
	}
	return straight{r.market}.RoundTrip(q)
}

// settings is the configuration of a reloading daemon. more is put before the service.
func settings(mode, more string) string {
	return fmt.Sprintf(`base_url = "http://127.0.0.1:9/api"
blob_url = "http://127.0.0.1:9/blob/"
data_dir = "."
[agent]
name = "tester"
description = "an agent that tests"
endpoint_url = "https://agent.test"
[poll]
interval = "150s"
%s
[[service]]
title = "Pictures"
description = "Pictures that are painted with the greatest care in the world."
category = "image_gen"
price_usd = "5.00"
deliverables = ["a picture"]
generator = "painter"
mode = %q
[generator.painter]
type = "canvas"
`, more, mode)
}

func (r *reloading) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func newReloading(t *testing.T, dir string) *reloading {
	r := &reloading{t: t, market: sandbox.New(sandbox.Options{Seed: 1}), path: filepath.Join(dir, "atelierd.toml"), painter: &slowPainter{}}
	id, key, err := r.market.AddAgent("tester", "", "")
	if err != nil {
		t.Fatal(err)
	}
	r.write(settings("auto", ""))
	cfg, err := config.Load(r.path)
	if err != nil {
		t.Fatal(err)
	}
	r.app, err = Open(t.Context(), Options{
		Config: cfg, Transport: r, Log: slog.New(slog.DiscardHandler),
		Getenv: func(name string) string {
			return map[string]string{"ATELIER_AGENT_ID": id, "ATELIER_API_KEY": key}[name]
		},
		Generators: map[string]fulfill.Generator{"painter": {Name: "painter", Backend: r.painter, Free: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.stop = (&drill{t: t}).start(r.app)
	time.Sleep(10 * time.Minute) // the service is listed
	return r
}

func (r *reloading) place(brief string) string {
	r.t.Helper()
	id, err := r.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Pictures", Brief: brief, Price: "5.00"})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// TestReloadsUnderLoadCutNoWorkAndLoseNone reloads a hundred times while orders are worked
// on. Every third configuration is broken.
func TestReloadsUnderLoadCutNoWorkAndLoseNone(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReloading(t, dir)
		var ids []string
		for n := range 100 {
			if n%5 == 0 {
				ids = append(ids, r.place(fmt.Sprintf("picture %d", n)))
			}
			text := settings("auto", fmt.Sprintf("[work]\ngenerators = %d\n[messages]\ninterval = \"%dm\"", 1+n%4, 5+n))
			if n%3 == 2 {
				text = strings.Replace(text, "price_usd", "price", 1)
			}
			r.write(text)
			err := r.app.Reload()
			if broken := n%3 == 2; broken != (err != nil) {
				t.Errorf("reload %d ends with %v", n, err)
			}
			want := ""
			if n%3 == 2 {
				want = "unknown key"
			}
			text, readErr := r.app.store.Fact(t.Context(), string(order.AlertReload.Code()))
			if readErr != nil || (text != "") != (want != "") {
				t.Errorf("after reload %d the alert is %q, %v", n, text, readErr)
			}
			time.Sleep(3*time.Minute + 7*time.Second)
		}
		time.Sleep(12 * time.Hour)
		r.stop()
		for _, id := range ids {
			if o, _ := r.market.Order(id); len(o.Deliveries) != 1 {
				t.Errorf("order %s has %d deliveries", id, len(o.Deliveries))
			}
		}
		if r.painter.cut != 0 || r.painter.made != len(ids) {
			t.Errorf("%d pictures were made for %d orders, and %d were cut", r.painter.made, len(ids), r.painter.cut)
		}
	})
}

// holds changes the mode to review, and expects that the order is held and not delivered.
// It stops the daemon.
func (r *reloading) holds(id string) {
	r.t.Helper()
	r.write(settings("review", ""))
	if err := r.app.Reload(); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(time.Hour)
	o, err := r.app.store.Order(r.t.Context(), id)
	if err != nil || o.State != order.StateHeld || o.Code != order.CodeReview {
		r.t.Errorf("the order is %s %q, %v", o.State, o.Code, err)
	}
	if o, _ := r.market.Order(id); len(o.Deliveries) != 0 {
		r.t.Errorf("it was delivered %d times", len(o.Deliveries))
	}
	r.stop()
}

// TestAStricterModeHoldsWhatIsMadeUnderTheOldOne guards a reload while a picture is made: it
// waits for the owner.
func TestAStricterModeHoldsWhatIsMadeUnderTheOldOne(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReloading(t, dir)
		id := r.place("a fox")
		time.Sleep(5 * time.Minute)
		if len(r.app.reloader.Load().parts.Engine.Running()) != 1 {
			t.Fatal("no picture is being made")
		}
		r.holds(id)
	})
}

// TestAStricterModeHoldsWhatIsBeingUploaded guards a reload while a file is on its way: the
// upload ends, and nothing is delivered.
func TestAStricterModeHoldsWhatIsBeingUploaded(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReloading(t, dir)
		r.uploads = 40 * time.Second
		id := r.place("a fox")
		uploading := func() bool {
			running := r.app.reloader.Load().parts.Engine.Running()
			return len(running) == 1 && running[0].Job.Stage == order.StageUpload
		}
		for range 60 * 60 {
			if time.Sleep(time.Second); uploading() {
				break
			}
		}
		if !uploading() {
			t.Fatal("nothing is uploaded")
		}
		r.holds(id)
	})
}

// TestWhatNeedsARestartIsRefusedAsAWhole guards that nothing of such a configuration is used,
// and that each key is named.
func TestWhatNeedsARestartIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReloading(t, dir)
		defer r.stop()
		for key, text := range map[string]string{
			"data_dir":       strings.Replace(settings("review", ""), `"."`, `"elsewhere"`, 1),
			"base_url":       strings.Replace(settings("review", ""), ":9/api", ":10/api", 1),
			"blob_url":       strings.Replace(settings("review", ""), ":9/blob", ":10/blob", 1),
			"webhook.listen": settings("review", "[webhook]\nlisten = \"127.0.0.1:8377\""),
			"metrics.listen": settings("review", "[metrics]\nlisten = \"127.0.0.1:9377\""),
			"budget.window":  settings("review", "[budget]\nwindow = \"30m\""),
			"work.lease":     settings("review", "[work]\nlease = \"2m\""),
			"NO_SUCH_URL":    settings("review", "[ping]\nurl_env = \"NO_SUCH_URL\""),
		} {
			r.write(text)
			err := r.app.Reload()
			if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "only a restart") {
				t.Errorf("%s is answered with %v", key, err)
			}
			if mode := r.app.config().Services[0].Mode; mode != "auto" {
				t.Errorf("with %s the mode is %s", key, mode)
			}
		}
	})
}

// TestARemovedGeneratorFinishesWhatItBegan guards a job at a provider whose generator leaves
// the configuration: its result is fetched, and the next order is made by the other one.
func TestARemovedGeneratorFinishesWhatItBegan(t *testing.T) {
	t.Parallel()
	before, now := config.Generator{Type: "openai", Key: config.Secret{File: "old.key"}}, config.Generator{Type: config.TypeCanvas}
	old, breaker := &slowProvider{}, &generate.Breaker{}
	was := &live{
		&config.Config{Generators: map[string]config.Generator{"old": before, "kept": now}},
		&Services{generators: map[string]fulfill.Generator{"old": {Name: "old", Backend: old}, "kept": {Name: "kept", Breaker: breaker}}},
	}
	m := maker{cfg: &config.Config{Generators: map[string]config.Generator{"kept": now}}, log: slog.New(slog.DiscardHandler), before: was}
	s, err := newServices(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	keepRemoved(was, m.cfg, s)
	if s.generators["old"].Backend != old || m.cfg.Generators["old"].Key.File != "old.key" {
		t.Errorf("the removed generator is %+v, configured as %+v", s.generators["old"], m.cfg.Generators["old"])
	}
	if s.generators["kept"].Breaker != breaker {
		t.Error("a generator that is configured as before was made again")
	}
	m.cfg.Generators["kept"] = config.Generator{Type: config.TypeCanvas, Fallback: []string{"old"}}
	if s, err = newServices(m, nil); err != nil || s.generators["kept"].Breaker == breaker {
		t.Errorf("a changed generator was kept, %v", err)
	}
}

// TestANewServiceIsListedAndAChangedOneDiffers guards what the marketplace sells after a
// reload.
func TestANewServiceIsListedAndAChangedOneDiffers(t *testing.T) {
	t.Parallel()
	dir := storetest.Dir(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReloading(t, dir)
		defer r.stop()
		text := settings("auto", "")
		service := text[strings.Index(text, "[[service]]"):strings.Index(text, "[generator.")]
		more := strings.Replace(service, `"Pictures"`, `"Etchings"`, 1)
		r.write(strings.Replace(text, service, strings.Replace(service, `"5.00"`, `"7.00"`, 1)+more, 1))
		if err := r.app.Reload(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		listed, err := r.app.store.Services(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		states := map[string]order.Listed{}
		for _, l := range listed {
			states[l.Title] = l
		}
		if s := states["Etchings"]; s.State != order.ServiceListed {
			t.Errorf("the new service is %+v", s)
		}
		if s := states["Pictures"]; s.State != order.ServiceListed || !strings.Contains(s.Reason, "price") {
			t.Errorf("the changed service is %+v", s)
		}
		id, err := r.market.PlaceOrder(sandbox.NewOrder{ServiceTitle: "Etchings", Brief: "a fox", Price: "5.00"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if o, _ := r.market.Order(id); len(o.Deliveries) != 1 {
			t.Errorf("the order of the new service has %d deliveries", len(o.Deliveries))
		}
	})
}
