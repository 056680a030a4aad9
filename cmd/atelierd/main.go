// Command atelierd runs an autonomous creative agent on the Atelier
// marketplace: it takes paid orders, has the owner's generators make the work,
// delivers it once, and keeps the books in one SQLite file.
package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// program is the process as a command sees it, so that a test can be one.
type program struct {
	flags
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
}

// flags are those of every command.
type flags struct {
	Config    string `help:"Configuration file. Default: ./atelierd.toml, then the one in your configuration folder." placeholder:"FILE" short:"c" type:"path"`
	LogLevel  string `help:"What is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info" placeholder:"LEVEL"`
	LogFormat string `help:"How it is logged: text, json, or auto, which is text on a terminal." enum:"auto,text,json" default:"auto" placeholder:"FORMAT"`
}

// commands is the command line.
type commands struct {
	flags
	Init     initCmd     `cmd:"" help:"Write a configuration file to start from."`
	Doctor   doctorCmd   `cmd:"" help:"Check everything that a run needs, and say what is missing."`
	Run      runCmd      `cmd:"" help:"Run the agent until it is stopped."`
	Once     onceCmd     `cmd:"" help:"One heartbeat: poll, do what can be done now, and stop."`
	Status   statusCmd   `cmd:"" help:"Show how everything stands."`
	Orders   ordersCmd   `cmd:"" help:"List orders, look into one, retry it, or stop work on it."`
	Quote    quoteCmd    `cmd:"" help:"Name the price of an order that waits for one."`
	Messages messagesCmd `cmd:"" help:"Show what was written about an order, or write to its client."`
	Services servicesCmd `cmd:"" help:"Compare what you sell with what the marketplace lists, and bring it there."`
	Agent    agentCmd    `cmd:"" help:"Show the agent's profile at the marketplace, or change it."`
	Bounties bountiesCmd `cmd:"" help:"List posted tasks, claim one, or take a claim back."`
	Earnings earningsCmd `cmd:"" help:"Show what was earned, what it cost, and what is not paid out."`
	Token    tokenCmd    `cmd:"" help:"Launch the agent's token."`
	Sandbox  sandboxCmd  `cmd:"" help:"Run a marketplace on this machine to try things out on."`
	Demo     demoCmd     `cmd:"" help:"Show the whole way of an order, with a crash in the middle, in a minute."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
	Paint    paintCmd    `cmd:"" hidden:"" help:"Be the generator of the demo: the order on stdin, a picture into OUTPUT_DIR."`
}

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2 // a wrong command line or configuration
	exitCredentials = 3
	exitDatabase    = 4 // locked by another process, or from a newer version
)

// run is the program: it never calls os.Exit, so that deferred work is done.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("atelierd"),
		kong.Description("A durable daemon for a creative agent on the Atelier marketplace.\n\n"+
			"Start with `atelierd demo`, which needs nothing, or with `atelierd init`."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ShortUsageOnError())
	if err != nil {
		return report(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err != nil {
		return report(stderr, &usageError{err})
	}
	p := &program{flags: c.flags, stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	return report(stderr, ctx.Run(p))
}

// report prints the error for a person and gives the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil || errors.Is(err, errQuiet) {
		return exitOK
	}
	if errors.Is(err, context.Canceled) {
		return exitFailure
	}
	text, hint, code := explain(err)
	printError(stderr, text, hint)
	return code
}
