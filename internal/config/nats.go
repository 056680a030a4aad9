package config

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"atelierd/internal/tomlpath"
)

// NATS configures the servers over which workers on other machines are reached. It is off
// when URLs is empty.
type NATS struct {
	URLs []string
	// Key is where the seed of the nkey is; none where the servers ask for none.
	Key Secret
	// CAFile has the certificates that sign those of the servers; empty for the system's.
	CAFile string
	// Replicas is how many servers keep each call.
	Replicas int
	// Lease keeps a second host from working as the agent.
	Lease bool
	// MonitorURL is where a server shows its state; empty for unknown.
	MonitorURL string
}

// On reports whether servers are named.
func (n NATS) On() bool { return len(n.URLs) > 0 }

// Worker is the configuration of a worker.
type Worker struct {
	// Dir is the absolute folder of the file, DataDir that of calls and finished files.
	Dir, DataDir string
	// Name is how the worker is known.
	Name  string
	Drain time.Duration
	NATS  NATS
	// Routes are those that it serves.
	Routes     []Route
	Generators map[string]Generator
}

// Route is a route that a worker serves with one of its generators.
type Route struct {
	Name, Generator string
	Slots           int
}

// partOfSubject matches the names of routes and workers, which are parts of subjects.
var partOfSubject = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

const nameWant = "1 to 40 letters, digits, _ and -"

func (t *table) nats(dir string) NATS {
	defer t.done()
	n := NATS{
		URLs: t.list("urls"), Key: t.secret("nkey", dir), CAFile: within(dir, t.text("ca_file", "")),
		Replicas: t.number("replicas", 1, 1, 5), MonitorURL: t.address("monitor_url", ""),
	}
	n.Lease, _ = value[bool](t, "lease", "true or false")
	if n.Lease && !n.On() {
		t.problem(t.at("lease"), `needs servers; write urls = ["tls://nats.example.com:4222"]`)
	}
	for i, u := range n.URLs {
		switch scheme, _, _ := strings.Cut(u, "://"); {
		case scheme != "nats" && scheme != "tls":
			t.problem(element(t.at("urls"), i), `is not the address of a server; write one like "tls://nats.example.com:4222"`)
		case scheme == "nats" && !Loopback(u):
			t.problem(element(t.at("urls"), i), "is not on this machine and without TLS, so orders would cross the network in plain text; write tls://")
		}
	}
	return n
}

// handedOut reads the keys of type nats and rejects them for other types.
func (t *table) handedOut(g *Generator) {
	keys := []string{"route", "accept_within", "lost_after"}
	if g.Type != TypeNATS {
		for _, key := range keys {
			if t.has(key) {
				t.problem(t.at(key), "is for type nats only; remove it")
			}
		}
		t.known = append(t.known, keys...)
		return
	}
	g.Route = t.part("route")
	g.AcceptWithin = t.duration("accept_within", 0, time.Second, 24*time.Hour)
	g.LostAfter = t.duration("lost_after", 2*time.Minute, time.Minute, time.Hour)
	if g.AcceptWithin > 0 && len(g.Fallback) == 0 {
		t.problem(t.at("accept_within"), "withdraws a call so that another generator stands in, and there is none; set fallback, or remove it")
	}
}

// part reads a required name that is a part of subjects.
func (t *table) part(key string) string {
	s := t.required(key, nameWant)
	if s != "" && !partOfSubject.MatchString(s) {
		t.problem(t.at(key), "%.60q is not a valid name; write %s", s, nameWant)
	}
	return s
}

// reached reports generators of type nats without servers.
func (t *table) reached(n NATS, list map[string]Generator) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if list[name].Type == TypeNATS && !n.On() {
			t.problem(join(join(t.at("generator"), name), "type"), `is nats, and [nats] names no server; write urls = ["nats://127.0.0.1:4222"] there`)
		}
	}
}

// LoadWorker reads and checks the configuration of a worker. Its error is an *Error with
// every problem of the file.
func LoadWorker(path string) (*Worker, error) {
	data, err := read(path)
	if err != nil {
		return nil, &Error{Path: path, Problems: []Problem{{Text: "cannot be read: " + err.Error()}}, Hint: "see docs/cluster.md for one to start from, and name it with --config FILE"}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, &Error{Path: path, Problems: []Problem{{Text: "cannot find its folder: " + err.Error()}}}
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, &Error{Path: path, Problems: []Problem{syntaxProblem(data, err)}}
	}
	r := &reader{lines: tomlpath.Lines(data)}
	w := (&table{reader: r, values: tree}).worker(dir)
	if sortProblems(r.problems); len(r.problems) > 0 {
		return nil, &Error{Path: path, Problems: r.problems, Hint: "see docs/cluster.md"}
	}
	return w, nil
}

func (t *table) worker(dir string) *Worker {
	w := &Worker{Dir: dir, NATS: t.sub("nats").nats(dir), Generators: t.sub("generator").generators(dir)}
	w.Name, w.Drain, w.DataDir = t.sub("worker").self(dir)
	for _, sub := range t.subs("route") {
		w.Routes = append(w.Routes, sub.route(w.Generators))
	}
	for i, r := range w.Routes {
		if slices.ContainsFunc(w.Routes[:i], func(o Route) bool { return o.Name == r.Name }) {
			t.problem(element("route", i), "serves %s a second time; remove one", r.Name)
		}
	}
	if len(w.Routes) == 0 {
		t.problem("route", "is missing; write a [[route]] with name and generator")
	}
	if !w.NATS.On() {
		t.problem("nats.urls", `is missing; write the servers, like ["nats://127.0.0.1:4222"]`)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Generators)) {
		if w.Generators[name].Type == TypeNATS {
			t.problem(join(join("generator", name), "type"), "is nats, and a worker makes calls itself; write the type of what makes them")
		}
	}
	t.done()
	return w
}

// self reads what a worker is.
func (t *table) self(dir string) (name string, drain time.Duration, data string) {
	defer t.done()
	data = within(dir, t.text("data_dir", "atelierd-worker"))
	return t.part("name"), t.duration("drain", 10*time.Minute, 0, 24*time.Hour), data
}

func (t *table) route(generators map[string]Generator) Route {
	defer t.done()
	r := Route{Name: t.part("name"), Generator: t.required("generator", "the NAME of a [generator.NAME]"), Slots: t.number("slots", 1, 1, 64)}
	if _, there := generators[r.Generator]; r.Generator != "" && !there {
		t.problem(t.at("generator"), "%s", noGenerator(r.Generator, slices.Sorted(maps.Keys(generators))))
	}
	return r
}
