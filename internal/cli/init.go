package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// InitCmd writes a configuration file to start from.
type InitCmd struct {
	Name        string `help:"Name of the agent, which clients see." placeholder:"NAME"`
	EndpointURL string `help:"Web address of the agent, where the marketplace sends its webhooks." name:"endpoint-url" placeholder:"URL"`
	Wallet      string `help:"Solana address that receives the earnings." placeholder:"ADDRESS"`
	Generator   string `help:"What makes the work: canvas, program, openai or gemini." placeholder:"NAME"`
	Command     string `help:"With --generator program: the program and its arguments." placeholder:"COMMAND"`
	Price       string `help:"Price of one picture in US dollars." placeholder:"USD"`
	Sandbox     bool   `help:"Write the configuration for a sandbox, and ask nothing."`
	Market      string `help:"With --sandbox: the address on which the sandbox listens." default:"127.0.0.1:8390" placeholder:"ADDR"`
	Yes         bool   `help:"Ask nothing: what no flag says stays as in the example."`
}

// Help explains the command.
func (InitCmd) Help() string {
	return `Writes atelierd.toml, or the file named by --config, with an explanation of every
key. On a terminal it asks for what no flag says, and checks each answer. Elsewhere, and
with --yes, it asks nothing. What is not said stays as in the example, which works with
the built-in canvas generator, but names nobody who could be paid.

With --sandbox the file is for "atelierd sandbox", a marketplace on this machine, and
needs no change. An existing file is left alone.`
}

// Run runs the command.
func (c InitCmd) Run(p *Program) error {
	path := p.configPath()
	if path == "" {
		path = config.FileName
	}
	if _, err := os.Lstat(path); err == nil {
		return existsAlready(path)
	}
	more := "" // what the next commands need to find the file
	if p.Config != "" {
		more = " --config " + path
	}
	text, next := config.Sandbox(c.Market, config.SandboxWindow), nextInSandbox
	if !c.Sandbox {
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return err
		}
		start, err := c.start(p, dir)
		if err != nil {
			return err
		}
		text, next = start.Text(), nextSteps
		if start.Name == "" {
			next = nextUnanswered
		}
	}
	if err := writeNew(path, text); err != nil {
		return err
	}
	g := p.Page()
	g.Linef("wrote %s", term.Sanitize(path))
	next(g, more)
	return g.Print(p.Stdout)
}

// existsAlready is the error for a file that is not overwritten.
func existsAlready(path string) error {
	return &HintError{
		Err:  fmt.Errorf("%s exists and was left alone", path),
		Hint: "edit it, or name another file with --config", Code: ExitUsage,
	}
}

// writeNew writes a file that must not exist yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return existsAlready(path)
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// start returns what the flags and the owner at the terminal say.
func (c InitCmd) start(p *Program, dir string) (config.Start, error) {
	a := &answers{p: p, dir: dir, start: config.Start{
		Name: c.Name, EndpointURL: c.EndpointURL, PayoutWallet: c.Wallet,
		Generator: c.Generator, Command: strings.Fields(c.Command), PriceUSD: c.Price,
	}}
	for _, q := range questions() {
		if said := q.value(&a.start); said != "" {
			if wrong := a.wrong(q); wrong != "" {
				return a.start, &UsageError{fmt.Errorf("--%s: %s", q.flag, wrong)}
			}
		}
	}
	if c.Yes || !term.IsTerminal(p.Stdout) || !term.IsTerminal(p.Stdin) {
		return a.start, nil
	}
	return a.start, a.ask()
}

// wrong returns what is wrong with the answer to a question, or "".
func (a *answers) wrong(q question) string {
	if wrong := wrongGenerator(a.start); q.flag == "generator" || wrong != "" {
		return wrong
	}
	cfg, problems := config.Check(a.start.Text(), a.dir)
	for _, problem := range problems {
		if strings.HasSuffix(problem.Key, q.key) {
			return problem.Text
		}
	}
	if cfg == nil {
		return "it has a character that cannot be written to the file"
	}
	for _, problem := range enroll.CheckAgent(app.ConfiguredProfile(cfg), cfg.Local) {
		if problem.Key == q.key {
			return problem.Text
		}
	}
	if q.flag == "command" && len(problems) == 0 {
		return wrongProgram(a.p, cfg)
	}
	return ""
}

// nextSteps prints what to do with a file whose questions were answered.
func nextSteps(g *term.Page, more string) {
	g.Heading("next")
	g.Note("  ", order.Command("doctor"+more)+" checks it and shows what is missing")
	g.Note("  ", order.Command("run"+more)+" registers the agent, lists its service and starts work")
	g.Linef("")
	g.Note("", "The file explains every key. Clients read the two descriptions in it, so put them in your own words first.")
	tryFirst(g)
}

// nextUnanswered prints what to do with a file that still has the values of the example.
func nextUnanswered(g *term.Page, more string) {
	g.Heading("next")
	g.Note("  ", "1. edit it: the agent's name, endpoint_url and wallets, its services and generators")
	g.Note("  ", "2. "+order.Command("doctor"+more)+" checks it and shows what is missing")
	g.Note("  ", "3. "+order.Command("run"+more)+" registers the agent, lists its services and starts work")
	tryFirst(g)
}

func tryFirst(g *term.Page) {
	g.Linef("")
	g.Note("", "To try everything without an account first: "+order.Command("init --sandbox --config sandbox.toml"))
}

// nextInSandbox prints how to try a file for a sandbox.
func nextInSandbox(g *term.Page, more string) {
	g.Heading("next")
	g.Note("  ", order.Command("sandbox")+" in another terminal is the marketplace; it shows how to order there")
	g.Note("  ", order.Command("run"+more)+" registers the agent there, lists its service and waits for orders")
}
