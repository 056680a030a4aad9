package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"atelierd/internal/generate/provider"
	"atelierd/internal/order"
)

// The values of Generator.Type that are not a provider's.
const (
	TypeExec   = "exec"
	TypeCanvas = "canvas"
)

// The values of Generator.OnUnknown.
const (
	UnknownRetry = "retry" // make another call
	UnknownHold  = "hold"  // ask the owner
)

// Generator is a way to make files.
type Generator struct {
	Type    string
	Timeout time.Duration
	// Cost is the price of one call, 0 if none is set; OnUnknown says what becomes
	// of one whose outcome nobody can tell.
	Cost      order.USD
	OnUnknown string
	// Fallback are the generators that stand in while this one is down.
	Fallback []string

	// For TypeExec. Command and SelfCheck are argument vectors; SelfCheck may be
	// empty.
	Command   []string
	SelfCheck []string
	// Env holds entries NAME=value, which set, and NAME, which pass the
	// daemon's own value on. It may hold secrets.
	Env []string
	// Resumes: the program goes on with its own unfinished work.
	Resumes bool

	// For providers.
	BaseURL string
	Model   string
	Makes   string // image or video; empty where that is not known here
	// KeyFile (absolute) and KeyEnv name where the key is, at most one of them.
	KeyFile      string
	KeyEnv       string
	User         string
	Params       map[string]any
	Workflow     string // absolute path
	PollInterval time.Duration
}

// Remote says whether the generator is a provider spoken to over HTTP.
func (g Generator) Remote() bool {
	_, is := provider.TypeOf(g.Type)
	return is
}

// Free reports whether no call of the generator can ever cost anything: it is made
// on the owner's own machine, reports no cost, and has no price.
func (g Generator) Free() bool {
	needs, _ := provider.TypeOf(g.Type)
	return g.Cost == 0 && (g.Type == TypeCanvas || needs.Local)
}

// Types returns the values of Generator.Type.
func Types() []string {
	list := []string{TypeExec, TypeCanvas}
	for _, needs := range provider.Types() {
		list = append(list, needs.Type)
	}
	return list
}

// generators reads the tables under [generator].
func (t *table) generators(dir string) map[string]Generator {
	list, subs := map[string]Generator{}, map[string]*table{}
	for name := range maps.Keys(t.values) {
		sub := t.sub(name)
		list[name], subs[name] = sub.generator(dir), sub
		if !bareKey.MatchString(name) {
			t.problem(sub.path, "must be a name of letters, digits, _ and -")
		}
	}
	for name, g := range list {
		for i, other := range g.Fallback {
			at := element(subs[name].at("fallback"), i)
			if _, there := list[other]; !there {
				t.problem(at, "%s", noGenerator(other, slices.DeleteFunc(slices.Sorted(maps.Keys(list)), func(n string) bool { return n == name })))
			} else if other == name {
				t.problem(at, "must be another generator than %s itself", name)
			}
		}
	}
	return list
}

// noGenerator says that there is none of a name, and which there are.
func noGenerator(name string, names []string) string {
	return fmt.Sprintf("there is no [generator.%s]%s", bare(name), among(name, names, bare))
}

func (t *table) generator(dir string) Generator {
	defer t.done()
	g := Generator{
		Type:     t.oneOf("type", "", Types()...),
		Timeout:  t.duration("timeout", 10*time.Minute, time.Second, 24*time.Hour),
		Fallback: t.list("fallback"),
	}
	if !slices.Contains(Types(), g.Type) {
		t.known = slices.Collect(maps.Keys(t.values)) // which keys fit, nobody can tell
		return g
	}
	t.call(&g)
	t.exec(&g)
	t.provider(&g, dir)
	switch {
	case g.Type == TypeCanvas:
		for _, key := range []string{"timeout", "cost_usd", "on_unknown", "fallback"} {
			if t.has(key) {
				t.problem(t.at(key), "is not for type canvas")
			}
		}
		return Generator{Type: g.Type, Makes: KindImage}
	case g.Type == TypeExec && (len(g.Command) == 0 || g.Command[0] == ""):
		t.problem(t.at("command"), `must name a program, such as ["./make-image"]`)
	}
	return g
}

// call reads what a call costs.
func (t *table) call(g *Generator) {
	g.Cost = t.amount("cost_usd")
	g.OnUnknown = t.oneOf("on_unknown", UnknownRetry, UnknownRetry, UnknownHold)
}

// exec reads the keys of type exec, and forbids them to others.
func (t *table) exec(g *Generator) {
	g.Command, g.SelfCheck, g.Env = t.list("command"), t.list("self_check"), t.list("env")
	g.Resumes, _ = value[bool](t, "resumes", "a boolean")
	if g.Type != TypeExec {
		for _, key := range []string{"command", "self_check", "env", "resumes"} {
			if t.has(key) {
				t.problem(t.at(key), "is for type exec only")
			}
		}
		return
	}
	if len(g.SelfCheck) > 0 && g.SelfCheck[0] == "" {
		t.problem(t.at("self_check"), "must name a program, or be left out")
	}
	for _, key := range []string{"command", "self_check"} {
		if strings.ContainsRune(strings.Join(t.list(key), ""), 0) {
			t.problem(t.at(key), "must not contain a NUL byte")
		}
	}
	t.environment(g.Env)
	t.noKey("the key is never in this file: name its variable in env")
}

// noKey says where a provider's key belongs, if there is one in the file.
func (t *table) noKey(text string) {
	for key := range maps.Keys(t.values) {
		if slices.Contains([]string{"key", "api_key", "apikey", "token", "api_token", "secret"}, plain(key)) {
			t.problem(t.at(key), "%s", text)
		}
	}
}

// provider reads the keys of providers, and forbids them to others.
func (t *table) provider(g *Generator, dir string) {
	keys := []string{"base_url", "model", "makes", "key_file", "key_env", "user", "params", "workflow", "poll_interval"}
	needs, is := provider.TypeOf(g.Type)
	if !is {
		for _, key := range keys {
			if t.has(key) {
				t.problem(t.at(key), "is not for type %s", g.Type)
			}
		}
		t.known = append(t.known, keys...)
		return
	}
	g.BaseURL = t.base("base_url")
	g.Model = t.text("model", "")
	g.Makes = t.makes(needs)
	g.KeyFile, g.KeyEnv, g.User = t.text("key_file", ""), t.text("key_env", ""), t.text("user", "")
	g.Params = t.params("params")
	g.Workflow = t.text("workflow", "")
	g.PollInterval = t.duration("poll_interval", 3*time.Second, 100*time.Millisecond, time.Hour)
	if needs.Model && g.Model == "" {
		t.problem(t.at("model"), "is missing")
	}
	switch {
	case g.KeyFile != "" && g.KeyEnv != "":
		t.problem(t.at("key_env"), "cannot be set together with key_file")
	case needs.Key && g.KeyFile == "" && g.KeyEnv == "":
		t.problem(t.at("key_env"), "is missing: set key_env or key_file, which name where the key is")
	case g.KeyEnv != "" && !variable.MatchString(g.KeyEnv):
		t.problem(t.at("key_env"), "must be the name of a variable, not the key itself")
	}
	if needs.Workflow && g.Workflow == "" {
		t.problem(t.at("workflow"), "is missing: the file of a workflow in API format")
	} else if !needs.Workflow && t.has("workflow") {
		t.problem(t.at("workflow"), "is not for type %s", needs.Type)
	}
	t.noKey("the key is never in this file: set key_env to the name of its variable, or key_file to that of its file")
	g.KeyFile, g.Workflow = within(dir, g.KeyFile), within(dir, g.Workflow)
}

// makes reads what a provider makes. A value that the provider would ignore is a
// problem, because the service would promise what never comes.
func (t *table) makes(needs provider.Needs) string {
	can := needs.Makes
	if len(can) == 0 {
		if t.has("makes") {
			t.problem(t.at("makes"), "is not for type %s: what is made is up to what it runs", needs.Type)
		}
		t.known = append(t.known, "makes")
		return ""
	}
	s := t.oneOf("makes", can[0], KindImage, KindVideo)
	if !slices.Contains(can, s) {
		t.problem(t.at("makes"), "is %.40q, and type %s makes %ss only", s, needs.Type, can[0])
	}
	return s
}

// within makes a path absolute; an empty one stays empty.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// base reads the address of a provider, which gets a key. One on this machine or
// in the owner's network may go without https.
func (t *table) base(key string) string {
	s := strings.TrimRight(t.address(key, ""), "/")
	if !t.has(key) {
		t.problem(t.at(key), "is missing")
	} else if strings.ContainsAny(s, "?#") {
		t.problem(t.at(key), "must not have a query or a fragment")
	}
	if strings.HasPrefix(s, "http://") && !loopback(s) && (t.has("key_env") || t.has("key_file")) {
		t.warn(t.at(key), "is http: the key goes over the network in plain text")
	}
	return s
}

// params gives a table that is handed on as JSON.
func (t *table) params(key string) map[string]any {
	values, _ := value[map[string]any](t, key, "a table")
	t.plain(t.at(key), values)
	return values
}

// plain sees that a value of the file can be written as JSON.
func (t *table) plain(at string, v any) {
	switch v := v.(type) {
	case string, int64, float64, bool:
	case []any:
		for i, item := range v {
			t.plain(element(at, i), item)
		}
	case map[string]any:
		for name, item := range v {
			t.plain(join(at, name), item)
		}
	default:
		t.problem(at, "must be a string, a number, a boolean, a list or a table")
	}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
