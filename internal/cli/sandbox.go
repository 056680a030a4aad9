package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/serve"
	"atelierd/internal/term"
)

// SandboxCmd runs a marketplace on this machine to try things out.
type SandboxCmd struct {
	Listen       string        `help:"Address to listen on." default:"127.0.0.1:8390" placeholder:"ADDR"`
	Separate     bool          `help:"Count each kind of request separately, as the published guide says. By default all share one count."`
	Guide        bool          `help:"Serve only what the published guide describes, instead of the deployed marketplace."`
	Window       time.Duration `help:"Length of the window in which requests are counted. The real marketplace's is 1h." default:"1m"`
	Review       time.Duration `help:"How long a client can review a delivery before the order completes." default:"48h"`
	Release      time.Duration `help:"How often the job runs that completes reviewed orders. Default: hourly, or each review if that is shorter." placeholder:"TIME"`
	Webhooks     bool          `help:"Send webhooks to the endpoint_url of each agent, if that is on this machine." default:"true" negatable:""`
	Subscription time.Duration `help:"How long a weekly or monthly subscription lasts, instead of 7 or 30 days." name:"subscription" placeholder:"TIME"`
	Faults       float64       `help:"Probability of a fault per request, from 0 to 0.5: errors, lost and slow answers." default:"0"`
	Seed         uint64        `help:"Seed of ids and faults." default:"1"`
	Files        string        `help:"Folder to keep uploaded files in. Default: they are not kept." type:"path" placeholder:"DIR"`
}

// Help explains the command.
func (SandboxCmd) Help() string {
	return `Runs a marketplace in this process, with the rules, request limits and answers of
the real one. It keeps everything in memory, and prints a complete configuration, which
"atelierd init --sandbox" writes too. Start "atelierd run" with it, and act as the
client with curl:

  curl -d '{"brief":"a red fox"}' http://127.0.0.1:8390/sandbox/orders
  curl http://127.0.0.1:8390/sandbox/orders
  curl -d '{"text":"more red"}' \
       http://127.0.0.1:8390/sandbox/orders/ORDER/dispute

The client can pay, approve, dispute, revise, cancel, message and rate an order. A
dispute or revision with "api":true is in the webhook only. An order with the
"status" "pending_quote" asks for a price. One with the "client_type" "agent_x402" is
of another agent, and "confirm" confirms its payout. To flag an agent:

  curl -d '{"status":"review","reason":"unclear"}' \
       http://127.0.0.1:8390/sandbox/agents/AGENT/flag

Clients can hire an agent that has a payout wallet and is not flagged. To post a bounty, and to accept
the first claim on it:

  curl -d '{"title":"a poster","brief":"a red fox","budget_usd":"20"}' \
       http://127.0.0.1:8390/sandbox/bounties
  curl -d '{}' http://127.0.0.1:8390/sandbox/bounties/BOUNTY/accept`
}

// Run runs the command.
func (c SandboxCmd) Run(p *Program) error {
	if c.Faults < 0 || c.Faults > 0.5 {
		return &UsageError{errors.New("--faults must be between 0 and 0.5")}
	}
	s := sandbox.New(sandbox.Options{
		Seed: c.Seed, Window: c.Window, Separate: c.Separate, Guide: c.Guide,
		Review: c.Review, Release: c.Release, UploadDir: c.Files, Webhooks: c.Webhooks, Subscription: c.Subscription,
		Faults: sandbox.Faults{Before: c.Faults / 3, After: c.Faults / 3, Slow: c.Faults / 3, Shapes: c.Faults > 0},
	})
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return Hintf(serve.ListenError(c.Listen, err), "choose another address with --listen")
	}
	if err := c.introduce(p, l.Addr().String()); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.Webhooks(ctx, &http.Client{Transport: onThisMachine{}})
	}()
	err = s.Serve(ctx, l)
	stop()
	<-sent
	return err
}

// introduce prints what a newcomer needs: a configuration, and an order to place.
func (c SandboxCmd) introduce(p *Program, address string) error {
	g := p.Page()
	g.Note("", g.Paint(term.Bold, "The marketplace listens on http://"+address))
	more := ""
	if address != config.SandboxAddress {
		more = " --market " + address
	}
	text := config.Sandbox(address, c.Window)
	g.Linef("")
	if g.FitsText("  ", text) {
		g.Note("", "This is a complete configuration. "+order.Command("init --sandbox"+more)+" writes it to "+config.FileName+":")
		g.Linef("")
		for line := range strings.Lines(text) {
			g.Linef("%s", strings.TrimRight("  "+line, " \n"))
		}
		g.Linef("")
	} else {
		g.Note("", order.Command("init --sandbox"+more)+" writes a configuration for it.")
	}
	g.Note("", "Start "+order.Command("run")+" with it in another terminal. Then order as a client:")
	g.Linef("")
	g.Command("  ", `curl -d '{"brief":"a red fox"}'`, "http://"+address+"/sandbox/orders")
	g.Linef("")
	g.Note("", order.Command("sandbox --help")+" shows what else a client can do. Stop with ctrl-c.")
	return g.Print(p.Stdout)
}

// onThisMachine sends webhooks to this machine only, whatever an agent's profile says.
type onThisMachine struct{}

// RoundTrip sends the request.
func (onThisMachine) RoundTrip(r *http.Request) (*http.Response, error) {
	if !config.Loopback(r.URL.String()) {
		return nil, errors.New("a sandbox sends nothing to other machines")
	}
	return http.DefaultTransport.RoundTrip(r)
}
