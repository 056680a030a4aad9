// Package recipe reads recipes: TOML files that describe how a provider's API is called
// and what its answers mean. A recipe writes requests and reads answers. docs/recipes.md
// describes the language.
//
// The package sends nothing. It must not know the database, the configuration file or
// the network, nor what follows a failure.
package recipe

import (
	"maps"
	"slices"
	"strings"
)

// Recipe describes a provider.
type Recipe struct {
	// Name is that of the file without its ending.
	Name  string
	Title string
	// Source is the description that the recipe was written from, and Date the day when
	// it was read. Tried is the day of a live run, or empty.
	Source, Date, Tried string
	// BaseURL is where the API begins. It may be empty.
	BaseURL string
	// KeyHosts are the other hosts that may get the key. One may begin with "*.".
	KeyHosts []string
	// Makes lists "image" and "video", the default first. It may be empty.
	Makes          []string
	PromptLimit    int
	PromptRequired bool
	// Animations: it takes animated pictures.
	Animations bool
	// MaxReferences and ReferenceBytes limit the client's pictures. 0 is no limit.
	MaxReferences  int
	ReferenceBytes int64
	// LinkAbove is the number of bytes above which a picture is passed as its link. 0 is
	// any number.
	LinkAbove int64
	// Idempotency is the header that carries the id of the call, or empty.
	Idempotency string

	headers  map[string]string
	submit   submission
	video    *submission // replaces submit for videos
	job      paths
	jobs     bool // there is a section poll
	lookup   endpoint
	lookupID paths
	poll     endpoint
	state    states
	reason   paths
	progress progress
	result   endpoint
	files    paths
	cost     cost
	errors   errorCodes
	cancel   endpoint
	only     words
	probe    endpoint
	balance  paths
	models   endpoint
	names    paths
	accept   []int

	// Params of the generator, and their defaults.
	defaults, params map[string]any
	uses             map[string]bool // placeholders
}

// The params by which the generator's owner sets limits that differ between a provider's
// models. They are not sent.
const (
	PromptLimitParam    = "prompt_limit"
	ReferenceLimitParam = "reference_limit"
)

// submission is the request that is paid for.
type submission struct {
	endpoint
	body     map[string]any
	into     []string    // the table of the body that gets the params
	pictured *submission // replaces it for an order with pictures
}

// endpoint is a request. Its path is empty where the recipe has none.
type endpoint struct {
	method, path string
	headers      map[string]string
}

// states are the words for where a job is.
type states struct {
	at                                   paths
	waiting, done, failed, refused, gone words
}

// progress is where an answer says how far a job is.
type progress struct {
	at paths
	of float64 // the number of a job that is done
	// queue leads to the place in the provider's queue, from 1.
	queue paths
}

type cost struct {
	at    paths
	unit  float64
	param string // the generator's param that holds the unit, or empty
	free  []string
}

// errorCodes are the codes of an answer that reports an error.
type errorCodes struct {
	code, reason paths
	ok           words
	lists        map[Meaning]words
}

// With returns the recipe with the params of a generator. Its error is for the owner.
func (r *Recipe) With(params map[string]any) (*Recipe, error) {
	own := *r
	own.params, own.uses = params, maps.Clone(r.uses)
	p := &parser{uses: own.uses}
	p.placeholders("params", params, bodyNames)
	if r.Idempotency != "" && usesUUID(params) {
		p.problem("params", "holds {{uuid}}, but a call that is made again must have the same body; use {{call}}")
	}
	for _, name := range slices.Sorted(maps.Keys(own.uses)) {
		param, ok := strings.CutPrefix(name, "params.")
		if _, known := own.param(param); ok && !known {
			p.problem("params."+param, "is missing; the recipe %s requires it", r.Name)
		}
	}
	if unit, there := own.param(r.cost.param); there {
		if own.cost.unit = costUnit(unit); own.cost.unit == 0 {
			p.problem("params."+r.cost.param, "must be a number above 0 and at most %d", mostCost)
		}
	}
	return &own, p.err("")
}

// param returns a param of the generator or its default.
func (r *Recipe) param(name string) (any, bool) {
	v, there := r.params[name]
	if !there {
		v, there = r.defaults[name]
	}
	return v, there
}

// NeedsKey reports whether requests carry a key.
func (r *Recipe) NeedsKey() bool { return r.uses["key"] }

// NeedsModel reports whether requests name a model.
func (r *Recipe) NeedsModel() bool { return r.uses["model"] }

// Jobs reports whether a submission begins a job that is polled.
func (r *Recipe) Jobs() bool { return r.jobs }

// Repeats reports whether a call can be made again without being paid for twice.
func (r *Recipe) Repeats() bool { return r.Idempotency != "" || r.LooksUp() }

// LooksUp reports whether a job can be found by the id of its call.
func (r *Recipe) LooksUp() bool { return r.lookup.path != "" }

// Cancels reports whether a job can be cancelled.
func (r *Recipe) Cancels() bool { return r.cancel.path != "" }

// Probes reports whether the recipe has a request that costs nothing.
func (r *Recipe) Probes() bool { return r.probe.path != "" }

// Lists reports whether the provider lists its models.
func (r *Recipe) Lists() bool { return r.models.path != "" }

// Refuses reports whether the recipe has words for a refusal.
func (r *Recipe) Refuses() bool { return len(r.state.refused)+len(r.errors.lists[Refused]) > 0 }

// Free reports whether the provider charges nothing for the outcome, "failed" or
// "refused".
func (r *Recipe) Free(outcome string) bool { return slices.Contains(r.cost.free, outcome) }

// References returns how many pictures the requests for what it makes can hold, or -1
// for any number. links reports that they are passed as links only.
func (r *Recipe) References(makes string) (most int, links bool) {
	p := &parser{uses: map[string]bool{}}
	for s := r.submission(makes); s != nil; s = s.pictured {
		p.placeholders("", s.body, bodyNames)
	}
	p.placeholders("", r.defaults, bodyNames)
	p.placeholders("", r.params, bodyNames)
	links = true
	for name := range p.uses {
		which, form, ok := strings.Cut(name, ".")
		if !ok || !strings.HasPrefix(which, "reference") {
			continue
		}
		links = links && form == "url"
		n := referenceNumber(which)
		if n == 0 {
			most = -1
		} else if most >= 0 {
			most = max(most, n)
		}
	}
	if r.MaxReferences > 0 && (most < 0 || most > r.MaxReferences) {
		most = r.MaxReferences
	}
	return most, links && most != 0
}

// KeyHost reports whether the host of an address may get the key.
func (r *Recipe) KeyHost(host string) bool {
	host = strings.ToLower(host)
	return slices.ContainsFunc(r.KeyHosts, func(h string) bool {
		if domain, any := strings.CutPrefix(h, "*"); any {
			return strings.HasSuffix(host, domain) && len(host) > len(domain)
		}
		return host == h
	})
}
