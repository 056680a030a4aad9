package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"atelierd/internal/browser"
	"atelierd/internal/console/access"
	"atelierd/internal/control"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// ConsoleCmd is the group of commands about the console.
type ConsoleCmd struct {
	Login ConsoleLoginCmd `cmd:"" default:"withargs" help:"Print a link that logs in to the console once, and open it."`
	Users ConsoleUsersCmd `cmd:"" help:"List who may use the console, add or remove a user."`
	Token ConsoleTokenCmd `cmd:"" help:"List the agents that act for you, give one a token, or take it back."`
}

// ConsoleLoginCmd prints a link that logs in.
type ConsoleLoginCmd struct {
	Print bool   `help:"Only print the link."`
	As    string `help:"Whom the link logs in. Default: your name on this machine." placeholder:"NAME"`
	Output
}

// Help explains the command.
func (ConsoleLoginCmd) Help() string {
	return `The link comes from the running daemon. It lasts five minutes, opens a page with one
button, and logs in once. The console is off until [console] listen is set in the
configuration.`
}

// Run runs the command.
func (c ConsoleLoginCmd) Run(p *Program) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	name := cmp.Or(c.As, ownName())
	if err := access.CheckName(name); err != nil {
		return &UsageError{fmt.Errorf("--as: %w", err)}
	}
	link, err := consoleLink(context.Background(), cfg.DataDir, name)
	if err != nil {
		return err
	}
	if err := c.print(p, link, func(g *term.Page) {
		g.Linef("%s", link.URL)
		g.Note("", fmt.Sprintf("logs %s in once, until %s", name, link.Expires.Local().Format(time.TimeOnly)))
	}); err != nil || c.Print || c.JSON {
		return err
	}
	return openLink(cfg.DataDir, link.URL)
}

// linkFile is a page in the data folder that leads to the last link. Browsers are started
// with its name, because each user of a machine can read the arguments of all programs.
const linkFile = "console-login.html"

// openLink opens a link in the browser, if there is one.
func openLink(dir, link string) error {
	path, err := filepath.Abs(filepath.Join(dir, linkFile))
	if err != nil {
		return err
	}
	page := `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">` +
		`<meta http-equiv="refresh" content="0; url=` + html.EscapeString(link) + `"><title>Log in</title>` + "\n"
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		return err
	}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	opened, err := browser.Open(address.String(), os.Environ())
	if err != nil {
		return Hintf(fmt.Errorf("the browser was not opened: %w", err), "open the link above yourself, or correct $BROWSER")
	}
	if !opened {
		return os.Remove(path)
	}
	return nil
}

// consoleLink asks the running daemon for a link that logs name in.
func consoleLink(ctx context.Context, dir, name string) (control.ConsoleLink, error) {
	client, ok := daemonOf(dir)
	if !ok {
		return control.ConsoleLink{}, Hintf(errors.New("no daemon is running"), "%s starts one, which serves the console", order.Command("run"))
	}
	link, err := client.ConsoleLink(ctx, name)
	if err == nil && link.Error != "" {
		err = &HintError{Err: errors.New(link.Error), Hint: link.Hint}
	}
	return link, err
}

// ownName returns the name of the user of this process as far as the console takes it.
func ownName() string {
	if u, err := user.Current(); err == nil && access.CheckName(u.Username) == nil {
		return u.Username
	}
	return "owner"
}
