package app

import (
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/generate/provider"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/sandbox"
	"atelierd/internal/secret"
)

// This file is the part of the simulated week that costs money: a service whose
// pictures a provider makes, which charges for each job that it takes, loses
// answers, takes its time, fails, refuses and forgets.

const (
	simPaid       = "Pictures from a Provider"
	providerHost  = "provider.test"
	providerPrice = order.Dollar / 25
	providerKey   = "provider-key-c0ffee"
	indecency     = "NSFW content detected"
)

// paidConfig adds the service and the caps on what it may spend.
func paidConfig(cfg *config.Config) {
	paid := cfg.Services[0]
	paid.Title, paid.Generator = simPaid, "provider"
	paid.Prompt = must(prompt.Parse("{{.Wish}} round {{.Round}}"))
	cfg.Services = append(cfg.Services, paid)
	cfg.Spending = config.Spending{Order: 5 * providerPrice, Day: 36 * providerPrice}
}

// paidProvider is a provider that keeps a record of each job. It has the shape of
// Replicate, or one that a recipe describes, or is a server of the owner, which knows the
// key of each request.
type paidProvider struct {
	keyed
	mu       sync.Mutex
	rng, odd *rand.Rand
	shape    string
	numbered bool // its ids are numbers
	jobs     map[string]*providerJob
	calm     bool
	leaked   bool // the key came in an address
	late     int  // requests to cancel a job that had ended
	// began is called before a job is taken, and took when it is charged.
	began func(prompt string)
	took  func(time.Time, order.USD)
}

type providerJob struct {
	oddJob
	cost  order.USD // what the provider charges
	what  string    // the prompt: brief and round
	at    time.Time
	ready time.Time
	ends  string // succeeded or failed
	why   string
}

func (s *paidProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaked = s.leaked || strings.Contains(r.URL.String(), providerKey)
	if name, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok {
		s.file(w, strings.TrimSuffix(name, ".png"))
		return
	}
	if !s.own && r.Header.Get("Authorization") != "Bearer "+providerKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	luck := s.rng.Float64()
	ended, cancels := cancelOf(r)
	switch {
	case cancels:
		s.cancel(w, ended, luck)
	case r.Method == http.MethodPost:
		s.submit(w, r, luck)
	case strings.HasPrefix(r.URL.Path, "/v1/predictions/"), strings.HasPrefix(r.URL.Path, "/v1/jobs/"):
		id := path.Base(r.URL.Path)
		switch {
		case !s.calm && luck < 0.05:
			w.WriteHeader(http.StatusBadGateway)
		case !s.calm && luck < 0.10:
			s.inside(w, []any{429, "503"}[s.odd.IntN(2)], "not now")
		case s.own:
			s.showOwn(w, id)
		default:
			s.show(w, id)
		}
	default:
		w.WriteHeader(http.StatusOK) // the model, for a probe
	}
}

func (s *paidProvider) submit(w http.ResponseWriter, r *http.Request, luck float64) {
	prompt, body, err := readPrompt(r)
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	if s.calm {
		luck = 1
	}
	switch {
	case luck < 0.05:
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	case luck < 0.10:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case luck > 0.96 && !s.calm:
		s.inside(w, []any{"429", 429, 503}[s.odd.IntN(3)], "not now")
		return
	case luck > 0.80 && strings.Contains(prompt, "indecent") && s.shape == shapeRecipe:
		s.inside(w, "Content", indecency)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if id := s.again(key, body); id != "" {
		s.accept(w, id)
		return
	}
	s.began(prompt)
	id := fmt.Sprintf("job%d", len(s.jobs))
	if s.numbered {
		id = fmt.Sprint(70_000_000_000_000_000 + len(s.jobs))
	}
	job := &providerJob{
		what: prompt, at: time.Now(), ends: "succeeded",
		ready: time.Now().Add(time.Duration(1+s.rng.IntN(40)) * time.Minute),
	}
	switch {
	case strings.Contains(job.what, "indecent"):
		job.ends, job.why = "failed", indecency
	case luck > 0.88 && !s.calm:
		job.ends, job.why = "failed", "a worker was lost"
	}
	s.oddly(job)
	s.took(time.Now(), job.cost)
	s.jobs[id] = job
	s.note(key, id, body)
	switch {
	case luck < 0.16:
		panic(http.ErrAbortHandler) // taken and paid for, and nobody learns of it
	case s.own:
		s.accept(w, id)
	case luck < 0.20:
		cutAfterID(w, func(w http.ResponseWriter) { s.tell(w, id, "processing", job) })
	default:
		s.tell(w, id, "processing", job)
	}
}

func (s *paidProvider) show(w http.ResponseWriter, id string) {
	job := s.jobs[id]
	switch {
	case !job.known():
		w.WriteHeader(http.StatusNotFound)
	case time.Now().Before(job.ready):
		s.tell(w, id, "processing", job)
	default:
		s.tell(w, id, job.ends, job)
	}
}

// file serves the picture, for an hour.
func (s *paidProvider) file(w http.ResponseWriter, id string) {
	job := s.jobs[id]
	if job == nil || time.Since(job.ready) > time.Hour {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.fileOf(w, id, job)
}

func (s *paidProvider) setCalm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = true
}

// host passes requests to the provider or to the marketplace, by their host.
func (w *world) host() http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		switch r.Host {
		case providerHost:
			w.provider.ServeHTTP(answer, r)
		case filesHost:
			w.files.ServeHTTP(answer, r)
		case simModelHost:
			w.model.ServeHTTP(answer, r)
		case phoneHost:
			w.phones.ServeHTTP(answer, r)
		default:
			w.market.ServeHTTP(answer, r)
		}
	})
}

// generators are those of one life.
func (w *world) generators(f *fate, log *slog.Logger) map[string]fulfill.Generator {
	spec := provider.Spec{
		Type: w.provider.shape, BaseURL: "http://" + providerHost, Model: "atelier/pictures",
		Key: func() (secret.Text, error) { return secret.New(providerKey), nil }, Timeout: 30 * time.Minute,
		PollInterval: 20 * time.Second, Transport: wire{w.next, f}, Log: log,
	}
	if w.provider.own {
		spec.BaseURL, spec.Model = "http://"+providerHost+"/v1/predictions/new", ""
	}
	if spec.Type == shapeRecipe {
		spec.BaseURL, spec.Model, spec.Recipe = "", "", simRecipe
	}
	p := must(provider.New(spec))
	return map[string]fulfill.Generator{
		"painter": {Name: "painter", Backend: hand{w.painter, w, f}, Price: providerPrice},
		"brush":   {Name: "brush", Backend: hand{w.painter, w, f}, Price: providerPrice},
		"provider": {
			Name: "provider", Backend: p, Price: providerPrice, HoldUnknown: w.holdUnknown,
			Breaker: &generate.Breaker{Probe: p.Check},
		},
	}
}

// paidClients are the clients of the provider's pictures, until end.
func (w *world) paidClients(rng *rand.Rand, end time.Time) {
	var placed []string
	sentBack := map[string]bool{}
	for n := 0; time.Now().Before(end); n++ {
		time.Sleep(time.Duration(rng.IntN(14*60)) * time.Minute)
		brief := fmt.Sprintf("provider picture %d,", n)
		if rng.IntN(15) == 0 {
			brief = fmt.Sprintf("something indecent, %d,", n)
		}
		id, err := w.market.PlaceOrder(sandbox.NewOrder{AgentID: w.agent, ServiceTitle: simPaid, Brief: brief, Price: "5.00"})
		if err != nil {
			continue // the service is not listed yet
		}
		w.paid[id] = brief
		w.looks.mu.Lock()
		w.looks.briefs[strings.TrimSuffix(brief, ",")] = id
		w.looks.mu.Unlock()
		placed = append(placed, id)
		for _, id := range placed {
			if o, _ := w.market.Order(id); o.Status == "delivered" && !sentBack[id] && rng.IntN(6) == 0 {
				sentBack[id] = true
				w.sendBack(rng, id)
			}
		}
	}
}

// checkPaid compares the provider's record with ours.
func (w *world) checkPaid(db *sql.DB) {
	s := w.provider
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaked {
		w.t.Error("the provider's key came in an address")
	}
	tickets := map[string]bool{} // that were stored
	rows := must(db.Query("SELECT ticket FROM calls WHERE ticket <> ''"))
	for rows.Next() {
		var ticket string
		if err := rows.Scan(&ticket); err != nil {
			w.t.Fatal(err)
		}
		if s.jobs[ticket] == nil || tickets[ticket] {
			w.t.Errorf("job %s is unknown to the provider, or stored twice", ticket)
		}
		tickets[ticket] = true
	}
	rows.Close()
	for ticket := range unwanted(db) {
		delete(tickets, ticket)
	}
	w.checkKeys()
	w.checkCosts(db)
	w.checkCancelled(db)
	for id, brief := range w.paid {
		o, _ := w.market.Order(id)
		w.checkPaidOrder(db, o, brief, tickets)
	}
	var worst order.USD
	err := db.QueryRow("SELECT coalesce(max(spent), 0) FROM (SELECT sum(cost_usd_micros) AS spent FROM calls GROUP BY substr(began_at, 1, 10))").Scan(&worst)
	if err != nil || worst > w.cfg.Spending.Day {
		w.t.Errorf("%s was spent on one day, the cap is %s, %v", worst, w.cfg.Spending.Day, err)
	}
}

func (w *world) checkPaidOrder(db *sql.DB, o sandbox.Order, brief string, tickets map[string]bool) {
	made := map[string]int{} // jobs that have succeeded, and whose id was stored, by round
	var paid order.USD
	for id, j := range w.provider.jobs {
		if !strings.HasPrefix(j.what, brief) {
			continue
		}
		if !w.restores.lost(j.at) {
			paid += j.cost
		}
		if tickets[id] && j.ends == "succeeded" {
			made[j.what]++
		}
	}
	for what, times := range made {
		if times > 1 && !w.redone[o.ID] {
			w.t.Errorf("order %s: %q was paid for %d times though its id was stored", o.ID, what, times)
		}
	}
	var booked order.USD
	if err := db.QueryRow(`SELECT coalesce(sum(a.cost_usd_micros), 0) FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE j.order_id = ?`, o.ID).Scan(&booked); err != nil {
		w.t.Fatal(err)
	}
	if booked < paid || paid > w.cfg.Spending.Order {
		w.t.Errorf("order %s: the provider was paid %s, the books say %s, the cap is %s", o.ID, paid, booked, w.cfg.Spending.Order)
	}
}
