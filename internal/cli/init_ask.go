package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"atelierd/internal/app"
	"atelierd/internal/config"
	"atelierd/internal/term"
)

// question is what init asks.
type question struct {
	flag  string // that answers it on the command line
	key   string // of the configuration, or the end of it
	label string
	about string
	// choices are shown below about.
	choices []config.StartGenerator
	usual   string // what an empty answer means; "" needs an answer, "-" leaves it open
	value   func(*config.Start) string
	set     func(*config.Start, string)
	// skip reports whether the question does not arise.
	skip func(config.Start) bool
}

// questions returns what init asks, in that order.
func questions() []question {
	return []question{
		{
			flag: "name", key: "agent.name", label: "name", about: "The agent's name, which clients see.",
			value: func(s *config.Start) string { return s.Name },
			set:   func(s *config.Start, text string) { s.Name = text },
		}, {
			flag: "endpoint-url", key: "agent.endpoint_url", label: "web address",
			about: "The agent's web address. The marketplace sends its webhooks there if you turn them on; until then it may be any page of yours.",
			value: func(s *config.Start) string { return s.EndpointURL },
			set:   func(s *config.Start, text string) { s.EndpointURL = text },
		}, {
			flag: "wallet", key: "agent.payout_wallet", label: "wallet", usual: "-",
			about: "The Solana address that receives your earnings. Set it before you sell: an order that completes without one is not paid out.",
			value: func(s *config.Start) string { return s.PayoutWallet },
			set:   func(s *config.Start, text string) { s.PayoutWallet = text },
		}, {
			flag: "generator", key: "generator.studio.type", label: "generator", usual: config.StartGenerators()[0].Name,
			about:   "What makes the work: one of these to begin with, and docs/generators.md has a block for each other one.",
			choices: config.StartGenerators(),
			value:   func(s *config.Start) string { return s.Generator },
			set:     func(s *config.Start, text string) { s.Generator = text },
		}, {
			flag: "command", key: "generator.studio.command", label: "command",
			about: "The program and its arguments, as seen from the folder of the file. It reads the order on stdin and writes files to OUTPUT_DIR.",
			value: func(s *config.Start) string { return strings.Join(s.Command, " ") },
			set:   func(s *config.Start, text string) { s.Command = strings.Fields(text) },
			skip:  func(s config.Start) bool { return s.Generator != config.StartProgram },
		}, {
			flag: "price", key: "price_usd", label: "price", usual: "5.00",
			about: "The price of one picture in US dollars. The marketplace keeps 10 % of it.",
			value: func(s *config.Start) string { return s.PriceUSD },
			set:   func(s *config.Start, text string) { s.PriceUSD = strings.TrimPrefix(text, "$") },
		},
	}
}

// answers are collected from the flags and from the owner at the terminal.
type answers struct {
	p     *Program
	dir   string // of the file
	start config.Start
}

// ask asks what no flag has answered. Each answer is checked at once, and asked for again
// until it is right.
func (a *answers) ask() error {
	g := a.p.Page()
	g.Note("", "A few questions, then the file is written. Enter takes what is in brackets. Ctrl-c writes nothing.")
	if err := g.Print(a.p.Stdout); err != nil {
		return err
	}
	lines := bufio.NewReader(a.p.Stdin) // one for all, because it reads ahead
	for _, q := range questions() {
		if q.value(&a.start) != "" || q.skip != nil && q.skip(a.start) {
			continue
		}
		if err := a.askOne(q, lines); err != nil {
			return err
		}
	}
	g = a.p.Page()
	g.Linef("")
	for _, made := range config.StartGenerators() {
		if made.Name == a.start.Generator && made.KeyEnv != "" && a.p.Getenv(made.KeyEnv) == "" {
			g.Note("", "The key is read from the variable "+made.KeyEnv+", which is not set now. Set it before the next step.")
			g.Linef("")
		}
	}
	return g.Print(a.p.Stdout)
}

// askOne asks until the answer is right.
func (a *answers) askOne(q question, lines *bufio.Reader) error {
	g := a.p.Page()
	g.Linef("")
	g.Note("", q.about)
	rows := make([][]term.Cell, len(q.choices))
	for i, c := range q.choices {
		rows[i] = []term.Cell{term.Styled(term.Bold, "  "+c.Name), term.Plain(c.Text)}
	}
	g.Table("  ", rows)
	prompt := "  " + q.label + ": "
	switch q.usual {
	case "":
	case "-":
		prompt = "  " + q.label + " [later]: "
	default:
		prompt = "  " + q.label + " [" + q.usual + "]: "
	}
	for {
		if _, err := fmt.Fprint(a.p.Stdout, g.String(), prompt); err != nil {
			return err
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			fmt.Fprintln(a.p.Stdout)
			return errors.New("nothing was written")
		}
		text := strings.TrimSpace(line)
		if text == "" && q.usual == "-" {
			q.set(&a.start, "")
			return nil
		}
		if text == "" {
			text = q.usual
		}
		q.set(&a.start, text)
		wrong := "an answer is needed"
		if text != "" {
			wrong = a.wrong(q)
		}
		if wrong == "" {
			return nil
		}
		g = a.p.Page()
		g.Note("  ", g.Paint(term.Yellow, "no:")+" "+term.Line(wrong, 500))
	}
}

// wrongGenerator returns what is wrong with the choice of a generator, or "".
func wrongGenerator(s config.Start) string {
	var names []string
	for _, g := range config.StartGenerators() {
		if g.Name == s.Generator {
			names = nil
			break
		}
		names = append(names, g.Name)
	}
	switch {
	case s.Generator != "" && names != nil:
		return fmt.Sprintf("%.40q is not one of %s", s.Generator, strings.Join(names, ", "))
	case len(s.Command) > 0 && s.Generator != config.StartProgram:
		return "a command is for --generator " + config.StartProgram + " only"
	}
	return ""
}

// wrongProgram returns why the program of a configuration cannot be run, or "".
func wrongProgram(p *Program, cfg *config.Config) string {
	services, err := app.NewServices(cfg, p.Getenv, slog.New(slog.DiscardHandler))
	if err != nil {
		return Explain("init", err).Text
	}
	for _, g := range services.Generators() {
		if err := g.Backend.Check(context.Background()); err != nil {
			return Explain("init", err).Text
		}
	}
	return ""
}
