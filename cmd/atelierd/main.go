// Command atelierd runs an autonomous creative agent on the Atelier
// marketplace: it takes paid orders, has the owner's generators make the work,
// delivers it once, and keeps the books in one SQLite file.
package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	_ "time/tzdata" // for machines and images without time zones

	"atelierd/internal/cli"
	"atelierd/internal/demo"
	"atelierd/internal/grammar"
	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/term"

	"github.com/alecthomas/kong"
)

func main() {
	_ = secret.HideMemory() // without it the program works as well
	// A panic, and the signal of a watchdog, end the process by a signal then. Otherwise
	// they exit with 2, which a supervisor takes for a wrong configuration.
	debug.SetTraceback("crash")
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands is the command line.
type commands struct {
	cli.Flags
	ShowVersion kong.VersionFlag `help:"Print the version." name:"version"`

	Init       cli.InitCmd       `cmd:"" help:"Write a configuration file to start from."`
	Doctor     cli.DoctorCmd     `cmd:"" help:"Check everything that a run needs, and show what is missing."`
	Run        cli.RunCmd        `cmd:"" help:"Run the agent until it is stopped."`
	Once       cli.OnceCmd       `cmd:"" help:"Do one heartbeat: poll, do the work that is due, and stop."`
	Poll       cli.PollCmd       `cmd:"" help:"Have the running daemon ask the marketplace for orders now."`
	Reload     cli.ReloadCmd     `cmd:"" help:"Have the running daemon read its configuration again."`
	Status     cli.StatusCmd     `cmd:"" help:"Show the state of everything, and what needs you."`
	Orders     cli.OrdersCmd     `cmd:"" help:"List orders, show one, approve it, retry it, or stop work on it."`
	Pause      cli.PauseCmd      `cmd:"" help:"Begin no work until resume."`
	Resume     cli.ResumeCmd     `cmd:"" help:"End a pause."`
	Console    cli.ConsoleCmd    `cmd:"" help:"Open the console, or say who may use it."`
	MCP        cli.MCPCmd        `cmd:"" name:"mcp" help:"Answer an agent that acts for you, on standard input and output."`
	Quote      cli.QuoteCmd      `cmd:"" help:"Set the price of an order that waits for one."`
	Messages   cli.MessagesCmd   `cmd:"" help:"Show the messages about an order, or write to its client."`
	Services   cli.ServicesCmd   `cmd:"" help:"Compare what you sell with what the marketplace lists, and update it there."`
	Generators cli.GeneratorsCmd `cmd:"" help:"List your generators, and the recipes for providers that come with the program."`
	Agent      cli.AgentCmd      `cmd:"" help:"Show the agent's profile at the marketplace, or update it."`
	Bounties   cli.BountiesCmd   `cmd:"" help:"List posted tasks, claim one, or withdraw a claim."`
	Earnings   cli.EarningsCmd   `cmd:"" help:"Show what was earned, what it cost, and what is not paid out."`
	Query      cli.QueryCmd      `cmd:"" help:"Run a SELECT on the views of the database."`
	Prune      cli.PruneCmd      `cmd:"" help:"Remove what is kept of ended orders for longer than the configuration says."`
	Clients    cli.ClientsCmd    `cmd:"" help:"Show who orders, pays, sends back and disputes."`
	Reconcile  cli.ReconcileCmd  `cmd:"" help:"Compare a restored data folder with the marketplace, or accept what it lacks."`
	Backup     cli.BackupCmd     `cmd:"" help:"Copy everything while the daemon works, or verify such a copy."`
	Lease      cli.LeaseCmd      `cmd:"" help:"Show which host works as the agent, or wait until none does."`
	Restore    cli.RestoreCmd    `cmd:"" help:"Restore a backup into an empty folder."`
	Notify     cli.NotifyCmd     `cmd:"" help:"Send a test message to each target of notifications."`
	Token      cli.TokenCmd      `cmd:"" help:"Launch the agent's token."`
	Worker     cli.WorkerCmd     `cmd:"" help:"Make calls that agents on other machines hand out."`
	Workers    cli.WorkersCmd    `cmd:"" help:"List the workers on other machines."`
	NATS       cli.NATSCmd       `cmd:"" name:"nats" help:"Prepare the servers that carry calls to workers."`
	Sandbox    cli.SandboxCmd    `cmd:"" help:"Run a marketplace on this machine to try things out."`
	Demo       demo.Cmd          `cmd:"" help:"Show orders from start to delivery, with a crash in the middle, in a minute."`
	Completion cli.CompletionCmd `cmd:"" help:"Print the script that completes commands in a shell."`
	Version    cli.VersionCmd    `cmd:"" help:"Print the version."`
	Help       helpCmd           `cmd:"" help:"Show the help of a command."`
	Complete   cli.CompleteCmd   `cmd:"" hidden:"" help:"Print what completes the last of the words."`
	Man        cli.ManCmd        `cmd:"" hidden:"" help:"Print the manual page."`
	Paint      demo.PaintCmd     `cmd:"" hidden:"" help:"Run as the generator of the demo: read the order on stdin, and write a picture to OUTPUT_DIR."`
}

// helpCmd shows the help of the command that it names, as the flag --help does.
type helpCmd struct {
	Command []string `arg:"" help:"The command, such as orders show." optional:""`
}

// run is the program. It never calls os.Exit, so that deferred work is done.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	exit := -1
	var help bytes.Buffer
	parser, err := kong.New(&c,
		kong.Name("atelierd"),
		kong.Description(cli.About+"\n\n"+
			"Start with "+order.Command("demo")+", which needs no configuration, or with "+order.Command("init")+"."),
		kong.Vars{"version": cli.VersionLine()},
		kong.Writers(&help, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ShortUsageOnError())
	if err != nil {
		return report(stderr, "", err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 {
		_ = cli.PrintHelp(stdout, help.String()) // nobody could be shown the failure
		return exit
	}
	if err != nil {
		return report(stderr, selected(args, err), &cli.UsageError{Err: err})
	}
	if ctx.Selected().Target == reflect.ValueOf(&c.Help).Elem() {
		return run(append(c.Help.Command, "--help"), stdin, stdout, stderr)
	}
	return report(stderr, ctx.Selected().Path(), ctx.Run(&cli.Program{
		Flags: c.Flags, Stdin: stdin, Stdout: stdout, Stderr: stderr, Getenv: os.Getenv, Grammar: grammar.New(parser), Args: args,
	}))
}

// selected returns the command that the arguments name, such as "orders show", as
// far as they could be parsed. A default command that they do not name is left out.
func selected(args []string, err error) string {
	wrong, ok := errors.AsType[*kong.ParseError](err)
	if !ok || wrong.Context.Selected() == nil {
		return ""
	}
	node := wrong.Context.Selected()
	if node.Parent.DefaultCmd == node && !slices.Contains(args, node.Name) {
		node = node.Parent
	}
	return node.Path()
}

// report prints an error of a command and returns the exit code.
func report(stderr io.Writer, command string, err error) int {
	switch {
	case err == nil, errors.Is(err, cli.ErrQuiet):
		return cli.ExitOK
	case errors.Is(err, context.Canceled):
		return cli.ExitFailure
	}
	if code, ok := errors.AsType[cli.ExitCode](err); ok {
		return int(code)
	}
	why := cli.Explain(command, err)
	term.PrintError(stderr, why.Text, why.Hint)
	return why.Code
}
