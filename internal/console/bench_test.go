//go:build unix

package console

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/owner"
	"atelierd/internal/store"
	"atelierd/internal/store/storetest"
	"atelierd/internal/store/viewsql"
	"atelierd/internal/thumb"
	"atelierd/internal/view"
)

// benchPaths are the addresses of every page, with each filter and each kind of search.
func benchPaths() map[string]string {
	const all = "/orders?show=all"
	middle := fmt.Sprintf("old_%08d", million/2)
	paths := map[string]string{
		"now": "/", "order": "/orders/" + busyID, "order completed": fmt.Sprintf("/orders/old_%08d", million-5000),
		"inbox": "/inbox", "inbox waiting": "/inbox?show=waiting", "inbox, an order": "/inbox?order=" + busyID,
		"services": "/services", "generators": "/generators", "bounties": "/bounties", "a bounty": "/bounties/task_1",
		"money 30d": "/money", "money 12m": "/money?time=12m", "money all": "/money?time=all", "history": "/history",
		"live now": "/live?on=/", "live orders": "/live?on=/orders", "live order": "/live?on=/orders/" + busyID,

		"orders open": "/orders", "orders needs": "/orders?show=needs", "orders work": "/orders?show=work", "orders client": "/orders?show=client",
		"orders done": "/orders?show=done", "orders all": all, "orders all, middle": all + "&older=" + middle, "orders done, middle": "/orders?show=done&older=" + middle,

		"text in every": all + "&q=clients+write", "text in every, middle": all + "&q=clients+write&older=" + middle, "text in open": "/orders?q=clients+write",
		"text in done": "/orders?show=done&q=clients+write", "text in one": all + "&q=number+987654", "text in none": all + "&q=zebra", "text of 3": all + "&q=the",
		"text often elsewhere": "/orders?show=client&q=clients+write", "end of an id": all + "&q=987654", "text of client": all + "&q=clients&client=client_7",
		"text of service": all + "&q=clients&service=Logos", "text of rare service": all + "&q=clients&service=Murals",
		"text of generator": all + "&q=clients&generator=veo", "text, a week": all + "&q=clients&time=7",

		"service": all + "&service=Images", "service rare": all + "&service=Murals", "service none": all + "&service=None", "service done": "/orders?show=done&service=Logos",
		"service open": "/orders?service=Logos", "generator": all + "&generator=flux", "generator rare": all + "&generator=studio", "generator done": "/orders?show=done&generator=veo",
		"time 1": all + "&time=1", "time 7": all + "&time=7", "time 30": all + "&time=30", "time 365": all + "&time=365", "time 30, rare service": all + "&time=30&service=Murals",
		"client": all + "&client=client_7", "client of many": all + "&client=client_1", "client of many, open": "/orders?client=client_1",
		"client of many, needs": "/orders?show=needs&client=client_1", "client, service": all + "&client=client_1&service=Murals",
	}
	for _, by := range []string{view.ByDay, view.ByMonth, view.ByService, view.ByGenerator, view.ByClient, view.ByOrder} {
		paths["file of 30d by "+by] = "/money.csv?time=30d&by=" + by
	}
	for _, e := range examples {
		paths[fmt.Sprintf("history %d", e.ID)] = fmt.Sprintf("/history?example=%d", e.ID)
	}
	return paths
}

// BenchmarkPages reads every page next to a million orders, as an owner does who is logged in.
func BenchmarkPages(b *testing.B) { benchPages(b, ordinary) }

// BenchmarkPagesOfOneKind does it where all orders are of one client and one service, and no
// payout is known.
func BenchmarkPagesOfOneKind(b *testing.B) { benchPages(b, oneKind) }

func benchPages(b *testing.B, s shape) {
	dir := storetest.Dir(b)
	if kept := os.Getenv("BENCH_LEDGER"); kept != "" {
		dir = filepath.Join(kept, strings.ReplaceAll(s.name, " ", "_"))
		if _, err := os.Stat(dir); err != nil {
			from := storetest.Dir(b)
			makeYears(b, from, s)
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		makeYears(b, dir, s)
	}
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	users, err := access.Open(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer users.Close()
	pages, closeIt := benchConsole(b, dir, st, users)
	defer closeIt()
	secret, err := users.NewLink(b.Context(), "jo")
	if err != nil {
		b.Fatal(err)
	}
	session, err := users.UseLink(b.Context(), secret)
	if err != nil {
		b.Fatal(err)
	}
	// The days are added up once for good.
	if _, err := st.AddUpDays(b.Context(), "", "9999", time.Hour); err != nil {
		b.Fatal(err)
	}
	paths := benchPaths()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		b.Run(name, func(b *testing.B) { benchPage(b, paths[name], session, pages) })
	}
}

// benchConsole returns the console of a ledger, which reads everything again for each page.
func benchConsole(b *testing.B, dir string, st *store.Store, users *access.Access) (http.Handler, func()) {
	b.Helper()
	cfg := &config.Config{
		DataDir: dir, Budget: config.Budget{Window: time.Hour, Poll: 30, Upload: 30, Deliver: 30}, Work: config.Work{MaxAttempts: 3, Generators: 2},
		Generators: map[string]config.Generator{"studio": {Type: config.TypeCanvas}},
	}
	for title, g := range map[string]string{"Images": "flux", "Logos": "ideo", "Videos": "veo", "Posters": "flux", "Murals": "studio"} {
		cfg.Services = append(cfg.Services, config.Service{Title: title, Generator: g, Price: 5 * order.Dollar})
		if g != "studio" {
			cfg.Generators[g] = config.Generator{Type: "fal", Model: "fal-ai/" + g, Cost: 40_000}
		}
	}
	actions, err := owner.Open(owner.Options{
		Dir: dir, By: "console", Services: func() []string { return []string{"Images"} },
		Decide: func(context.Context, *store.Store) (owner.Decide, error) { return decide, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	var version atomic.Uint64 // grows with each page, so that none is from the cache
	pages := New(Options{
		Access: users, Agent: func() string { return "Night Garden" }, Zone: func() *time.Location { return time.UTC },
		Name: "test", Log: slog.New(slog.DiscardHandler), Owner: actions, Wake: func() {},
		View:     view.Reader{Config: func() *config.Config { return cfg }, Store: st},
		Version:  func() (uint64, error) { return version.Load(), nil },
		Files:    storedFiles{st, thumb.New(thumb.Options{Dir: dir, FilesDir: "files"})},
		Sections: Sections{SQL: viewsql.New(dir), Desk: manyTasks()},
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version.Add(1)
		pages.ServeHTTP(w, r)
	}), func() { _ = actions.Close() }
}

// manyTasks is a desk with as many bounties as the marketplace lists at once.
func manyTasks() *deskOf {
	desk := &deskOf{}
	for i := range 40 {
		task := order.Bounty{ID: fmt.Sprintf("task_%d", i), Title: "A picture of a town", Brief: strings.Repeat("somebody wants a picture. ", 20), Budget: 9 * order.Dollar}
		desk.tasks.List = append(desk.tasks.List, Task{Bounty: view.NewBounty(order.Claim{Bounty: task}), Services: []string{"Images"}})
	}
	return desk
}

// storedFiles are the files of a ledger.
type storedFiles struct {
	*store.Store
	*thumb.Maker
}

// firstEvent takes an answer, and ends a stream after its first block.
type firstEvent struct {
	*httptest.ResponseRecorder
	done context.CancelFunc
}

func (f firstEvent) SetWriteDeadline(time.Time) error { return nil }

func (f firstEvent) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p[:min(len(p), 12)]), "event: block") {
		f.done()
	}
	return f.ResponseRecorder.Write(p)
}

// benchPage measures a page by the clock, and by the processor time that it takes, which
// varies less while other programs run.
func benchPage(b *testing.B, path, session string, pages http.Handler) {
	b.Helper()
	var took, worked []time.Duration
	size, used := 0, func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for b.Loop() {
		ctx, done := context.WithCancel(b.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+path, nil)
		r.AddCookie(&http.Cookie{Name: "atelierd-test", Value: session})
		w := firstEvent{httptest.NewRecorder(), done}
		began, before := time.Now(), used()
		pages.ServeHTTP(w, r)
		took, worked = append(took, time.Since(began)), append(worked, used()-before)
		done()
		if size = w.Body.Len(); w.Code != http.StatusOK {
			b.Fatalf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
	p95 := func(list []time.Duration) float64 {
		slices.Sort(list)
		return float64(list[len(list)*95/100].Microseconds()) / 1000
	}
	b.ReportMetric(float64(slices.Max(took).Microseconds())/1000, "max-ms")
	b.ReportMetric(p95(took), "p95-ms")
	b.ReportMetric(p95(worked), "p95-cpu-ms")
	b.ReportMetric(float64(size)/1000, "KB")
}
