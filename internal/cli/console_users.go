package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// ConsoleUsersCmd is the group of commands about who may use the console.
type ConsoleUsersCmd struct {
	List   ConsoleUsersListCmd   `cmd:"" default:"withargs" help:"List the users."`
	Add    ConsoleUsersAddCmd    `cmd:"" help:"Add a user, or give one another password."`
	Remove ConsoleUsersRemoveCmd `cmd:"" help:"Remove a user and end the sessions of that name."`
}

// withAccess runs a command on the database of the console.
func (p *Program) withAccess(do func(context.Context, *config.Config, *access.Access) error) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	ctx := context.Background()
	a, err := access.Open(ctx, cfg.DataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return Hintf(fmt.Errorf("there is no data folder %s yet", cfg.DataDir), "%s makes it", order.Command("run"))
	}
	if err != nil {
		return err
	}
	defer a.Close()
	return do(ctx, cfg, a)
}

// consoleUser is a user as the commands show one.
type consoleUser struct {
	Name     string      `json:"name"`
	Role     access.Role `json:"role"`
	Password bool        `json:"password"`
	Added    time.Time   `json:"added_at"`
}

// ConsoleUsersListCmd lists the users.
type ConsoleUsersListCmd struct{ Output }

// Run runs the command.
func (c ConsoleUsersListCmd) Run(p *Program) error {
	return p.withAccess(func(ctx context.Context, _ *config.Config, a *access.Access) error {
		users, err := a.Users(ctx)
		if err != nil {
			return err
		}
		list := make([]consoleUser, len(users))
		for i, u := range users {
			list[i] = consoleUser{u.Name, u.Role, u.Password, u.Added}
		}
		return c.print(p, list, func(g *term.Page) { showUsers(g, list) })
	})
}

func showUsers(g *term.Page, list []consoleUser) {
	if len(list) == 0 {
		g.Linef("no users; whoever can run %s on this machine is an owner", order.Command("console"))
		return
	}
	rows := [][]term.Cell{term.Headings("name", "may", "logs in by", "added")}
	for _, u := range list {
		may := map[access.Role]string{access.Owner: "everything", access.Reader: "look"}[u.Role]
		by := "links"
		if u.Password {
			by = "password or links"
		}
		rows = append(rows, []term.Cell{term.Plain(u.Name), term.Plain(may), term.Plain(by), term.Plain(u.Added.Local().Format(time.DateOnly))})
	}
	g.Table("", rows)
}

// ConsoleUsersAddCmd adds a user.
type ConsoleUsersAddCmd struct {
	Name         string `arg:"" help:"The name, one word."`
	ReadOnly     bool   `help:"The user may look at everything and change nothing."`
	PasswordFile string `help:"File whose first line is the password. Without it a terminal asks." placeholder:"FILE" type:"path"`
}

// Help explains the command.
func (ConsoleUsersAddCmd) Help() string {
	return `A terminal asks for a password of 12 characters at least. Without a password the user
logs in by the links of "atelierd console --as NAME" only. To add a user again sets
another password and role, and ends the sessions of that name.`
}

// Run runs the command.
func (c ConsoleUsersAddCmd) Run(p *Program) error {
	if err := access.CheckName(c.Name); err != nil {
		return &UsageError{err}
	}
	return p.withAccess(func(ctx context.Context, _ *config.Config, a *access.Access) error {
		password, err := c.password(p)
		if err != nil {
			return err
		}
		role := access.Owner
		if c.ReadOnly {
			role = access.Reader
		}
		if err := a.PutUser(ctx, c.Name, password, role); err != nil {
			return err
		}
		by := "; logs in with the password or a link"
		if password == "" {
			by = "; logs in by a link of " + order.Command("console --as "+c.Name)
		}
		return p.say("added %s, who may %s%s", c.Name, map[access.Role]string{access.Owner: "do everything", access.Reader: "look at everything"}[role], by)
	})
}

// password returns the password of the file, or that which is typed, or "".
func (c ConsoleUsersAddCmd) password(p *Program) (string, error) {
	if c.PasswordFile != "" {
		data, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", err
		}
		line, _, _ := strings.Cut(string(data), "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			return "", &UsageError{fmt.Errorf("the first line of %s is empty", c.PasswordFile)}
		}
		return line, wrongPassword(line)
	}
	if !term.IsTerminal(p.Stdin) {
		return "", nil
	}
	first, err := term.ReadSecret(p.Stdin, p.Stderr, "Password, or nothing for links only: ")
	if err != nil || first == "" {
		return "", err
	}
	if err := wrongPassword(first); err != nil {
		return "", err
	}
	again, err := term.ReadSecret(p.Stdin, p.Stderr, "The same again: ")
	if err == nil && again != first {
		err = errors.New("the two passwords differ; nothing was changed")
	}
	return first, err
}

func wrongPassword(password string) error {
	if err := access.CheckPassword(password); err != nil {
		return &UsageError{err}
	}
	return nil
}

// ConsoleUsersRemoveCmd removes a user.
type ConsoleUsersRemoveCmd struct {
	Name string `arg:"" help:"The name."`
}

// Run runs the command.
func (c ConsoleUsersRemoveCmd) Run(p *Program) error {
	return p.removeAccess(c.Name, "console users", "removed %s; all sessions and links of that name have ended", (*access.Access).RemoveUser)
}

// removeAccess removes who has a name, and says that it is done. list is the command that
// shows all.
func (p *Program) removeAccess(name, list, done string, remove func(*access.Access, context.Context, string) error) error {
	return p.withAccess(func(ctx context.Context, _ *config.Config, a *access.Access) error {
		err := remove(a, ctx, name)
		if errors.Is(err, access.ErrUnknown) {
			return Hintf(err, "%s shows all", order.Command(list))
		}
		if err != nil {
			return err
		}
		return p.say(done, name)
	})
}
