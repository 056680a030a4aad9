package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/store"
)

// This file keeps a command from acting on the data of another user. As root it would leave
// files that the daemon cannot use; as anybody else it could read nothing.

// rightUser returns an error with the whole command to run if the data folder belongs to
// another user, and this one cannot use it or is root.
func (p *Program) rightUser(cfg *config.Config) error {
	place := filepath.Join(cfg.DataDir, store.FileName)
	owner, ok := ownerOf(place)
	if !ok {
		place = cfg.DataDir
		if owner, ok = ownerOf(place); !ok {
			return nil // it is not there yet, or cannot be looked at
		}
	}
	me := os.Geteuid()
	switch {
	case owner == me:
		return nil
	case me == 0:
		return p.as(owner, cfg.Path, fmt.Errorf("%s belongs to user %s, who could not use what root leaves there", place, userName(owner)))
	case !usable(place):
		return p.as(owner, cfg.Path, fmt.Errorf("%s belongs to user %s", place, userName(owner)))
	}
	return nil
}

// readableBy returns err with the whole command to run if this user may not read the
// configuration.
func (p *Program) readableBy(path string, err error) error {
	if file, openErr := os.Open(path); openErr == nil {
		file.Close()
		return err
	} else if !os.IsPermission(openErr) {
		return err
	}
	reader, ok := readerOf(path)
	if !ok || reader == os.Geteuid() {
		return err
	}
	return p.as(reader, path, err)
}

// as returns err with the hint to run the same command as another user.
func (p *Program) as(uid int, path string, err error) error {
	words := []string{"sudo"}
	if uid != 0 {
		words = append(words, "-u", userName(uid))
	}
	for _, word := range append([]string{"atelierd"}, p.Args...) {
		words = append(words, quoted(word))
	}
	// The other user has another home, and sudo passes no variables on.
	if absolute, absErr := filepath.Abs(path); p.Config == "" && absErr == nil && filepath.Dir(absolute) != config.System {
		words = append(words, "--config", quoted(absolute))
	}
	return Hintf(err, "run `%s`", strings.Join(words, " "))
}

// quoted returns a word as a shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@,+%"
	if word != "" && !slices.ContainsFunc([]rune(word), func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
