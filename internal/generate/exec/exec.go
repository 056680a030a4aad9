// Package exec runs the owner's own program: to make the files of an order, to
// price a quote, or to check finished work.
//
// The program reads the order as one JSON object from stdin. It leaves its files
// in $OUTPUT_DIR, or names them in a manifest on stdout.
//
// The package must not know the marketplace, the database, the queue or the
// configuration file. No other package but the demo starts processes. Whether a
// file is what the service promises is for others to judge. This package makes
// sure that it is a regular file inside the output folder.
package exec

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/host"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"
)

const (
	defaultTimeout   = 10 * time.Minute
	defaultGrace     = 5 * time.Second
	selfCheckTimeout = 30 * time.Second
)

// Options describe how to run the owner's program.
type Options struct {
	// Name is what errors call the program. Empty means "the generator".
	Name string
	// Command is the argument vector. No shell sees it. A first word with a slash
	// is relative to Dir, one without is looked up in PATH.
	Command []string
	// Dir is the working directory. Empty means the daemon's own.
	Dir string
	// Env is added to the clean environment. "NAME=value" sets a variable, "NAME"
	// passes the daemon's own value if it has one.
	Env []string
	// Timeout limits one run. 0 means 10 minutes.
	Timeout time.Duration
	// Grace is the time between SIGTERM and SIGKILL. 0 means 5 seconds.
	Grace time.Duration
	// SelfCheck is a command that must exit with 0 within 30 seconds for Check to
	// succeed. Empty means none.
	SelfCheck []string
	// Resumes promises that the program resumes its own unfinished work when it
	// runs again with the same output folder and attempt, so that an interrupted
	// run costs nothing twice.
	Resumes bool
	// Secrets returns secrets of the daemon, which are removed from what the program
	// writes, like the values of secret variables. Nil returns none.
	Secrets func() []secret.Named
	// Isolation hides files of the daemon from the program.
	Isolation Isolation
	// Hint is added to the hint of a program that fails by itself, such as what this
	// process allows its programs; empty for none.
	Hint string
	// Log gets what the program writes to stderr. Nil discards it.
	Log *slog.Logger
}

// Program is a generate.Generator, Pricer and Checker that runs the owner's
// program.
//
// Each run gets its own process group, which is killed as a whole when its leader
// exits or has to go. Only a process that leaves the group by setsid escapes. On
// Windows there are no such groups: there only the program itself is killed.
type Program struct {
	opts Options
	env  []string
}

// New checks the options and returns the program. It does not look at the file
// system. Check does.
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
	return &Program{opts: opts, env: env}, nil
}

// Generate implements generate.Generator. Work that ctx ends is Stopped even if
// the program exits with 0 after SIGTERM, because its files may be incomplete.
func (e *Program) Generate(ctx context.Context, req generate.Request) (generate.Result, error) {
	out, log, err := e.run(ctx, req)
	if err != nil {
		return generate.Result{}, err
	}
	reason := log.finish(out.stdout)
	object, _ := splitManifest(out.stdout)
	m, manifestErr := parseManifest(object, log.redacted.Redactor)
	if f := e.hinted(out.failure(m, reason)); f != nil {
		f.Cost, f.Log = m.Cost, log.tail()
		return generate.Result{}, f
	}
	if _, held := errors.AsType[*order.Failure](manifestErr); held {
		return generate.Result{}, badOutput(manifestErr, m.Cost, log.tail())
	}
	if out.folder != nil {
		return generate.Result{}, badOutput(out.folder, m.Cost, log.tail())
	}
	if manifestErr != nil {
		m.URL = "" // the files count without it
		m.Flaws = append(m.Flaws, manifestErr.Error())
	}
	m = m.orFolder(req.OutputDir)
	files, err := e.collectPersisting(ctx, req.OutputDir, m, log)
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNoOutput && manifestErr != nil {
		err = manifestErr
	}
	if err != nil {
		return generate.Result{}, badOutput(err, m.Cost, log.tail())
	}
	for _, flaw := range m.Flaws {
		log.log.Warn("the generator's manifest has a flaw; its files are kept", "flaw", flaw)
	}
	return generate.Result{Files: files, URL: m.URL, MediaType: m.MediaType, Cost: m.Cost, Message: m.Message, Log: log.tail()}, nil
}

// collectPersisting is collect for a run that may have been paid for: it waits while
// this machine lacks what a look at the files needs, such as descriptors.
func (e *Program) collectPersisting(ctx context.Context, dir string, m manifest, log *lineLog) (files []string, err error) {
	var failures logonce.Logger
	defer failures.Recovered(log.log, "the generator's files can be examined again")
	err = host.Persist(ctx, func(err error) {
		failures.Failed(log.log, "the generator's files cannot be examined; trying again", err)
	}, func() error {
		if files, err = collect(dir, m, log.redacted.Redactor); err != nil {
			return err
		}
		as, err := e.account()
		return cmp.Or(err, as.keep(dir, files))
	})
	return files, err
}

// run runs the program for one order, after it has killed what is left of an
// earlier run.
func (e *Program) run(ctx context.Context, req generate.Request) (outcome, *lineLog, error) {
	stdin, err := encodeRequest(req)
	if err != nil {
		return outcome{}, nil, err
	}
	if ctx.Err() != nil {
		return outcome{}, nil, generate.Stopped(ctx)
	}
	folder, err := makeFolder(req.OutputDir)
	if err != nil {
		return outcome{}, nil, err
	}
	defer folder.Close()
	if err := KillOrphan(req.OutputDir); err != nil {
		return outcome{}, nil, order.Failf(order.Retry, order.CodeOrphan, "an earlier run still writes to the output folder: %w", err).Nothing()
	}
	log := newLineLog(e.opts.Log.With("order", term.Sanitize(req.OrderID), "round", req.Round, "attempt", req.Attempt), e.redactor())
	log.report = req.Call.Report
	p, err := e.process(req, log, e.opts.Command)
	if err != nil {
		return outcome{}, nil, err
	}
	p.env, p.stdin, p.record = append(p.env[:len(p.env):len(p.env)], orderEnv(req)...), stdin, pidFile(req.OutputDir)
	if err := p.as.admit(e.opts.Isolation.Folder, req, folder); err != nil {
		return outcome{}, nil, order.Failf(order.Retry, order.CodeOutputDir, "cannot let user %.100q into the output folder: %w", p.as.name, err).Nothing()
	}
	out, err := p.run(ctx)
	out.folder = cmp.Or(p.as.leave(folder), replaced(req.OutputDir, folder))
	return out, log, err
}

// process returns a run of the command with the program's environment and isolation.
func (e *Program) process(req generate.Request, log *lineLog, argv []string) (process, error) {
	as, err := e.account()
	return process{
		name: e.opts.Name, order: req.OrderID, argv: argv, dir: e.opts.Dir, env: e.environment(as), stderr: log,
		timeout: e.opts.Timeout, grace: e.opts.Grace, as: as, wrapped: e.opts.Isolation.Bwrap,
		wrap: func(path string, args []string) (string, []string, error) { return e.wrap(path, args, req) },
	}, err
}

// Repeats implements generate.Repeater.
func (e *Program) Repeats() bool { return e.opts.Resumes }

// Local implements generate.Local: a program resumes what it finds in the output folder.
func (e *Program) Local() bool { return true }

// Check implements generate.Generator. It looks for the program, and runs the
// self-check if there is one.
func (e *Program) Check(ctx context.Context) error {
	if st, err := os.Stat(e.opts.Dir); err != nil || !st.IsDir() {
		return order.Failf(order.Hold, order.CodeMisconfigured, "the folder %.200q of %s does not exist", e.opts.Dir, e.opts.Name).
			WithHint("create the folder, or fix the path in the configuration")
	}
	if _, err := lookPath(e.opts.Command[0], e.opts.Dir, e.env); err != nil {
		return e.hinted(notRunnable(e.opts.Name, e.opts.Command[0], err))
	}
	if err := e.checkIsolation(ctx); err != nil {
		return err
	}
	if len(e.opts.SelfCheck) == 0 {
		return nil
	}
	log := newLineLog(e.opts.Log.With("run", "self-check"), e.redactor())
	p, err := e.process(generate.Request{}, log, e.opts.SelfCheck)
	if err != nil {
		return err
	}
	p.name, p.timeout = "it", selfCheckTimeout
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
		WithHint("run %.200q in %.200q by hand and fix what it reports", log.redacted.Clean(strings.Join(e.opts.SelfCheck, " ")), e.opts.Dir)
	held.Log = log.tail()
	return e.hinted(held)
}

// hinted adds the program's hint to a failure that may have to do with it.
func (e *Program) hinted(f *order.Failure) *order.Failure {
	if f == nil || e.opts.Hint == "" {
		return f
	}
	switch f.Code {
	case order.CodeExit, order.CodeSignal, order.CodeMisconfigured, order.CodeSelfCheck:
		f.Hint = strings.TrimPrefix(f.Hint+"; "+e.opts.Hint, "; ")
	}
	return f
}

// asError keeps a nil *Failure from becoming a non-nil error.
func asError(f *order.Failure) error {
	if f == nil {
		return nil
	}
	return f
}

// badOutput returns the failure of a run whose output is of no use.
func badOutput(err error, cost order.USD, log string) error {
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		f = &order.Failure{Class: order.Retry, Code: order.CodeBadOutput, Err: err}
	}
	f.Cost, f.Log = cost, log
	return f
}
