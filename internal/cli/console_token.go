package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// ConsoleTokenCmd is the group of commands about agents that act for the owner.
type ConsoleTokenCmd struct {
	List   ConsoleTokenListCmd   `cmd:"" default:"withargs" help:"List the agents, and what they may change."`
	Add    ConsoleTokenAddCmd    `cmd:"" help:"Make a token for an agent and print it once."`
	Remove ConsoleTokenRemoveCmd `cmd:"" help:"Take a token back."`
}

// consoleAgent is an agent as the commands show one.
type consoleAgent struct {
	Name  string    `json:"name"`
	Allow []string  `json:"allow"`
	Added time.Time `json:"added_at"`
	Used  time.Time `json:"used_at,omitzero"`
	Token string    `json:"token,omitempty"` // only when it is new
}

// ConsoleTokenListCmd lists the agents.
type ConsoleTokenListCmd struct{ Output }

// Run runs the command.
func (c ConsoleTokenListCmd) Run(p *Program) error {
	return p.withAccess(func(ctx context.Context, cfg *config.Config, a *access.Access) error {
		agents, err := a.Tokens(ctx)
		if err != nil {
			return err
		}
		list := make([]consoleAgent, len(agents))
		for i, each := range agents {
			list[i] = consoleAgent{Name: each.Name, Allow: append([]string{}, each.Allow...), Added: each.Added}
			if each.Used.After(each.Added) {
				list[i].Used = each.Used
			}
		}
		return c.print(p, list, func(g *term.Page) { showAgents(g, list, cfg.MCP.Allow) })
	})
}

func showAgents(g *term.Page, list []consoleAgent, allowed []string) {
	if len(list) == 0 {
		g.Linef("no agent has a token; %s makes one", order.Command("console token add NAME"))
		return
	}
	rows := [][]term.Cell{term.Headings("name", "may change by", "added", "last used")}
	for _, each := range list {
		used, may := "never", "nothing"
		if !each.Used.IsZero() {
			used = each.Used.Local().Format(time.DateOnly)
		}
		if now := intersect(each.Allow, allowed); len(now) > 0 {
			may = strings.Join(now, ", ")
		}
		rows = append(rows, []term.Cell{term.Plain(each.Name), term.Plain(may), term.Plain(each.Added.Local().Format(time.DateOnly)), term.Plain(used)})
	}
	g.Table("", rows)
}

// intersect returns those of list that are allowed.
func intersect(list, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !slices.Contains(allowed, name) })
}

// ConsoleTokenAddCmd makes a token.
type ConsoleTokenAddCmd struct {
	Name  string   `arg:"" help:"The name of the agent, one word. It stands in the timeline of what the agent does."`
	Allow []string `help:"What the agent may change, as far as [mcp] allow has it: approve, redo, reply, quote, retry, cancel, pause, resume. Default: nothing." placeholder:"TOOL,..." sep:","`
	Output
}

// Run runs the command.
func (c ConsoleTokenAddCmd) Run(p *Program) error {
	for _, tool := range c.Allow {
		if err := config.CheckTool(tool); err != nil {
			return &UsageError{fmt.Errorf("--allow: %w", err)}
		}
	}
	if err := access.CheckName(c.Name); err != nil {
		return &UsageError{err}
	}
	return p.withAccess(func(ctx context.Context, cfg *config.Config, a *access.Access) error {
		token, err := a.NewToken(ctx, c.Name, c.Allow)
		if errors.Is(err, access.ErrTaken) {
			return Hintf(err, "%s takes it back", order.Command("console token remove "+c.Name))
		}
		if err != nil {
			return err
		}
		v := consoleAgent{Name: c.Name, Allow: append([]string{}, c.Allow...), Added: time.Now().UTC(), Token: token}
		return c.print(p, v, func(g *term.Page) {
			g.Linef("%s", token)
			g.Note("", "It is shown only now. The agent sends it as \"Authorization: Bearer TOKEN\" to /mcp of the console.")
			if missing := intersectNot(c.Allow, cfg.MCP.Allow); len(missing) > 0 {
				g.Hint("", fmt.Sprintf("[mcp] allow lacks %s, so the agent may not use it yet", strings.Join(missing, ", ")))
			}
		})
	})
}

// intersectNot returns those of list that are not allowed.
func intersectNot(list, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(allowed, name) })
}

// ConsoleTokenRemoveCmd takes a token back.
type ConsoleTokenRemoveCmd struct {
	Name string `arg:"" help:"The name of the agent."`
}

// Run runs the command.
func (c ConsoleTokenRemoveCmd) Run(p *Program) error {
	return p.removeAccess(c.Name, "console token", "the token of %s is of no use any more", (*access.Access).RemoveToken)
}
