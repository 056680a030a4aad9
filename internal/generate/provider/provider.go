// Package provider has files made by services that are spoken to over HTTP: one
// small file for each, on one helper that sends requests and says what each
// failure means.
//
// A back end sends nothing twice by itself. A provider's id is handed out, to be
// made durable, before the job is first asked about; a run that is given such an
// id submits nothing.
//
// It must not know the marketplace, the database or the configuration file.
package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"atelierd/internal/fetch"
	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
	"atelierd/internal/secret"
)

// Spec says which provider makes the files, and how. Which of its fields a type
// needs, New says.
type Spec struct {
	// Type is one of Types.
	Type string
	// BaseURL is where the provider's API begins, without a slash at its end.
	BaseURL string
	// Model is the provider's name for what makes the files.
	Model string
	// Makes is "image" or "video"; empty is the type's default.
	Makes string
	// Key gives the secret, read anew for each run so that it can be changed in
	// place; nil for a provider without one.
	Key func() (secret.Text, error)
	// User is the name that goes with Key where the provider takes a password.
	User string
	// Params are put into the request as they are, over what the back end says.
	Params map[string]any
	// Workflow is the file that ComfyUI runs, with placeholders.
	Workflow []byte
	// Timeout is the most that one run may take, a wait for a job included; 0 is
	// 10 minutes. A job that is not done by then goes on, and the next run asks
	// for it again.
	Timeout time.Duration
	// PollInterval is the time between two questions about a job; 0 is 3 seconds.
	PollInterval time.Duration
	// Transport replaces the network in tests.
	Transport http.RoundTripper
	// Log gets a line for each submitted job; nil discards it.
	Log *slog.Logger
}

// backend is what one provider's API takes and gives. Its errors are
// *order.Failure.
type backend interface {
	// submit makes the call that is paid for. It gives either the finished
	// output or the ticket of a job that goes on.
	submit(ctx context.Context, c *conn, req generate.Request) (ticket string, out *output, err error)
	// poll asks about a job; without an output and an error it still goes on.
	poll(ctx context.Context, c *conn, ticket string) (*output, error)
	// probe sees whether the provider would take a request, for nothing.
	probe(ctx context.Context, c *conn) error
}

// repeater is a backend whose submit may be sent again under the same key.
type repeater interface{ repeats() bool }

// errNoJobs is the answer to a ticket of a provider that gives none.
var errNoJobs = order.Failf(order.Retry, order.CodeExpired, "the provider has no jobs that could be asked about")

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

// New makes the back end that spec names. Its error is one for the owner. It
// reads no secret and sends nothing: that is for Check.
func New(spec Spec) (*Provider, error) {
	kind, there := kindOf(spec.Type)
	if !there {
		return nil, fmt.Errorf("unknown type %.40q, known are %s", spec.Type, names())
	}
	base, err := url.Parse(spec.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("base_url must be an http or https address without a user or a query, is %.100q", spec.BaseURL)
	}
	base.Path = strings.TrimRight(base.Path, "/")
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
	return &Provider{spec: spec, needs: kind.Needs, backend: made, base: base, api: apiClient(spec.Transport),
		links: fetch.New(fetch.Options{MaxBytes: generate.MaxFileBytes, Timeout: linkTimeout, Proxy: http.ProxyFromEnvironment,
			Trusted: []string{hostPort(base)}, Transport: spec.Transport})}, nil
}

// Repeats implements generate.Repeater.
func (p *Provider) Repeats() bool {
	r, ok := p.backend.(repeater)
	return ok && r.repeats()
}

// Check asks the provider something that costs nothing, with the key.
func (p *Provider) Check(ctx context.Context) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, errSilent)
	defer cancel()
	err = p.backend.probe(ctx, c)
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class == order.Stopped {
		return err
	}
	held := *f
	held.Class = order.Hold
	if held.Hint == "" {
		held.Hint = "see whether the provider can be reached, and try again"
	}
	return &held
}

// Generate implements generate.Generator: it submits the request, or goes on
// with the job that an earlier run has submitted, and brings in the result.
func (p *Provider) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	made, err := p.generate(ctx, req)
	return made, overdue(err, req.Call.Began)
}

func (p *Provider) generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	c, err := p.connect()
	if err != nil {
		return generate.Result{}, keep(err, req.Call.Ticket)
	}
	// A job that is not done when the time is over goes on.
	limit, cancel := context.WithTimeoutCause(ctx, p.spec.Timeout, errSlow)
	defer cancel()
	ticket := req.Call.Ticket
	if ticket == "" && req.Prompt == "" && p.needs.Prompt {
		return generate.Result{}, order.Failf(order.Hold, order.CodeNoPrompt, "the order says nothing of what is to be made").
			WithHint("ask the client: `atelierd messages %s --send TEXT`; then `atelierd orders retry`", req.OrderID).Nothing()
	}
	var out *output
	if ticket == "" {
		ticket, out, err = p.submit(limit, c, req)
	} else {
		p.spec.Log.Info("job resumed", "order", req.OrderID, "round", req.Round, "attempt", req.Attempt, "ticket", ticket)
	}
	if err != nil {
		return generate.Result{}, err
	}
	if out == nil {
		if out, err = p.wait(limit, c, ticket); err != nil {
			return generate.Result{}, err
		}
	}
	files, err := p.save(ctx, c, req, out)
	if ticket == "" {
		files, err = p.insist(ctx, c, req, out, files, err)
	}
	if err != nil {
		return generate.Result{}, costing(err, out.cost)
	}
	return generate.Result{Files: files, Cost: out.cost}, nil
}

// submit makes the call. A job's ticket is durable when it returns.
func (p *Provider) submit(ctx context.Context, c *conn, req generate.Request) (ticket string, out *output, err error) {
	if p.needs.PromptLimit > 0 {
		req.Prompt = prompt.Shorten(req.Prompt, p.needs.PromptLimit)
	}
	req.References = p.needs.References.accepted(req, p.spec)
	if ticket, out, err = p.backend.submit(ctx, c, req); err != nil || out != nil {
		return ticket, out, err
	}
	p.spec.Log.Info("job submitted", "order", req.OrderID, "round", req.Round, "attempt", req.Attempt, "ticket", ticket)
	return ticket, nil, submitted(req, ticket)
}

// costing tells what the provider has said that a result costs which is of no use.
func costing(err error, told order.USD) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Cost > 0 || f.Charge == order.ChargeNone || f.Charge == order.ChargePending {
		return err
	}
	own := *f
	own.Cost = told
	return &own
}

// keep leaves a job that was submitted open: that this run sent nothing does not
// mean that the job cost nothing.
func keep(err error, ticket string) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || ticket == "" {
		return err
	}
	own := *f
	own.Charge = order.ChargePending
	return &own
}

// overdue holds what is still to be had a day after its call. Until then it is
// waited for: that a job is slow, or that nobody says what became of it, is no
// failed attempt.
func overdue(err error, began time.Time) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Charge != order.ChargePending || f.Class != order.Wait && !f.Outage || began.IsZero() || time.Since(began) < mostJob {
		return err
	}
	held := order.Failf(order.Hold, order.CodeOverdue, "a day after the call: %w", f).
		WithHint("look at the provider; `atelierd orders retry` asks for it again, `orders redo` makes another, which is paid for")
	held.Charge = order.ChargePending
	return held
}

// sleep waits, or gives the error of a context that has ended.
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
		return &order.Failure{Class: order.Retry, Code: order.CodeTicket, Charge: order.ChargeUnknown,
			Err: fmt.Errorf("the provider's job %.80q could not be written down: %w", ticket, err)}
	}
	return nil
}

// The causes of a time limit: the job's own, and that of one answer.
var (
	errSlow   = errors.New("the provider's job is not done yet")
	errSilent = errors.New("the provider did not answer in time")
)

// wait asks about the job until it has ended.
func (p *Provider) wait(ctx context.Context, c *conn, ticket string) (*output, error) {
	pause := p.spec.PollInterval
	for {
		out, err := p.backend.poll(ctx, c, ticket)
		if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeElsewhere {
			err = keep(err, ticket) // base_url has changed, and the job is where it was
		}
		if out != nil || err != nil {
			return out, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause*5/4, 10*p.spec.PollInterval)
	}
}
