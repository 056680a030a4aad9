// Package provider makes files by asking services over HTTP. The code for one service
// is its back end: a small file with its Needs and its API. All back ends share one
// connection, which sends requests and classifies failures.
//
// A back end sends nothing twice by itself. A provider's id is made durable before
// the first poll of the job. A run that gets such an id submits nothing.
//
// To add a provider: write its file, add it to kinds, add its shape to package
// gentest, and put what the tests print into the docs.
//
// The package must not know the marketplace, the database or the configuration
// file.
package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"atelierd/internal/beat"
	"atelierd/internal/fetch"
	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/secret"
)

// Spec describes a provider. Its Needs list the fields that a type requires.
type Spec struct {
	// Type is the name of one of Types.
	Type string
	// BaseURL is where the provider's API begins, without a slash at its end.
	BaseURL string
	// Model is the provider's name for what makes the files.
	Model string
	// Makes is "image" or "video". Empty means the type's default.
	Makes string
	// Key returns the secret. It is called for each run, so that the key can be
	// changed in place. It is nil for a provider without a key.
	Key func() (secret.Text, error)
	// PartnerKey returns the key for paid services that the provider calls, as ComfyUI's
	// partner nodes do. It is nil without one.
	PartnerKey func() (secret.Text, error)
	// User is the name that goes with Key where the provider wants a password.
	User string
	// Params go into the request as they are, and override the back end's fields.
	Params map[string]any
	// Workflow is the content of the file that ComfyUI runs, with placeholders.
	Workflow []byte
	// Recipe describes the provider's API for the type recipe.
	Recipe *recipe.Recipe
	// Timeout limits one run, including the wait for a job. 0 means 10 minutes. A
	// job that is not done by then stays pending, and the next run polls it again.
	Timeout time.Duration
	// PollInterval is the time between two polls of a job. 0 means 3 seconds.
	PollInterval time.Duration
	// Transport replaces the network in tests.
	Transport http.RoundTripper
	// Log gets a line for each submitted job. Nil discards it.
	Log *slog.Logger
}

// backend speaks one provider's API. Its errors are *order.Failure.
type backend interface {
	// submit makes the call that is paid for. It returns either the finished output
	// or the ticket of a pending job.
	submit(ctx context.Context, c *conn, req generate.Request) (ticket string, out *output, err error)
	// poll asks about a job. It returns neither output nor error while the job is
	// pending.
	poll(ctx context.Context, c *conn, ticket string) (*output, error)
	// probe checks at no cost whether the provider would accept a request.
	probe(ctx context.Context, c *conn) error
}

// repeater is a backend whose submit may be repeated under the same key.
type repeater interface{ repeats() bool }

// finder is a backend that looks up a job by the key of its call. It returns "" if
// there is none.
type finder interface {
	lookUp(ctx context.Context, c *conn, key string) (ticket string, err error)
}

// errNoJobs is the failure of a poll at a provider without jobs.
var errNoJobs = order.Failf(order.Retry, order.CodeExpired, "the provider has no jobs to poll")

// Provider is a generate.Generator.
type Provider struct {
	spec    Spec
	needs   Needs
	backend backend
	base    *url.URL
	api     *http.Client
	links   *fetch.Client
}

const (
	defaultTimeout      = 10 * time.Minute
	defaultPollInterval = 3 * time.Second
)

// New returns the provider of the spec. Its error is for the owner. New reads no
// secret and sends nothing. Check does.
func New(spec Spec) (*Provider, error) {
	kind, there := kindOf(spec.Type)
	if !there {
		return nil, fmt.Errorf("unknown type %.40q, known are %s", spec.Type, names())
	}
	if kind.recipe != "" {
		var err error
		if spec.Recipe, err = recipe.Open(kind.recipe); err != nil {
			return nil, err
		}
	}
	if kind.recipe != "" || kind.Recipe {
		var err error
		if spec, kind.Needs, err = spec.withRecipe(); err != nil {
			return nil, err
		}
	}
	base, err := parseBase(spec.BaseURL)
	if err != nil {
		return nil, err
	}
	if kind.Model && spec.Model == "" {
		return nil, errors.New("model is missing")
	}
	if kind.Key && spec.Key == nil {
		return nil, errors.New("the provider needs a key: key_env or key_file is missing")
	}
	if spec.Timeout == 0 {
		spec.Timeout = defaultTimeout
	}
	if spec.PollInterval == 0 {
		spec.PollInterval = defaultPollInterval
	}
	if spec.Makes == "" && len(kind.Makes) > 0 {
		spec.Makes = kind.Makes[0]
	}
	if spec.Log == nil {
		spec.Log = slog.New(slog.DiscardHandler)
	}
	made, err := kind.make(spec)
	if err != nil {
		return nil, err
	}
	return &Provider{
		spec: spec, needs: kind.Limited(spec.Params), backend: made, base: base, api: apiClient(spec.Transport),
		links: fetch.New(fetch.Options{
			MaxBytes: generate.MaxFileBytes, Timeout: linkTimeout, Proxy: http.ProxyFromEnvironment,
			Trusted: []string{hostPort(base)}, Transport: spec.Transport,
		}),
	}, nil
}

// Needs returns what the provider needs and takes. That of a recipe is what the recipe
// says.
func (p *Provider) Needs() Needs { return p.needs }

// Repeats implements generate.Repeater.
func (p *Provider) Repeats() bool {
	r, ok := p.backend.(repeater)
	return ok && r.repeats()
}

// Local implements generate.Local. The loopback address of a server that owners run
// themselves is another one on each machine. What else listens there stands for a service
// that all of them reach, as a proxy does.
func (p *Provider) Local() bool {
	if !p.needs.Local {
		return false
	}
	host := p.base.Hostname()
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// Check implements generate.Generator. It sends a request that costs nothing, with
// the key.
func (p *Provider) Check(ctx context.Context) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	ctx, cancel := beat.TimeoutCause(ctx, probeTimeout, errSilent)
	defer cancel()
	err = p.backend.probe(ctx, c)
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class == order.Stopped {
		return err
	}
	held := *f
	held.Class = order.Hold
	if held.Hint == "" {
		held.Hint = "check whether the provider can be reached, and try again"
	}
	return &held
}

// Generate implements generate.Generator. It submits the request, or resumes the job
// that an earlier run submitted, and fetches the result.
func (p *Provider) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	made, err := p.generate(ctx, req)
	return made, failing(err, func(f *order.Failure) *order.Failure {
		if !req.Call.Began.IsZero() {
			f = f.Overdue(time.Since(req.Call.Began))
		}
		return f.For(req.OrderID)
	})
}

func (p *Provider) generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	c, err := p.connect()
	if err != nil {
		return generate.Result{}, pending(err, req.Call.Ticket)
	}
	c.spool, c.report = spool{dir: req.OutputDir, makeRoom: req.Call.MakeRoom}, req.Call.Progress
	defer c.spool.clear()
	// A job that is not done by then stays pending.
	limit, cancel := beat.TimeoutCause(ctx, p.spec.Timeout, errSlow)
	defer cancel()
	ticket := req.Call.Ticket
	if ticket == "" && req.Prompt == "" && p.needs.Prompt {
		return generate.Result{}, order.Failf(order.Hold, order.CodeNoPrompt, "the order does not say what to make").
			WithHint("ask the client with %s, then run %s", messageCommand, retryCommand).Nothing()
	}
	out := storedLinks(ticket)
	switch {
	case ticket == "":
		ticket, out, err = p.submit(limit, c, req)
	case out == nil:
		p.spec.Log.Debug("job resumed", "order", req.OrderID, "round", req.Round, "attempt", req.Attempt, "ticket", ticket)
	}
	if err != nil {
		return generate.Result{}, err
	}
	if out == nil {
		if out, err = p.wait(limit, c, ticket, req.Call.Running); err != nil {
			return generate.Result{}, err
		}
	}
	save := p.save
	if ticket == "" {
		save = p.saveRetrying
	}
	files, err := save(ctx, c, req, out)
	if err != nil {
		return generate.Result{}, costing(err, out.cost)
	}
	return generate.Result{Files: files, Cost: out.cost, Fetched: out.fetched() && (ticket != "" || p.Repeats())}, nil
}

// Find implements generate.Finder. Providers that keep no job under our key find none.
func (p *Provider) Find(ctx context.Context, key string) (string, error) {
	f, ok := p.backend.(finder)
	if !ok {
		return "", nil
	}
	c, err := p.connect()
	if err != nil {
		return "", err
	}
	return f.lookUp(ctx, c, key)
}

// submit makes the call. A job's ticket is durable when it returns, and so are the links
// of a result that cannot be asked for again.
func (p *Provider) submit(ctx context.Context, c *conn, req generate.Request) (ticket string, out *output, err error) {
	if p.needs.PromptLimit > 0 {
		req.Prompt = prompt.Shorten(req.Prompt, p.needs.PromptLimit)
	}
	req.References = p.needs.References.accepted(req, p.spec)
	ticket, out, err = p.backend.submit(ctx, c, req)
	switch {
	case err != nil:
		return ticket, out, p.heldUnread(err)
	case out != nil && ticket == "" && !p.Repeats() && req.Call.Submitted != nil:
		if ticket = out.linksTicket(); ticket != "" {
			err = submitted(req, ticket)
		}
		return ticket, out, err
	case out != nil:
		return ticket, out, nil
	}
	p.spec.Log.Debug("job submitted", "order", req.OrderID, "round", req.Round, "attempt", req.Attempt, "ticket", ticket)
	return ticket, nil, submitted(req, ticket)
}

// heldUnread holds a call whose answer is a success that cannot be read. Nothing says
// that the next one would differ, and it would be paid for too.
func (p *Provider) heldUnread(err error) error {
	return failing(err, func(f *order.Failure) *order.Failure {
		if f.Code != order.CodeBadAnswer || f.Charge != order.ChargeUnknown || f.Class != order.Retry || p.Repeats() {
			return f
		}
		held := *f
		held.Class = order.Hold
		return held.WithHint("look at your account at the provider; %s makes another call, which is paid for", retryCommand)
	})
}

// The commands of hints. Generate puts the order's id in place of AnyOrder.
var (
	retryCommand   = order.Command("orders retry", order.AnyOrder)
	redoCommand    = order.Command("orders redo", order.AnyOrder)
	messageCommand = order.Command("messages --send TEXT", order.AnyOrder)
)

// failing returns err with change applied to its failure.
func failing(err error, change func(*order.Failure) *order.Failure) error {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return change(f)
	}
	return err
}

// costing returns the failure of a useless result with the cost that the provider
// reported.
func costing(err error, reported order.USD) error {
	return failing(err, func(f *order.Failure) *order.Failure { return f.WithCost(reported) })
}

// pending returns the failure of a request about a job that was submitted.
func pending(err error, ticket string) error {
	return failing(err, func(f *order.Failure) *order.Failure { return f.WithTicket(ticket) })
}

// sleep waits. It returns an error if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx, false)
	case <-t.C:
		return nil
	}
}

// submitted makes the ticket durable.
func submitted(req generate.Request, ticket string) error {
	if req.Call.Submitted == nil {
		return nil
	}
	if err := req.Call.Submitted(ticket); err != nil {
		return &order.Failure{
			Class: order.Retry, Code: order.CodeTicket, Charge: order.ChargeUnknown,
			Err: fmt.Errorf("cannot store the id of the provider's job %.80q: %w", ticket, err),
		}
	}
	return nil
}

// The causes of a time limit: that of a job, and that of one answer.
var (
	errSlow   = errors.New("the provider's job is not done yet")
	errSilent = errors.New("the provider did not answer in time")
)

// wait polls the job until it has ended. running, if not nil, is called while it runs.
func (p *Provider) wait(ctx context.Context, c *conn, ticket string, running func()) (*output, error) {
	defer c.listening(ctx, p.backend, ticket)()
	pause := p.spec.PollInterval
	for {
		out, err := p.backend.poll(ctx, c, ticket)
		if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeElsewhere {
			err = pending(err, ticket) // base_url changed, and the job is at the old address
		}
		if out != nil || err != nil {
			return out, err
		}
		if running != nil {
			running()
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, failing(err, c.withWord)
		}
		pause = min(pause*5/4, 10*p.spec.PollInterval)
	}
}
