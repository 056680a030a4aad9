package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// wished are the orders that clients place while the demo is kept: the owner looks at their
// pictures first.
var wished = []sandbox.NewOrder{
	{ServiceTitle: titleSketch, Brief: "A lighthouse in the fog, seen from a small boat"},
	{ServiceTitle: titleSketch, Brief: "Cover for a book of short stories: rain on a tram window"},
}

// question is what a client asks who then waits for the owner.
const question = "Thank you! Could I print this on a large poster?"

// keep runs the daemon again with the orders of the demo, and the console next to it, until
// stopped ends.
func (d *demo) keep(stopped context.Context, p *cli.Program) error {
	if err := d.folder.keep(d.market.address); err != nil {
		return err
	}
	if err := d.start("starts again, with the console"); err != nil {
		return err
	}
	for _, o := range wished {
		if _, err := d.market.PlaceOrder(o); err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
	}
	if err := d.market.ClientMessage(d.clients.disputed, question); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	if err := d.untilReviewed(stopped); err != nil {
		return err
	}
	text, err := d.consoleLink()
	if err != nil {
		return err
	}
	g := p.Page()
	g.Heading("the console")
	g.Linef("%s", term.Text(text))
	g.Linef("")
	g.Note("", fmt.Sprintf("Two pictures wait for your approval, and a client waits for an answer. The marketplace is at http://%s. "+
		"%s in the folder makes another link. Ctrl-c stops everything.", d.market.address, order.Command("console")))
	if err := g.Print(d.screen.out); err != nil {
		return err
	}
	select {
	case <-stopped.Done():
		return nil
	case <-d.daemon.ended:
		return fmt.Errorf("the daemon ended unexpectedly: %s", d.daemon.state())
	case err := <-d.market.ended:
		return fmt.Errorf("the marketplace ended unexpectedly: %w", err)
	}
}

// untilReviewed waits until what was wished for waits for the owner.
func (d *demo) untilReviewed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.Limit)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		held, err := d.held(ctx)
		if err == nil && held >= len(wished) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the pictures were not made in %s", d.Limit)
		case <-d.daemon.ended:
			return fmt.Errorf("the daemon ended unexpectedly: %s", d.daemon.state())
		case <-tick.C:
		}
	}
}

// held returns how many orders wait for the owner.
func (d *demo) held(ctx context.Context) (int, error) {
	st, err := store.OpenReader(d.folder.data())
	if err != nil {
		return 0, err
	}
	defer st.Close()
	list, err := st.Orders(ctx, string(order.StateHeld), len(wished))
	return len(list), err
}

// consoleLink returns what the command prints that makes a link.
func (d *demo) consoleLink() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(program, "console", "--print", "--as", "demo", "--config", d.folder.config())
	var problem strings.Builder
	cmd.Stderr = &problem
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("no link to the console: %s", strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(string(text)), nil
}

// keep writes a configuration with a console, in which the owner looks at sketches before
// they are delivered.
func (f folder) keep(address string) error {
	text := strings.ReplaceAll(configText(address), "generator = \"script\"\n", "generator = \"script\"\nmode = \"review\"\n")
	return os.WriteFile(f.config(), []byte(text+"\n[console]\nlisten = \"127.0.0.1:0\"\n"), 0o600)
}
