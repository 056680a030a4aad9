package exec

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

const (
	defaultTimeout   = 10 * time.Minute
	defaultGrace     = 5 * time.Second
	selfCheckTimeout = 30 * time.Second
)

// Options says how to run the owner's own program.
type Options struct {
	// Name is what errors call the program; empty is "the generator".
	Name string
	// Command is the argument vector, never given to a shell. A first word with
	// a slash is relative to Dir, one without is looked for in PATH.
	Command []string
	// Dir is the working directory; empty is the daemon's own.
	Dir string
	// Env is added to the clean environment: "NAME=value" sets a variable,
	// "NAME" alone passes the daemon's own value, if it has one.
	Env []string
	// Timeout is the most that one run may take; 0 is 10 minutes.
	Timeout time.Duration
	// Grace is the time between SIGTERM and SIGKILL; 0 is 5 seconds.
	Grace time.Duration
	// SelfCheck is a command that Check runs for at most 30 seconds and that has
	// to exit with 0; empty for none.
	SelfCheck []string
	// Resumes says that the program goes on with its own unfinished work when it
	// is run again with the same output folder and attempt, so that a run that
	// was cut costs nothing twice.
	Resumes bool
	// Log gets what the program writes to stderr; nil discards it.
	Log *slog.Logger
}

// Exec runs the owner's own program for each order. The program is told the
// order as one JSON object on stdin, and leaves its files in $OUTPUT_DIR or
// names them in a manifest on stdout.
//
// The program runs in a process group of its own, which is killed as a whole
// when its leader has exited or has to go. Only a process that leaves the
// group by setsid escapes.
type Program struct {
	opts Options
	env  []string
	// redact takes the values of secret variables out of what the program says.
	redact *redactor
}

// New checks the options and makes an Exec. It does not look at the file
// system: that is for Check.
func New(opts Options) (*Program, error) {
	if len(opts.Command) == 0 || opts.Command[0] == "" {
		return nil, errors.New("command is empty")
	}
	if len(opts.SelfCheck) > 0 && opts.SelfCheck[0] == "" {
		return nil, errors.New("self_check begins with an empty word")
	}
	if strings.ContainsRune(strings.Join(append(opts.Command, opts.SelfCheck...), ""), 0) {
		return nil, errors.New("command contains a NUL byte")
	}
	if opts.Timeout < 0 || opts.Grace < 0 {
		return nil, errors.New("timeout and grace must not be negative")
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	opts.Dir = dir
	if opts.Timeout == 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.Grace == 0 {
		opts.Grace = defaultGrace
	}
	if opts.Name == "" {
		opts.Name = "the generator"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	env, err := cleanEnv(opts.Env)
	if err != nil {
		return nil, err
	}
	return &Program{opts: opts, env: env, redact: newRedactor(env)}, nil
}

// Generate runs the program for one order, as the Generator interface says.
// Work that ctx cuts is Stopped, also when the program still exits with 0 after
// its SIGTERM: nobody can tell whether what it left is whole.
func (e *Program) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	out, log, err := e.run(ctx, req)
	if err != nil {
		return generate.Result{}, err
	}
	reason := log.finish(out.stdout)
	m, manifestErr := parseManifest(out.stdout, e.redact)
	if f := out.failure(m, reason); f != nil {
		f.Cost, f.Log = m.Cost, log.tail()
		return generate.Result{}, f
	}
	if manifestErr != nil {
		return generate.Result{}, bad(manifestErr, m.Cost, log.tail())
	}
	files, err := collect(req.OutputDir, m, e.redact)
	if err != nil {
		return generate.Result{}, bad(err, m.Cost, log.tail())
	}
	return generate.Result{Files: files, URL: m.URL, MediaType: m.MediaType, Cost: m.Cost, Message: m.Message, Log: log.tail()}, nil
}

// run runs the program for one order, after whatever is left of an earlier run.
func (e *Program) run(ctx context.Context, req generate.Request) (outcome, *lineLog, error) {
	stdin, err := encodeRequest(req)
	if err != nil {
		return outcome{}, nil, err
	}
	if ctx.Err() != nil {
		return outcome{}, nil, generate.Stopped(ctx)
	}
	if err := os.MkdirAll(req.OutputDir, 0o700); err != nil {
		return outcome{}, nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot make the output folder: %w", err).Nothing()
	}
	if err := KillOrphan(req.OutputDir); err != nil {
		return outcome{}, nil, order.Failf(order.Retry, order.CodeOrphan, "an earlier run still writes to the output folder: %w", err).Nothing()
	}
	log := newLineLog(e.opts.Log.With("order", term.Sanitize(req.OrderID), "round", req.Round, "attempt", req.Attempt), e.redact)
	p := process{
		name: e.opts.Name, argv: e.opts.Command, dir: e.opts.Dir, env: append(e.env[:len(e.env):len(e.env)], orderEnv(req)...),
		stdin: stdin, stderr: log, record: pidFile(req.OutputDir),
		timeout: e.opts.Timeout, grace: e.opts.Grace,
	}
	out, err := p.run(ctx)
	return out, log, err
}

// Repeats implements Repeater.
func (e *Program) Repeats() bool { return e.opts.Resumes }

// Check finds the program, and runs the self-check if there is one.
func (e *Program) Check(ctx context.Context) error {
	if st, err := os.Stat(e.opts.Dir); err != nil || !st.IsDir() {
		return order.Failf(order.Hold, order.CodeMisconfigured, "the folder %.200q of %s does not exist", e.opts.Dir, e.opts.Name).
			WithHint("make the folder, or mend the path in the configuration")
	}
	if _, err := lookPath(e.opts.Command[0], e.opts.Dir, e.env); err != nil {
		return notRunnable(e.opts.Name, e.opts.Command[0], err)
	}
	if len(e.opts.SelfCheck) == 0 {
		return nil
	}
	log := newLineLog(e.opts.Log.With("run", "self-check"), e.redact)
	p := process{
		name: "it", argv: e.opts.SelfCheck, dir: e.opts.Dir, env: e.env,
		stderr: log, timeout: selfCheckTimeout, grace: e.opts.Grace,
	}
	out, err := p.run(ctx)
	if err != nil {
		return err
	}
	reason := log.finish(out.stdout)
	f := out.failure(manifest{}, reason)
	if f == nil || f.Class == order.Stopped {
		return asError(f)
	}
	held := order.Failf(order.Hold, order.CodeSelfCheck, "the self-check failed: %w", f).
		WithHint("run %.200q in %.200q by hand and mend what it says", e.redact.clean(strings.Join(e.opts.SelfCheck, " ")), e.opts.Dir)
	held.Log = log.tail()
	return held
}

// asError keeps a nil *Failure from becoming an error that is not nil.
func asError(f *order.Failure) error {
	if f == nil {
		return nil
	}
	return f
}

func bad(err error, cost order.USD, log string) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		f = &order.Failure{Class: order.Retry, Code: order.CodeBadOutput, Err: err}
	}
	f.Cost, f.Log = cost, log
	return f
}

// encodeRequest makes the JSON object of the protocol: lists are never null,
// and every field is always there, but for piece, which only a piece has, and
// files, which only a check gets.
func encodeRequest(req generate.Request) ([]byte, error) {
	if !filepath.IsAbs(req.OutputDir) {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the output folder must be an absolute path").Nothing()
	}
	if strings.ContainsRune(req.OrderID, 0) {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the order's id contains a NUL byte").Nothing()
	}
	type message struct {
		From string    `json:"from"`
		Text string    `json:"text"`
		At   time.Time `json:"at,omitzero"`
	}
	messages := make([]message, len(req.Messages))
	for i, m := range req.Messages {
		messages[i] = message{From: m.From, Text: m.Text, At: m.At.UTC()}
	}
	type service struct {
		Title        string   `json:"title"`
		Category     string   `json:"category"`
		Deliverables []string `json:"deliverables"`
	}
	type piece struct {
		Number  int    `json:"number"`
		Request string `json:"request"`
	}
	type reference struct {
		Path      string `json:"path"`
		MediaType string `json:"media_type"`
		URL       string `json:"url"`
	}
	references := make([]reference, len(req.References))
	for i, r := range req.References {
		references[i] = reference{r.Path, r.MIME, r.URL}
	}
	var wanted *piece
	if req.Piece > 0 {
		wanted = &piece{req.Piece, req.Ask}
	}
	var buf strings.Builder
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		OrderID              string          `json:"order_id"`
		Round                int             `json:"round"`
		Attempt              int             `json:"attempt"`
		Brief                string          `json:"brief"`
		ReferenceURLs        []string        `json:"reference_urls"`
		ReferenceImages      []string        `json:"reference_images"`
		RequirementAnswers   json.RawMessage `json:"requirement_answers"`
		Messages             []message       `json:"messages"`
		Service              service         `json:"service"`
		PreviousDeliverables []string        `json:"previous_deliverables"`
		Piece                *piece          `json:"piece,omitempty"`
		Prompt               string          `json:"prompt"`
		References           []reference     `json:"references"`
		Notes                []string        `json:"notes"`
		Files                []string        `json:"files,omitempty"`
	}{
		req.OrderID, req.Round, req.Attempt, req.Brief, list(req.ReferenceURLs), list(req.ReferenceImages),
		req.RequirementAnswers, messages,
		service{req.Service.Title, req.Service.Category, list(req.Service.Deliverables)},
		list(req.PreviousDeliverables), wanted, req.Prompt, references, list(req.Notes), req.Made,
	})
	if err != nil {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the order cannot be written as JSON: %w", err).Nothing()
	}
	return []byte(buf.String()), nil
}

func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
