package recipe

import (
	"maps"
	"math"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// Answer is what a provider answered.
type Answer struct {
	Status int
	Header http.Header
	json   any
	// torn are the fields before a cut, by their names in lower case.
	torn map[string]any
}

// Read returns an answer, and whether its body is a JSON object or list.
func Read(status int, header http.Header, body []byte) (a Answer, ok bool) {
	a = Answer{Status: status, Header: header}
	if lenient.Unmarshal(body, &a.json) == nil {
		switch a.json.(type) {
		case map[string]any, []any:
			return a, true
		}
	}
	a.json, a.torn = nil, map[string]any{}
	for name, raw := range lenient.Fields(body) {
		var v any
		if lenient.Unmarshal(raw, &v) == nil {
			a.torn[name] = v
		}
	}
	return a, false
}

// Good reports a status of success.
func (a Answer) Good() bool { return a.Status >= 200 && a.Status <= 299 }

// Meaning is what an answer that reports an error means.
type Meaning string

// The meanings are the names of the lists of codes.
const (
	None    Meaning = ""
	Refused Meaning = "refused"
	Credit  Meaning = "credit"
	Key     Meaning = "key"
	Rate    Meaning = "rate"
	Outage  Meaning = "outage"
	Wrong   Meaning = "wrong"
	Running Meaning = "running"
	// Unknown: the answer reports an error by a code that is in no list.
	Unknown Meaning = "unknown"
)

// listed are the meanings with a list, in the order in which the lists are read.
var listed = []Meaning{Refused, Credit, Key, Rate, Outage, Running, Wrong}

// Meaning returns what the answer reports, None for a success.
func (r *Recipe) Meaning(a Answer) Meaning {
	codes := r.errors.code.texts(a)
	for _, m := range listed {
		if m == Refused && (a.Status >= http.StatusInternalServerError || a.Status == http.StatusTooManyRequests) {
			continue // such an answer says nothing about the content, whatever its words
		}
		if r.errors.lists[m].in(a, codes) {
			return m
		}
	}
	if a.Good() && len(r.errors.ok) > 0 && len(codes) > 0 && !r.errors.ok.in(a, codes) {
		return Unknown
	}
	return None
}

// JobState is where a job is.
type JobState int

// The states of a job.
const (
	NoState JobState = iota // the answer says nothing about the job
	Waiting
	Done
	Failed
	Blocked // refused by the provider
	Gone    // the provider does not have it, or not yet
)

// State returns where the answer says the job is. unknown is a state that no word
// names, which counts as Waiting.
func (r *Recipe) State(a Answer) (s JobState, unknown string) {
	own, done := r.state.at.texts(a), r.state.done
	if plain := done.plain(); len(own) > 0 && len(plain) > 0 {
		done = plain // the state is there, and counts
	}
	for _, each := range []struct {
		words
		JobState
	}{{r.state.refused, Blocked}, {r.state.failed, Failed}, {r.state.gone, Gone}, {done, Done}, {r.state.waiting, Waiting}} {
		if each.in(a, own) {
			return each.JobState, ""
		}
	}
	if len(own) == 0 {
		return NoState, ""
	}
	if isNumber(own[0]) && !r.numbered() {
		return NoState, "" // more likely a status of the answer
	}
	return Waiting, own[0]
}

// Progress returns the state of a job in the provider's word, how much of it is done, from
// 0 to 1, and its place in the provider's queue, from 1. Each is "" or 0 if it is unknown.
func (r *Recipe) Progress(a Answer) (word string, fraction float64, place int) {
	number := func(at paths, most float64) float64 {
		found := at.texts(a)
		if len(found) == 0 {
			return 0
		}
		n, err := strconv.ParseFloat(found[0], 64)
		if err != nil || !(n > 0) {
			return 0
		}
		return min(n, most)
	}
	if own := r.state.at.texts(a); len(own) > 0 {
		word = own[0]
	}
	return word, number(r.progress.at, r.progress.of) / max(r.progress.of, 1), int(number(r.progress.queue, 1_000_000))
}

// numbered reports whether the provider's states are numbers.
func (r *Recipe) numbered() bool {
	return r.state.waiting.numeric() || r.state.done.numeric() || r.state.failed.numeric() || r.state.refused.numeric()
}

// Cancellable reports whether the job's state is one in which a cancellation is sent.
func (r *Recipe) Cancellable(a Answer) bool { return r.only.in(a, r.state.at.texts(a)) }

// Job returns the texts that may name the job, the best first. It finds them in an
// answer that is cut too, because the job was paid for.
func (r *Recipe) Job(a Answer) []string {
	if a.json != nil || len(a.torn) == 0 {
		return jobsIn(r.job, a)
	}
	a.json = a.torn
	var lower paths
	for _, p := range r.job {
		p.steps = slices.Clone(p.steps)
		if len(p.steps) > 0 {
			p.steps[0].name = strings.ToLower(p.steps[0].name)
		}
		lower = append(lower, p)
	}
	return jobsIn(lower, a)
}

// Found returns the job of a lookup, or "".
func (r *Recipe) Found(a Answer) string {
	if found := jobsIn(r.lookupID, a); len(found) > 0 {
		return found[0]
	}
	return ""
}

func jobsIn(list paths, a Answer) (found []string) {
	for _, p := range list {
		for _, id := range (paths{p}).texts(a) {
			if id != "true" && id != "false" && strings.Trim(id, ".") != "" {
				found = append(found, id)
				break
			}
		}
	}
	return found
}

// leastBase64 is the length of the shortest text that is taken for a file in base64.
const leastBase64 = 32

// base64Letters are the letters of base64 in both alphabets, and the space between them.
const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_= \t\r\n"

// Files returns the links, data: addresses and base64 of the result. Where a path leads
// to a list or a table, it returns the links in it.
func (r *Recipe) Files(a Answer) (files []string) {
	for _, p := range r.files {
		for _, v := range p.find(a) {
			s := text(v)
			if strings.Contains(s, "://") || strings.HasPrefix(s, "data:") || len(s) >= leastBase64 && strings.Trim(s, base64Letters) == "" {
				files = append(files, s)
				continue
			}
			for _, link := range linksIn(v) {
				files = append(files, text(link))
			}
		}
		if len(files) > 0 {
			return files
		}
	}
	return nil
}

// HasResult reports whether the answer holds anything where the files should be.
func (r *Recipe) HasResult(a Answer) bool {
	return slices.ContainsFunc(r.files.find(a), func(v any) bool { return matches("*", v) })
}

// Reason returns the provider's text for people, or "".
func (r *Recipe) Reason(a Answer) string {
	for _, list := range []paths{r.reason, r.errors.reason} {
		if found := list.texts(a); len(found) > 0 {
			return strings.Join(found, "; ")
		}
	}
	return ""
}

// mostCost is more than any call costs.
const mostCost = 100_000

// Cost returns what the answer says that the call cost, rounded up, and whether it says
// so.
func (r *Recipe) Cost(a Answer) (cost order.USD, said bool) {
	found := r.cost.at.texts(a)
	var sum float64
	for _, s := range found {
		n, ok := new(big.Float).SetString(s)
		if !ok {
			return 0, false
		}
		f, _ := n.Float64()
		sum += f
	}
	usd := sum * r.cost.unit
	if math.IsNaN(usd) || usd < 0 || usd > mostCost || len(found) == 0 || r.cost.unit == 0 {
		return 0, false
	}
	return order.USD(math.Ceil(usd*float64(order.Dollar) - 1e-6)), true
}

// Models returns the models that an answer names, in a list or as the fields of a table.
func (r *Recipe) Models(a Answer) []string {
	for _, v := range r.names.find(a) {
		if table, ok := v.(map[string]any); ok {
			return slices.Collect(maps.Keys(table))
		}
	}
	return r.names.texts(a)
}

// Empty reports that the answer to a probe says that the account has nothing left.
func (r *Recipe) Empty(a Answer) bool {
	found := r.balance.texts(a)
	if len(found) == 0 {
		return false
	}
	n, ok := new(big.Float).SetString(found[0])
	return ok && n.Sign() <= 0
}

// Accepts reports whether the status of an answer to a probe is an error that the recipe
// accepts.
func (r *Recipe) Accepts(a Answer) bool { return slices.Contains(r.accept, a.Status) }
