package provider

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
)

// recipeBackend speaks the API that a recipe describes. The recipe writes the requests
// and reads the answers; what follows from them is decided here, so that no recipe can
// change it.
type recipeBackend struct {
	spec   Spec
	recipe *recipe.Recipe
}

var recipeNeeds = Needs{Type: "recipe", Recipe: true}

// recipeNeedsOf returns what the type needs with the recipe.
func recipeNeedsOf(s Spec, r *recipe.Recipe) Needs {
	image, links := r.References("image")
	video, videoLinks := r.References("video")
	if s.Makes == "video" || s.Makes == "" && slices.Index(r.Makes, "video") == 0 {
		links = videoLinks
	}
	return Needs{
		Type: s.Type, Recipe: s.Type == recipeNeeds.Type, Params: []string{promptLimit, referenceLimit}, Key: r.NeedsKey(), Model: r.NeedsModel(), Makes: r.Makes,
		Prompt: r.PromptRequired, PromptLimit: r.PromptLimit,
		References: References{Image: limit(image), Video: limit(video), Links: links, Animations: r.Animations, Bytes: r.ReferenceBytes},
	}
}

// limit returns a recipe's number of references as that of References.
func limit(most int) int {
	if most < 0 {
		return Unlimited
	}
	return most
}

// withRecipe returns the spec with its recipe's address and params, and the needs.
func (s Spec) withRecipe() (Spec, Needs, error) {
	if s.Recipe == nil {
		return s, Needs{}, errors.New("recipe is missing")
	}
	r, err := s.Recipe.With(s.Params)
	if err != nil {
		return s, Needs{}, err
	}
	s.Recipe, s.BaseURL = r, cmp.Or(s.BaseURL, r.BaseURL)
	if s.BaseURL == "" {
		return s, Needs{}, fmt.Errorf("base_url is missing; the recipe %s names none", r.Name)
	}
	return s, recipeNeedsOf(s, r), nil
}

func newRecipe(s Spec) (backend, error) { return &recipeBackend{s, s.Recipe}, nil }

// repeats implements repeater.
func (b *recipeBackend) repeats() bool { return b.recipe.Repeats() }

// values returns what all requests are written with.
func (b *recipeBackend) values(c *conn) recipe.Values {
	return recipe.Values{Model: b.spec.Model, Key: c.key.Reveal(), UUID: newUUID}
}

func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // it never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func (b *recipeBackend) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	v := b.values(c)
	v.Makes, v.Prompt, v.OrderID, v.Call = b.spec.Makes, req.Prompt, req.OrderID, req.Call.Key
	v.Seed = seedOf(req.Call.Key) >> 1 // many providers take no more than 31 bits
	for _, ref := range req.References {
		var size int64
		if info, err := os.Stat(ref.Path); err == nil {
			size = info.Size()
		}
		v.References = append(v.References, recipe.Reference{URL: ref.URL, MIME: ref.MIME, Bytes: size, Base64: func() (string, error) {
			data, err := read(ref)
			return base64.StdEncoding.EncodeToString(data), err
		}})
	}
	q, err := b.recipe.Submit(v)
	if err != nil {
		return "", nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	a, err := c.do(ctx, call{method: q.Method, path: q.Path, header: q.Header, body: q.Body, paid: true})
	if err != nil {
		return "", nil, err
	}
	read, _ := recipe.Read(a.status, a.header, a.body)
	if a.ok() && b.recipe.Jobs() {
		if ticket := b.ticket(c, read); ticket != "" {
			return ticket, nil, nil
		}
	}
	if f := b.failure(a, read); f != nil {
		return "", nil, f
	}
	if out := b.files(read); len(out.blobs) > 0 {
		return "", out, nil
	}
	if b.recipe.Jobs() {
		return "", nil, a.unmatched("submit.job finds nothing")
	}
	return "", nil, a.unmatched("result.files finds nothing")
}

// ticket returns the id of the submitted job, or the address where it is asked for. An
// address at a host that may not get the key is skipped if there is an id too.
func (b *recipeBackend) ticket(c *conn, read recipe.Answer) string {
	list := b.recipe.Job(read)
	for _, job := range list {
		if !recipe.IsAddress(job) {
			return job
		}
		if _, err := c.target(job); err == nil {
			return job
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return ""
}

// failure returns what an answer means that reports an error, or nil for a success.
func (b *recipeBackend) failure(a answer, read recipe.Answer) error {
	meaning := b.recipe.Meaning(read)
	a.said = b.recipe.Reason(read)
	switch meaning {
	case recipe.Refused:
		return b.refused(a, a.snippet())
	case recipe.Running:
		if keyReused(a) {
			return reused(a)
		}
		return a.busy()
	}
	if status := meanings[meaning]; status != 0 && a.status != status {
		return a.withStatus(status).failure()
	}
	switch {
	case b.recipe.Idempotency != "" && keyReused(a):
		return reused(a)
	case !a.ok() || meaning == recipe.Unknown:
		return a.failure()
	}
	return nil
}

// meanings are the statuses that the lists of codes stand for.
var meanings = map[recipe.Meaning]int{
	recipe.Credit: http.StatusPaymentRequired, recipe.Key: http.StatusUnauthorized, recipe.Rate: http.StatusTooManyRequests,
	recipe.Outage: http.StatusServiceUnavailable, recipe.Wrong: http.StatusBadRequest,
}

// refused returns a refusal. What was made is charged unless the recipe says that it is
// free. A submission that began no job costs nothing.
func (b *recipeBackend) refused(a answer, reason string) *order.Failure {
	charge := order.ChargeFull
	if b.recipe.Free("refused") || a.paid && (!a.ok() || b.recipe.Jobs()) {
		charge = order.ChargeNone
	}
	return a.refused(charge, "%s", reason)
}

func (b *recipeBackend) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	v := b.values(c)
	v.Job = ticket
	a, read, err := b.get(ctx, c, b.recipe.Poll(v))
	if err != nil {
		return nil, err
	}
	state, unknown := b.recipe.State(read)
	if a.status == http.StatusAccepted && state == recipe.NoState {
		c.progress(b.progress(read))
		return nil, nil // it may be empty
	}
	if b.recipe.Meaning(read) == recipe.Refused {
		state = recipe.Blocked
	}
	if a.ok() || state == recipe.Blocked {
		switch state {
		case recipe.Waiting:
			if unknown != "" {
				c.unknownWord(unknown)
			}
			c.progress(b.progress(read))
			return nil, nil
		case recipe.Done:
			return b.result(ctx, c, v, a, read)
		case recipe.Failed:
			return nil, b.failed(a, read)
		case recipe.Blocked:
			return nil, b.charged(b.refused(a, b.recipe.Reason(read)), read)
		case recipe.Gone:
			return nil, a.expired("its job")
		}
	}
	if a.gone() {
		return nil, a.expired("its job")
	}
	if err := b.failure(a, read); err != nil {
		return nil, err
	}
	return nil, a.unmatched("section poll finds no state")
}

// get asks about a job. Its answer may hold the files.
func (b *recipeBackend) get(ctx context.Context, c *conn, q recipe.Request) (answer, recipe.Answer, error) {
	a, err := c.get(ctx, q.Path, q.Header)
	if err != nil {
		return a, recipe.Answer{}, err
	}
	read, _ := recipe.Read(a.status, a.header, a.body)
	return a, read, nil
}

// result returns the files of a finished job. a is the answer that says that it is
// finished.
func (b *recipeBackend) result(ctx context.Context, c *conn, v recipe.Values, a answer, polled recipe.Answer) (*output, error) {
	read := polled
	if q, more := b.recipe.Result(v); more {
		var err error
		if a, read, err = b.get(ctx, c, q); err != nil {
			return nil, err
		}
		if a.gone() {
			return nil, a.expired("its result")
		}
		switch state, _ := b.recipe.State(read); state {
		case recipe.Blocked:
			return nil, b.charged(b.refused(a, b.recipe.Reason(read)), read)
		case recipe.Failed:
			return nil, b.failed(a, read)
		}
		if err := b.failure(a, read); err != nil {
			return nil, err
		}
	}
	out := b.files(read)
	if out.cost == 0 {
		out.cost, _ = b.recipe.Cost(polled)
	}
	switch {
	case len(out.blobs) > 0:
		return out, nil
	case b.recipe.HasResult(read):
		f := a.noFile()
		f.Err = fmt.Errorf("the recipe's result.files finds no link or base64 in the provider's answer: %s", a.snippet())
		return nil, f
	}
	return nil, order.LateResult(order.CodeNotVisible, "the job is done, and the recipe's result.files finds nothing in the provider's answer: %s", a.snippet())
}

// files returns the output that an answer holds.
func (b *recipeBackend) files(read recipe.Answer) *output {
	out := &output{}
	out.cost, _ = b.recipe.Cost(read)
	for _, file := range b.recipe.Files(read) {
		if strings.Contains(file, "://") { // the fetch refuses what is no public link
			out.blobs = append(out.blobs, blob{link: file})
		} else if made, err := fromBase64(file); err == nil {
			out.blobs = append(out.blobs, made)
		}
	}
	return out
}

// charged returns the failure of a job with what the answer says that it cost, which is
// nothing if it was paid back.
func (b *recipeBackend) charged(f *order.Failure, read recipe.Answer) *order.Failure {
	cost, said := b.recipe.Cost(read)
	if said && cost == 0 {
		return f.Nothing()
	}
	return f.WithCost(cost)
}

// failed returns the failure of a job. If the recipe cannot distinguish a refusal from
// it, the next job would most likely fail too, so the owner decides. The owner also
// decides if the account is empty, for which nothing was made.
func (b *recipeBackend) failed(a answer, read recipe.Answer) error {
	if b.recipe.Meaning(read) == recipe.Credit {
		return a.withStatus(http.StatusPaymentRequired).failure().Nothing()
	}
	f := a.failed("%s", cmp.Or(b.recipe.Reason(read), a.snippet()))
	if b.recipe.Free("failed") {
		f = f.Nothing()
	}
	if !b.recipe.Refuses() {
		f.Class = order.Hold
		f.Hint = "look at the provider's reason; " + retryCommand + " makes another call, which is paid for"
	}
	return b.charged(f, read)
}

// lookUp implements finder.
func (b *recipeBackend) lookUp(ctx context.Context, c *conn, key string) (string, error) {
	if !b.recipe.LooksUp() {
		return "", nil
	}
	v := b.values(c)
	v.Call = key
	a, read, err := b.get(ctx, c, b.recipe.Lookup(v))
	switch {
	case err != nil:
		return "", err
	case a.gone():
		return "", nil
	}
	if err := b.failure(a, read); err != nil {
		return "", err
	}
	return b.recipe.Found(read), nil
}

func (b *recipeBackend) cancels() bool { return b.recipe.Cancels() }

// cancel implements canceller. The recipe names the states in which it is sent.
func (b *recipeBackend) cancel(ctx context.Context, c *conn, ticket string) (order.CancelResult, error) {
	if recipe.IsAddress(ticket) {
		return order.CancelResult{}, order.Failf(order.Hold, order.CodeProviderRejected, "the provider names the job by an address, so it cannot be cancelled")
	}
	v := b.values(c)
	v.Job = ticket
	a, read, err := b.get(ctx, c, b.recipe.Poll(v))
	switch {
	case err != nil:
		return order.CancelResult{}, err
	case !a.ok() || !b.recipe.Cancellable(read):
		return order.CancelResult{}, a.unusable("the job is in no state in which it may be cancelled: %s", a.snippet())
	}
	q := b.recipe.Cancel(v)
	return c.cancel(ctx, call{method: q.Method, path: q.Path, header: q.Header})
}

func (b *recipeBackend) probe(ctx context.Context, c *conn) error {
	if !b.recipe.Probes() {
		return nil
	}
	q := b.recipe.Probe(b.values(c))
	a, err := c.do(ctx, call{method: q.Method, path: q.Path, header: q.Header})
	if err != nil {
		return err
	}
	read, _ := recipe.Read(a.status, a.header, a.body)
	switch {
	case b.recipe.Empty(read):
		return a.withStatus(http.StatusPaymentRequired).failure()
	case b.recipe.Accepts(read):
		return nil
	}
	return b.failure(a, read)
}

// listing implements lister.
func (b *recipeBackend) listing(ctx context.Context, c *conn) (l generate.Listing, err error) {
	if !b.recipe.Lists() {
		return l, nil
	}
	q := b.recipe.ListModels(b.values(c))
	a, err := c.do(ctx, call{method: q.Method, path: q.Path, header: q.Header})
	if err != nil || !a.ok() {
		return l, err
	}
	read, _ := recipe.Read(a.status, a.header, a.body)
	names := b.recipe.Models(read)
	return generate.Listing{Known: len(names) > 0, Listed: slices.Contains(names, b.spec.Model)}, nil
}
