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
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
	"atelierd/internal/tomlpath"
)

// The values of Generator.Type that are not a provider's.
const (
	TypeExec   = "exec"
	TypeCanvas = "canvas"
	TypeNATS   = "nats"
)

// The values of Generator.OnUnknown.
const (
	UnknownRetry = "retry" // make another call
	UnknownHold  = "hold"  // ask the owner
)

// IsolateBwrap is the value of Generator.Isolate that runs the program by bubblewrap.
const IsolateBwrap = "bwrap"

// Generator configures one way to make files.
type Generator struct {
	Type    string
	Timeout time.Duration
	// Cost is the price of one call, or 0. OnUnknown selects what follows a call
	// with an unknown outcome.
	Cost      order.USD
	OnUnknown string
	// Fallback names the generators to use while this one is down.
	Fallback []string

	// For TypeExec. Command and SelfCheck are a program and its arguments.
	// SelfCheck may be empty.
	Command   []string
	SelfCheck []string
	// Env holds entries NAME=value, which set a variable, and NAME, which pass on
	// the daemon's own value. It may hold secrets.
	Env []string
	// Isolate is IsolateBwrap to hide the data folder and keys from the program, or
	// empty.
	Isolate string
	// Resumes means that the program resumes its own unfinished work.
	Resumes bool

	// For providers.
	BaseURL string
	Model   string
	Makes   string // image or video; empty if unknown
	// Key is where the key is, PartnerKey where the key for paid services is that the
	// provider calls.
	Key, PartnerKey Secret
	// User is the name that goes with the key as its password. For TypeExec it is the
	// user of this machine who runs the program; empty means the daemon's own.
	User     string
	Params   map[string]any
	Workflow string // absolute path
	// Recipe is the name of a shipped recipe, or the absolute path of a file.
	Recipe       string
	PollInterval time.Duration

	// For TypeNATS. Route is what the calls need, AcceptWithin how long no worker may have
	// begun one until it is withdrawn (0 for ever), and LostAfter how long a worker may be
	// silent during one whose id is not known.
	Route                   string
	AcceptWithin, LostAfter time.Duration
}

// Remote reports whether the generator is a provider that is called over HTTP.
func (g Generator) Remote() bool {
	_, is := provider.TypeOf(g.Type)
	return is
}

// Free reports whether no call of the generator can cost anything: it runs on the
// owner's own machine, calls no paid service, reports no cost and has no price.
func (g Generator) Free() bool {
	needs, _ := provider.TypeOf(g.Type)
	return g.Cost == 0 && (g.Type == TypeCanvas || needs.Local && !g.PartnerKey.On())
}

// ProgramUser returns the user who runs the programs of generators that set one, or "".
func (c *Config) ProgramUser() string {
	for _, g := range c.Generators {
		if g.Type == TypeExec && g.User != "" {
			return g.User
		}
	}
	return ""
}

// Types returns the values of Generator.Type.
func Types() []string {
	list := []string{TypeExec, TypeCanvas, TypeNATS}
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
		if !tomlpath.Bare.MatchString(name) {
			t.problem(sub.path, "is not a valid name; use letters, digits, _ and -")
		}
	}
	t.oneUser(list)
	for name, g := range list {
		for i, other := range g.Fallback {
			at := element(subs[name].at("fallback"), i)
			if _, there := list[other]; !there {
				t.problem(at, "%s", noGenerator(other, slices.DeleteFunc(slices.Sorted(maps.Keys(list)), func(n string) bool { return n == name })))
			} else if other == name {
				t.problem(at, "names %s itself; name another generator, or remove it", name)
			}
		}
	}
	return list
}

// oneUser reports programs that run as different users: the data folder lets one pass.
func (t *table) oneUser(list map[string]Generator) {
	first := ""
	for _, name := range slices.Sorted(maps.Keys(list)) {
		switch g := list[name]; {
		case g.Type != TypeExec || g.User == "":
		case first == "":
			first = name
		case g.User != list[first].User:
			t.problem(join(t.at(name), "user"), "is %.40q, but generator.%s has %.40q; let all programs run as one user", g.User, bare(first), list[first].User)
		}
	}
}

// noGenerator returns a sentence that there is no such generator, with those that
// exist.
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
		t.known = slices.Collect(maps.Keys(t.values)) // without a type no key is known to be wrong
		return g
	}
	t.call(&g)
	t.exec(&g)
	t.provider(&g, dir)
	t.handedOut(&g)
	switch {
	case g.Type == TypeCanvas:
		for _, key := range []string{"timeout", "cost_usd", "on_unknown", "fallback"} {
			if t.has(key) {
				t.problem(t.at(key), "is not for type canvas; remove it")
			}
		}
		return Generator{Type: g.Type, Makes: KindImage}
	case g.Type == TypeExec && (len(g.Command) == 0 || g.Command[0] == ""):
		t.problem(t.at("command"), `names no program; write one like ["./make-image"]`)
	}
	return g
}

// call reads the price of a call and what follows an unknown outcome.
func (t *table) call(g *Generator) {
	g.Cost = t.amount("cost_usd")
	fallback := UnknownRetry
	if needs, _ := provider.TypeOf(g.Type); needs.Recipe {
		fallback = UnknownHold // it is not known whether a repeat is safe
	}
	g.OnUnknown = t.oneOf("on_unknown", fallback, UnknownRetry, UnknownHold)
}

// recipe reads the name of a recipe or of its file.
func (t *table) recipe(g *Generator, needs provider.Needs, dir string) {
	g.Recipe = t.text("recipe", "")
	switch {
	case !needs.Recipe && t.has("recipe"):
		t.problem(t.at("recipe"), "is not for type %s; remove it", needs.Type)
	case needs.Recipe && g.Recipe == "":
		t.problem(t.at("recipe"), "is missing; write the name of a shipped recipe (see atelierd generators), or a file like \"my-provider.toml\"")
	case recipe.IsFile(g.Recipe):
		g.Recipe = within(dir, g.Recipe)
	}
}

// exec reads the keys of type exec and rejects them for other types.
func (t *table) exec(g *Generator) {
	g.Command, g.SelfCheck, g.Env = t.list("command"), t.list("self_check"), t.list("env")
	g.Resumes, _ = value[bool](t, "resumes", "a boolean")
	if g.Type == TypeExec {
		g.User = t.text("user", "")
	}
	if t.has("isolate") {
		g.Isolate = t.oneOf("isolate", "", IsolateBwrap)
	}
	t.known = append(t.known, "isolate")
	if g.Type != TypeExec {
		for _, key := range []string{"command", "self_check", "env", "resumes", "isolate"} {
			if t.has(key) {
				t.problem(t.at(key), "is for type exec only; remove it")
			}
		}
		return
	}
	if len(g.SelfCheck) > 0 && g.SelfCheck[0] == "" {
		t.problem(t.at("self_check"), "names no program; write one, or remove the key")
	}
	for _, key := range []string{"command", "self_check"} {
		if strings.ContainsRune(strings.Join(t.list(key), ""), 0) {
			t.problem(t.at(key), "contains a NUL byte; remove it")
		}
	}
	t.environment(g.Env)
	t.noKey("a key must not be in this file; put it in an environment variable and add the variable's name to env")
}

// noKey reports a provider's key in the file, with the place where it belongs.
func (t *table) noKey(text string) {
	for key := range maps.Keys(t.values) {
		if slices.Contains([]string{"key", "api_key", "apikey", "token", "api_token", "secret"}, plain(key)) {
			t.problem(t.at(key), "%s", text)
		}
	}
}

// provider reads the keys of providers and rejects them for other types.
func (t *table) provider(g *Generator, dir string) {
	keys := []string{"base_url", "model", "makes", "key_file", "key_env", "key_credential", "partner_key_file", "partner_key_env", "partner_key_credential", "user", "params", "workflow", "recipe", "poll_interval"}
	needs, is := provider.TypeOf(g.Type)
	if !is {
		for _, key := range keys {
			if t.has(key) && (key != "user" || g.Type != TypeExec) {
				t.problem(t.at(key), "is not for type %s; remove it", g.Type)
			}
		}
		t.known = append(t.known, keys...)
		return
	}
	g.BaseURL = t.base("base_url", needs)
	g.Model = t.text("model", "")
	g.Makes = t.makes(needs)
	g.Key, g.PartnerKey, g.User = t.secret("key", dir), t.secret("partner_key", dir), t.text("user", "")
	g.Params = t.params("params")
	g.Workflow = t.text("workflow", "")
	g.PollInterval = t.duration("poll_interval", 3*time.Second, 100*time.Millisecond, time.Hour)
	if needs.Model && g.Model == "" {
		t.problem(t.at("model"), "is missing; write the provider's name of the model")
	}
	if needs.Key && !g.Key.On() {
		t.problem(t.at("key_env"), "is missing; write the name of the variable that holds the key, or set key_file or key_credential")
	}
	for _, form := range secretForms {
		if t.has("partner_key"+form) && !needs.PartnerKey {
			t.problem(t.at("partner_key"+form), "is not for type %s; remove it", needs.Type)
		}
	}
	if needs.Workflow && g.Workflow == "" {
		t.problem(t.at("workflow"), "is missing; write the file of a workflow in API format")
	} else if !needs.Workflow && t.has("workflow") {
		t.problem(t.at("workflow"), "is not for type %s; remove it", needs.Type)
	}
	t.recipe(g, needs, dir)
	t.noKey("a key must not be in this file; set key_env to the name of its variable, or key_file to the name of its file")
	g.Workflow = within(dir, g.Workflow)
}

// makes reads what a provider makes. A value that the provider would ignore is a
// problem, because the owner would wait for files that never come.
func (t *table) makes(needs provider.Needs) string {
	can := needs.Makes
	if needs.Recipe && t.has("makes") {
		return t.oneOf("makes", "", KindImage, KindVideo)
	}
	if len(can) == 0 {
		if t.has("makes") {
			t.problem(t.at("makes"), "is not for type %s, where the model decides what is made; remove it", needs.Type)
		}
		t.known = append(t.known, "makes")
		return ""
	}
	s := t.oneOf("makes", can[0], KindImage, KindVideo)
	if !slices.Contains(can, s) {
		t.problem(t.at("makes"), "is %.40q, but type %s makes %ss only; remove it", s, needs.Type, can[0])
	}
	return s
}

// within returns an absolute path. An empty one stays empty.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// base returns the address of a provider. It may be http, for a server in the
// owner's network, but then a key deserves a warning. It may be missing for a recipe,
// which may name one itself.
func (t *table) base(key string, needs provider.Needs) string {
	s := strings.TrimRight(t.address(key, ""), "/")
	if !t.has(key) {
		if !needs.Recipe {
			t.problem(t.at(key), "is missing; write the address of the provider's API")
		}
	} else if strings.ContainsAny(s, "?#") {
		t.problem(t.at(key), "contains a query or a fragment; remove it")
	}
	if strings.HasPrefix(s, "http://") && !Loopback(s) && t.names("key") {
		t.warn(t.at(key), "is http, so the key crosses the network in plain text; use https if the server has it")
	}
	return s
}

// params returns a table that goes into the request as JSON.
func (t *table) params(key string) map[string]any {
	values, _ := value[map[string]any](t, key, "a table")
	t.plain(t.at(key), values)
	return values
}

// plain checks that a value of the file can be written as JSON.
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
		t.problem(at, "is a date or time; write a string, a number, a boolean, a list or a table")
	}
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
