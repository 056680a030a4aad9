package cli

import (
	"errors"

	"atelierd/internal/control"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// ReloadCmd has the running daemon read its configuration again.
type ReloadCmd struct {
	Output
}

// Help explains the command.
func (ReloadCmd) Help() string {
	return `The daemon checks the whole file first. If it has a mistake, or changes what needs a
restart, such as data_dir or a listen address, the old configuration stays in use and
the problems are printed. Work that runs keeps the configuration it began with. SIGHUP
does the same.`
}

// Run runs the command.
func (c ReloadCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err // the daemon could not read it either
	}
	client, ok := daemonOf(cfg.DataDir)
	if !ok {
		return Hintf(errors.New("no daemon is running"), "%s starts one, and reads the configuration", order.Command("run"))
	}
	ctx, stop := untilStopped()
	defer stop()
	r, err := client.Reload(ctx)
	if errors.Is(err, control.ErrNoDaemon) {
		err = Hintf(err, "it may be starting, or be a heartbeat of %s; %s shows what runs", order.Command("once"), order.Command("status"))
	}
	if err != nil {
		return err
	}
	if r.Error != "" && !c.JSON {
		return &HintError{Err: errors.New(r.Error), Hint: r.Hint, Code: ExitUsage}
	}
	if err := c.print(p, r, func(g *term.Page) { g.Linef("the daemon uses %s as it is now", r.Path) }); err != nil {
		return err
	}
	if r.Error != "" {
		return ExitCode(ExitUsage)
	}
	return nil
}
