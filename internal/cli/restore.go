package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/backup"
	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/store"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// RestoreCmd restores a backup.
type RestoreCmd struct {
	From        string `arg:"" help:"A backup: a folder, or a .tar file." name:"from" type:"path"`
	To          string `arg:"" optional:"" help:"An empty or a new folder that gets everything. Default: only the data folder of the configuration is restored, which has to be empty." name:"folder" type:"path"`
	Snapshot    string `help:"Which backup of a folder. Default: the newest." placeholder:"NAME"`
	SkipDamaged bool   `help:"Leave out the files of orders that are damaged or missing in the backup, and list them."`
	Output
}

// Help explains the command.
func (RestoreCmd) Help() string {
	return `Verifies a backup, and then copies it into an empty folder. It replaces nothing.

With FOLDER that folder gets everything: the configuration and, below it, the data folder.
Use it on another host. Without FOLDER the configuration that is in place says where the
data folder is, and stays as it is.

The next "atelierd run" compares the restored data folder with the marketplace before it
works, so that nothing is delivered, said or paid for twice.

A backup that is damaged is not restored. With --skip-damaged it is, where only files of
orders are damaged or missing: they are left out and listed. The database, the configuration
and the credentials have to be whole.`
}

// Run runs the command.
func (c RestoreCmd) Run(p *Program) error {
	r := backup.Restoring{From: c.From, Snapshot: c.Snapshot, To: c.To, DataName: config.DataName, Database: store.FileName, ReadLedger: readCopy, SkipDamaged: c.SkipDamaged}
	if c.To == "" {
		cfg, err := p.load()
		if err != nil {
			return Hintf(err, "name a new folder behind it, which gets the configuration as well")
		}
		r.DataDir = cfg.DataDir
	}
	done, err := backup.Restore(r)
	if err != nil {
		return explainRestore(r, err)
	}
	next := c.next(done)
	return c.print(p, restoredView{done, next}, func(g *term.Page) { showRestored(g, done, next) })
}

// restoredView is a restore with what to do next.
type restoredView struct {
	backup.Restored
	Next []string `json:"next"`
}

func explainRestore(r backup.Restoring, err error) error {
	damaged, is := errors.AsType[*backup.DamagedError](err)
	switch {
	case is && damaged.Skippable():
		return Hintf(damaged, "%s restores everything else; %s lists what is damaged", skipDamaged(r), withPath("backup --verify", r.From))
	case errors.Is(err, store.ErrNewer):
		return Hintf(err, "install the newer atelierd; or --snapshot restores a backup of before its upgrade")
	case is:
		return Hintf(damaged, "%s lists what is damaged; --snapshot restores another backup of the folder", withPath("backup --verify", r.From))
	case errors.Is(err, backup.ErrNotEmpty) && r.To == "":
		return Hintf(err, "stop the daemon and move the folder away, so that nothing in it is lost; then run this command again")
	case errors.Is(err, backup.ErrNotEmpty):
		return Hintf(err, "name a new folder")
	}
	return err
}

// skipDamaged returns the command that restores what is whole.
func skipDamaged(r backup.Restoring) string {
	command := "restore --skip-damaged"
	if r.Snapshot != "" {
		command += " --snapshot " + r.Snapshot
	}
	if r.To == "" {
		return withPath(command, r.From)
	}
	return withPath(command+" "+pathWord(r.From), r.To)
}

// next returns what the owner has to do.
func (c RestoreCmd) next(d backup.Restored) []string {
	list := []string{"stop the daemon that the backup is of, and let no two run for one agent"}
	flag := ""
	if d.Config != "" {
		flag = " --config"
		list = append(list, configSteps(d)...)
	}
	if !d.Credentials {
		list = append(list, "put the credentials in place: the backup has none")
	}
	if len(d.Outside) > 0 {
		list = append(list, "give the daemon "+strings.Join(d.Outside, ", ")+" as its environment or as credentials of systemd")
	}
	words := func(command string) string {
		if flag == "" {
			return order.Command(command)
		}
		return withPath(command+flag, d.Config)
	}
	return append(list, words("doctor")+" checks everything",
		words("run")+" compares the data folder with the marketplace before it works, with --takeover on another host; then "+words("reconcile --accept")+" resumes all work")
}

// configSteps are what the restored configuration needs.
func configSteps(d backup.Restored) (list []string) {
	cfg, err := config.Load(d.Config)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []string{"put the configuration in place: the backup has none"}
	case err != nil:
		list = append(list, "correct the configuration "+d.Config+", which cannot be used as it is")
	case filepath.Clean(cfg.DataDir) != d.DataDir:
		list = append(list, fmt.Sprintf("set data_dir in %s to %s, or move that folder to %s", d.Config, d.DataDir, cfg.DataDir))
	}
	for _, file := range d.Elsewhere {
		list = append(list, "move "+file+" to where the configuration names it")
	}
	return list
}

func showRestored(g *term.Page, d backup.Restored, next []string) {
	g.Note("", fmt.Sprintf("restored the backup of %s into %s: the database and %d files of orders (%s)",
		d.At.UTC().Format("2006-01-02 15:04:05 UTC"), term.Sanitize(d.DataDir), d.Files, words.Size(d.Bytes)))
	if n := len(d.Skipped); n > 0 {
		g.Note("", fmt.Sprintf("the configuration in place stays as it is; the backup has %d files of it", n))
	}
	showLeft(g, d.Left)
	g.Heading("next")
	for _, each := range next {
		g.Note("  ", term.Sanitize(each))
	}
}
