package app

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/backup"
	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/credential"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/store"
)

// This file is what a backup copies with the ledger: the configuration, the files that it
// names, the credentials, and who may use the console.

// BackupSource returns what a backup of a data folder copies. c may be nil.
func BackupSource(cfg *config.Config, c *Credentials, st *store.Store) (backup.Source, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return backup.Source{}, err
	}
	s := backup.Source{
		DataDir: cfg.DataDir, ConfigDir: cfg.Dir, Config: placeInBackup(cfg, path), CopyLedger: st.CopyTo, ReadLedger: store.ReadCopy,
		Outside: neededOutside(cfg, c), Version: Version(),
	}
	secret := KeyFiles(cfg, c)
	if key := cfg.Console.Key; key != "" && !slices.Contains(secret, key) {
		secret = append(secret, key)
	}
	for _, file := range slices.Concat([]string{path}, namedFiles(cfg), registrationNotes(cfg)) {
		if !slices.Contains(secret, file) {
			s.Files = append(s.Files, backup.File{Path: file, Name: placeInBackup(cfg, file), Secret: holdsSecret(cfg, c, file)})
		}
	}
	for _, file := range secret {
		s.Files = append(s.Files, backup.File{Path: file, Name: placeInBackup(cfg, file), Secret: true})
	}
	if file := filepath.Join(cfg.DataDir, access.FileName); isFile(file) {
		s.Files = append(s.Files, backup.File{Path: file, Name: placeInBackup(cfg, file), Secret: true, Copy: func(ctx context.Context, to string) error {
			return access.CopyTo(ctx, cfg.DataDir, to)
		}})
	}
	return s, nil
}

// neededOutside are the variables that the daemon needs in its environment, and the
// credentials of systemd, which no command can read.
func neededOutside(cfg *config.Config, c *Credentials) []string {
	names := map[string]bool{}
	for _, s := range cfg.Secrets() {
		if s.Env != "" {
			names[s.Env] = true
		}
		if s.Credential != "" && os.Getenv(credential.EnvFolder) == "" {
			names["credential "+s.Credential] = true
		}
	}
	if c != nil && c.sources.Getenv != nil && c.sources.Getenv(credential.EnvAPIKey) != "" {
		names[credential.EnvAgentID], names[credential.EnvAPIKey] = true, true
	}
	passed := func(env []string) {
		for _, entry := range env {
			if !strings.Contains(entry, "=") {
				names[entry] = true
			}
		}
	}
	for _, g := range cfg.Generators {
		passed(g.Env)
	}
	for _, n := range cfg.Notify {
		passed(n.Env)
	}
	for _, s := range cfg.Services {
		if s.Quote != nil {
			passed(s.Quote.Env)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// holdsSecret reports whether a file contains a secret, as the configuration may. What
// cannot be read is reported when it is copied.
func holdsSecret(cfg *config.Config, c *Credentials, file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	name, err := redactor(cfg, c).FindIn(f)
	return err == nil && name != ""
}

// registrationNotes are the notes about a registration. Without them a restored folder
// could register a second agent.
func registrationNotes(cfg *config.Config) (list []string) {
	for _, name := range []string{"registration.json", "registration-refused.json"} {
		if file := filepath.Join(cfg.DataDir, name); isFile(file) {
			list = append(list, file)
		}
	}
	return list
}

// namedFiles are the files that the configuration names: workflows and recipes wherever
// they are, certificates, and programs and their arguments within its folder.
func namedFiles(cfg *config.Config) []string {
	var list []string
	program := func(words []string) {
		for _, word := range words {
			file := word
			if !filepath.IsAbs(file) {
				file = filepath.Join(cfg.Dir, file)
			}
			if rel, err := filepath.Rel(cfg.Dir, file); err == nil && filepath.IsLocal(rel) && isFile(file) {
				list = append(list, file)
			}
		}
	}
	for _, g := range cfg.Generators {
		program(g.Command)
		program(g.SelfCheck)
		if g.Workflow != "" {
			list = append(list, g.Workflow)
		}
		if recipe.IsFile(g.Recipe) {
			list = append(list, g.Recipe)
		}
	}
	for _, s := range cfg.Services {
		program(s.Check)
		if s.Quote != nil {
			program(s.Quote.Command)
		}
	}
	for _, n := range cfg.Notify {
		program(n.Command)
	}
	for _, file := range []string{cfg.Console.Cert, cfg.NATS.CAFile} {
		if file != "" {
			list = append(list, file)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func isFile(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular()
}

// placeInBackup returns the name of a file within a snapshot.
func placeInBackup(cfg *config.Config, file string) string {
	for _, each := range []struct{ top, dir string }{{backup.InData, cfg.DataDir}, {backup.BesideConfig, cfg.Dir}} {
		if rel, err := filepath.Rel(each.dir, file); err == nil && filepath.IsLocal(rel) {
			return path.Join(each.top, filepath.ToSlash(rel))
		}
	}
	return path.Join(backup.Elsewhere, strings.ReplaceAll(filepath.ToSlash(file), ":", ""))
}

// newBackupLoop makes the loop that backs up.
func newBackupLoop(b base) *backup.Loop {
	return backup.NewLoop(backup.LoopOptions{
		Settings: backupSettings(b.Config), Store: b.Store, Log: b.Log,
		Source: func() (backup.Source, error) { return BackupSource(b.config(), b.Credentials, b.Store) },
	})
}

func backupSettings(cfg *config.Config) backup.Settings { return backup.Settings(cfg.Backup) }

// Backup makes a backup of a data folder, with or without a running daemon. The
// credentials are copied where they are found.
func Backup(ctx context.Context, cfg *config.Config, getenv func(string) string, o backup.Options) (backup.Done, error) {
	st, err := store.OpenReader(cfg.DataDir)
	if err != nil {
		return backup.Done{}, err
	}
	defer st.Close()
	c, _, err := FindCredentials(cfg, getenv)
	if err != nil {
		c = nil // a backup is made of what cannot be used, too
	}
	src, err := BackupSource(cfg, c, st)
	if err != nil {
		return backup.Done{}, fmt.Errorf("look for the files of the configuration: %w", err)
	}
	return backup.Make(ctx, src, o)
}
