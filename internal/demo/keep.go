package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"atelierd/internal/cli"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
	"atelierd/internal/store"
	"atelierd/internal/term"
)

// wished are the orders that clients place while the demo is kept: the owner looks at their
// pictures, or names a price, first.
var wished = []sandbox.NewOrder{
	{ServiceTitle: titleSketch, Brief: "Dahlias for the cover of a tea menu, in deep blue and gold", ClientWallet: regulars[0]},
	{ServiceTitle: titleExpress, Brief: "A Bauhaus poster for a jazz evening in a small street café. Shapes only, no text, please.", ClientWallet: regulars[1]},
	{ServiceTitle: titleCommission, Brief: "A map of an island that does not exist, as large as the wall above our sofa", Status: "pending_quote", ClientWallet: regulars[2]},
}

// large are orders whose pictures take long, so that there is something to watch.
var large = []sandbox.NewOrder{
	{ServiceTitle: titlePrint, Brief: "The first snow on the mountains behind our house, at dawn", ClientWallet: regulars[3]},
	{ServiceTitle: titlePrint, Brief: "A rose garden in July, painted for a wedding", ClientWallet: regulars[0]},
}

// tasks are bounties that anybody may claim.
var tasks = []sandbox.NewBounty{
	{Title: "Cover for a podcast about trees", Brief: "One square picture in greens. It has to work when it is as small as a stamp.", BudgetUSD: "20.00", DeadlineHours: 48},
	{Title: "Four cards for the seasons", Brief: "Spring, summer, autumn and winter in one style, for a calendar that I give to my family.", BudgetUSD: "35.00", DeadlineHours: 96},
	{Title: "Tiles for a hotel lobby", Brief: "A geometric pattern in terracotta and blue that repeats in both directions.", BudgetUSD: "60.00", DeadlineHours: 72},
}

const (
	// question is what a client asks who then waits for the owner.
	question = "Thank you! Could I print this on a large poster?"
	// objection is why another sends a picture back. The new one waits for the owner.
	objection = "Lovely! Could it be dusk instead, with a violet sky?"
)

// keep runs the daemon again with the orders of the demo, and the console next to it, until
// stopped ends.
func (d *demo) keep(stopped context.Context, p *cli.Program) error {
	if err := d.folder.keep(d.listen); err != nil {
		return err
	}
	if err := d.placePast(); err != nil {
		return err
	}
	if err := d.start("starts again, with the console"); err != nil {
		return err
	}
	if err := d.haveClientsAct(stopped); err != nil {
		return err
	}
	if err := d.showLink(p); err != nil {
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

// haveClientsAct leaves something to do on each page of the console.
func (d *demo) haveClientsAct(ctx context.Context) error {
	for _, t := range tasks {
		if _, err := d.market.PostBounty(t); err != nil {
			return fmt.Errorf("post a bounty: %w", err)
		}
	}
	for _, o := range wished {
		if _, err := d.market.PlaceOrder(o); err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
	}
	if err := d.judge(); err != nil {
		return err
	}
	if err := d.untilReviewed(ctx); err != nil {
		return err
	}
	if err := d.untilListed(ctx); err != nil {
		return err
	}
	for _, o := range large {
		if _, err := d.market.PlaceOrder(o); err != nil {
			return fmt.Errorf("place an order: %w", err)
		}
	}
	return d.failPayout(ctx)
}

// judge has clients ask about one picture, send another one back, and approve some.
func (d *demo) judge() error {
	if err := d.market.ClientMessage(d.clients.disputed, question); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	for i, p := range d.clients.placed[1:] {
		var err error
		switch {
		case p.id == d.clients.disputed:
		case i == 1:
			err = d.market.Dispute(p.id, objection)
		case i%2 == 0:
			err = d.market.Approve(p.id)
		}
		if err != nil {
			return fmt.Errorf("order %d: %w", p.no, err)
		}
	}
	return nil
}

// showLink prints a link to the console.
func (d *demo) showLink(p *cli.Program) error {
	link, err := d.consoleLink()
	if err != nil {
		return err
	}
	g := p.Page()
	g.Heading("the console")
	g.Linef("%s", term.Sanitize(link))
	g.Linef("")
	g.Note("", fmt.Sprintf("The link logs in once, within five minutes. Pictures wait for your approval, and clients for a price and an answer. "+
		"The marketplace is at http://%s. %s in the folder makes another link. Ctrl-c stops everything.", d.market.address, order.Command("console")))
	return g.Print(d.screen.out)
}

// untilReviewed waits until what was wished for, and what was sent back, waits for the owner.
func (d *demo) untilReviewed(ctx context.Context) error {
	return d.untilHolds(ctx, "the pictures were not made", func(ctx context.Context, st *store.Store) (bool, error) {
		list, err := st.Orders(ctx, string(order.StateHeld), len(wished)+1)
		return len(list) > len(wished), err
	})
}

// untilListed waits until the marketplace has the service that only a kept demo sells.
func (d *demo) untilListed(ctx context.Context) error {
	return d.untilHolds(ctx, "the service "+titlePrint+" was not listed", func(context.Context, *store.Store) (bool, error) {
		return slices.ContainsFunc(d.market.Services(), func(s sandbox.Service) bool { return s.Title == titlePrint }), nil
	})
}

// untilHolds waits until the daemon's database is as wanted.
func (d *demo) untilHolds(ctx context.Context, problem string, wanted func(context.Context, *store.Store) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, d.Limit)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if st, err := store.OpenReader(d.folder.data()); err == nil {
			done, err := wanted(ctx, st)
			_ = st.Close() // it has only read
			if err == nil && done {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s in %s", problem, d.Limit)
		case <-d.daemon.ended:
			return fmt.Errorf("the daemon ended unexpectedly: %s", d.daemon.state())
		case <-tick.C:
		}
	}
}

// failPayout has a client approve a picture while payouts fail. It works when the owner asks
// for it again.
func (d *demo) failPayout(ctx context.Context) error {
	id := d.clients.placed[len(d.clients.placed)-2].id
	d.market.SetPayoutsFail(true)
	err := d.market.Approve(id)
	d.market.SetPayoutsFail(false)
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	return d.untilHolds(ctx, "no failed payout was reported", func(ctx context.Context, st *store.Store) (bool, error) {
		p, err := st.Payouts(ctx, 1)
		return len(p.Orders) > 0 && p.Orders[0].Failed != "", err
	})
}

// consoleLink returns a link that logs in.
func (d *demo) consoleLink() (string, error) {
	text, err := d.command("console", "--print", "--json", "--as", "demo")
	if err != nil {
		return "", fmt.Errorf("no link to the console: %w", err)
	}
	var answer struct{ URL string }
	err = json.Unmarshal(text, &answer)
	return answer.URL, err
}

// command runs a command of this program on the folder of the demo.
func (d *demo) command(args ...string) ([]byte, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, append(args, "--config", d.folder.config())...)
	var problem strings.Builder
	cmd.Stderr = &problem
	text, err := cmd.Output()
	if err != nil {
		return nil, errors.New(cmp.Or(strings.TrimSpace(problem.String()), err.Error()))
	}
	return text, nil
}

// titlePrint is sold only while the demo is kept.
const titlePrint = "Large Print"

// keep writes the configuration of a kept demo. The owner looks at sketches before they are
// delivered and names the price of commissions, one price has changed since it was listed,
// and large prints take long.
func (f folder) keep(a addresses) error {
	const slowly = "#!/bin/sh\n# A generator that takes about as long as a large model.\nset -eu\nsleep 20\nexec ./paint-it\n"
	if err := os.WriteFile(filepath.Join(f.path, "paint-large"), []byte(slowly), 0o700); err != nil {
		return err
	}
	text := strings.NewReplacer(
		"generator = \"script\"\n", "generator = \"script\"\nmode = \"review\"\n",
		"quote = {price_usd = \""+quote+"\"}\n", "",
		"price_usd = \"7.50\"", "price_usd = \"9.00\"",
	).Replace(configText(a))
	return os.WriteFile(f.config(), []byte(text+`
[generator.large]
type = "exec"
command = ["./paint-large"]
timeout = "2m"
cost_usd = "0.12"

[[service]]
title = "`+titlePrint+`"
description = "A picture in twice the detail, for a wall. It takes the machine a while."
category = "image_gen"
price_usd = "40.00"
turnaround_hours = 12
deliverables = ["1 PNG image"]
generator = "large"
`), 0o600)
}
