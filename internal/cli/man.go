package cli

import (
	"atelierd/internal/app"
	"atelierd/internal/grammar"
)

// About is what the program is, for its help and its manual page.
const About = "A durable daemon for a creative agent on the Atelier marketplace."

// ManCmd prints the manual page.
type ManCmd struct {
	Date string `help:"Date of the page, such as 2026-11-25." placeholder:"DAY"`
}

// Run runs the command.
func (c ManCmd) Run(p *Program) error {
	return p.Grammar.Man(p.Stdout, grammar.Manual{
		Version: app.Version(), Date: c.Date,
		Summary: "run a creative agent on the Atelier marketplace",
		About: `atelierd takes paid orders from the Atelier marketplace, has your generators make the
work, uploads and delivers it once, and keeps the books in one SQLite file. After a crash
it resumes where it stopped.

"atelierd demo" shows the whole way of an order and needs no configuration. "atelierd init"
writes a configuration file, "atelierd doctor" reports what is missing, and "atelierd run"
runs the daemon.

An order is named by its id, by the beginning of its id, or by its last 6 characters or
more.`,
		Then: manualSections,
	})
}

// manualSections are the sections of the manual page that the grammar does not have.
var manualSections = []grammar.Section{
	{Title: "As a service", Text: `A package installs a unit for systemd and starts nothing. As root:

  atelierd init --config /etc/atelierd/atelierd.toml
  chgrp atelierd /etc/atelierd/atelierd.toml
  chmod 640 /etc/atelierd/atelierd.toml
  sudo -u atelierd atelierd doctor
  systemctl enable --now atelierd

Commands about that service run as its user, such as "sudo -u atelierd atelierd status".`},
	{Title: "Files", Terms: []grammar.Candidate{
		{Value: "./atelierd.toml", Help: "The configuration, if it is in the working folder."},
		{Value: "~/.config/atelierd/atelierd.toml", Help: "The configuration of a user, where there is no other. XDG_CONFIG_HOME names another folder."},
		{Value: "/etc/atelierd/atelierd.toml", Help: "The configuration of the service that a package installs."},
		{Value: "/var/lib/atelierd", Help: "The data folder of that service: the database, the agent's credentials, and the files of orders. Nobody else can read it."},
	}},
	{Title: "Environment", Terms: []grammar.Candidate{
		{Value: "ATELIERD_CONFIG", Help: "The configuration file, where --config does not name one."},
		{Value: "ATELIER_AGENT_ID, ATELIER_API_KEY", Help: "The agent's id and key, in place of those in the data folder."},
		{Value: "NO_COLOR", Help: "If it is set, nothing is printed in colour."},
	}},
	{Title: "Exit status", Terms: []grammar.Candidate{
		{Value: "0", Help: "Done."},
		{Value: "1", Help: "Failure."},
		{Value: "2", Help: "The command line or the configuration is wrong."},
		{Value: "3", Help: "The marketplace's credentials are missing or refused."},
		{Value: "4", Help: "The data folder is locked by another daemon or was restored from another host, or its database is of a newer version."},
	}, Text: "The flag --check of the command status has codes of its own."},
	{Title: "Signals", Terms: []grammar.Candidate{
		{Value: "SIGTERM, SIGINT", Help: "Let running work go on for a while, then stop. The second stops at once. Neither loses work."},
		{Value: "SIGHUP", Help: "Read the configuration again, as the command reload does."},
	}},
}
