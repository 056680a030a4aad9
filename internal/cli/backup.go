package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"atelierd/internal/app"
	"atelierd/internal/backup"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// BackupCmd copies the data folder and its configuration, or verifies such a copy.
type BackupCmd struct {
	To            string `arg:"" optional:"" help:"A folder, or a file whose name ends in .tar. Default: backup.to of the configuration." name:"to" type:"path"`
	Verify        bool   `help:"Read the backup, and report everything that is wrong with it."`
	NoCredentials bool   `help:"Leave out the API key and all other secrets."`
	Output
}

// Help explains the command.
func (BackupCmd) Help() string {
	return `Copies everything while the daemon works: the database as it is at one moment, the files
that it names, the configuration with the files that it names, and the credentials.
A folder can take many backups, which share what has not changed. A tar file has one,
and is complete by itself.

"atelierd backup --verify DIR" reads a backup and compares everything with its sha256. It
exits with 1 if anything is wrong. "atelierd restore" restores one.`
}

// Run runs the command.
func (c BackupCmd) Run(p *Program) error {
	if c.Verify && c.NoCredentials {
		return &UsageError{errors.New("--verify and --no-credentials exclude each other")}
	}
	if err := c.place(p); err != nil {
		return err
	}
	if c.Verify {
		return c.verify(p)
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	ctx, stop := untilStopped()
	defer stop()
	done, err := app.Backup(ctx, cfg, p.Getenv, backup.Options{To: c.To, NoCredentials: c.NoCredentials, Now: time.Now()})
	if err != nil {
		return err
	}
	return c.print(p, done, func(g *term.Page) { showBackup(g, done) })
}

// place takes the place from the configuration if none is named.
func (c *BackupCmd) place(p *Program) error {
	if c.To != "" {
		return nil
	}
	cfg, err := p.load()
	if err != nil {
		return err
	}
	if !cfg.Backup.On() {
		return &UsageError{errors.New("name a folder or a .tar file, or set to in the section [backup]")}
	}
	c.To = cfg.Backup.To
	c.NoCredentials = c.NoCredentials || !c.Verify && !cfg.Backup.Credentials
	return nil
}

func showBackup(g *term.Page, d backup.Done) {
	text := fmt.Sprintf("backed up into %s as %s: the database, the configuration and %d files of orders (%s)", term.Sanitize(d.To), d.Snapshot, d.Files, words.Size(d.Bytes))
	if d.Credentials {
		text += ", with the credentials; keep it as safe as the data folder"
	} else {
		text += ", without credentials"
	}
	g.Note("", text)
	if len(d.Outside) > 0 {
		g.Note("", "not in it: "+strings.Join(d.Outside, ", ")+", which the daemon gets from its environment or from systemd; keep them elsewhere")
	}
	showLeft(g, d.Left)
}

// showLeft shows what a backup has otherwise than the owner may expect.
func showLeft(g *term.Page, list []backup.Left) {
	if len(list) == 0 {
		return
	}
	g.Note("", fmt.Sprintf("%d files are not as expected:", len(list)))
	for _, l := range list[:min(len(list), mostShown)] {
		g.Note("  ", term.Line(l.Name, 200)+" "+term.Line(l.Why, 200))
	}
	if more := len(list) - mostShown; more > 0 {
		g.Note("  ", fmt.Sprintf("and %d more; --json has all", more))
	}
}

// mostShown is how many files of a list are shown as text.
const mostShown = 20

// withPath returns a command with a path for a hint.
func withPath(command, path string) string {
	return order.Command(command + " " + pathWord(path))
}

// pathWord returns a path that is quoted for a shell where it has to be.
func pathWord(path string) string {
	if strings.IndexFunc(path, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%", r)
	}) >= 0 {
		return "'" + strings.ReplaceAll(term.Sanitize(path), "'", `'\''`) + "'"
	}
	return path
}

// readCopy reads a copy of a database. One of a newer program is not damaged.
func readCopy(path string) (order.LedgerCopy, error) {
	c, err := store.ReadCopy(path)
	if errors.Is(err, store.ErrNewer) {
		err = &backup.HostError{Err: err}
	}
	return c, err
}

func (c BackupCmd) verify(p *Program) error {
	r, err := backup.Verify(c.To, readCopy)
	if errors.Is(err, store.ErrNewer) {
		return Hintf(err, "install the newer atelierd, which can read it")
	}
	if err != nil {
		return err
	}
	if err := c.print(p, r, func(g *term.Page) { showReport(g, r) }); err != nil {
		return err
	}
	if len(r.Problems) > 0 {
		return ExitCode(ExitFailure)
	}
	return nil
}

func showReport(g *term.Page, r backup.Report) {
	what := fmt.Sprintf("%d backups with %d files of orders (%s)", len(r.Names), r.Files, words.Size(r.Bytes))
	if len(r.Problems) == 0 {
		g.Note("", term.Sanitize(r.From)+" is whole: "+what)
		return
	}
	g.Note("", term.Sanitize(r.From)+" is damaged; it has "+what)
	for _, each := range r.Problems[:min(len(r.Problems), mostShown)] {
		name := each.Name
		if name == "" {
			name = "the backup:"
		}
		g.Note("  ", term.Line(name, 200)+" "+term.Line(each.Text, 300))
	}
	if more := len(r.Problems) - mostShown; more > 0 {
		g.Note("  ", fmt.Sprintf("and %d more; --json has all", more))
	}
	if r.Repairable() {
		g.Hint("", "remove the damaged files of files/ and run "+withPath("backup", r.From)+": it copies them again from the data folder")
	}
}
