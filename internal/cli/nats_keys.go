package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"atelierd/internal/config"
	"atelierd/internal/natsq"
)

// routesOf returns the routes of the configuration and more of them, each once.
func routesOf(cfg *config.Config, more []string) []string {
	routes := slices.Clone(more)
	for _, g := range cfg.Generators {
		if g.Type == config.TypeNATS {
			routes = append(routes, g.Route)
		}
	}
	slices.Sort(routes)
	return slices.Compact(routes)
}

// keys makes keys and prints what the servers have to know of them. A key that is there
// stays, so that the command may be repeated.
func (c NATSSetupCmd) keys(p *Program) error {
	for _, k := range c.Keys {
		name, may, err := c.side(p, k)
		if err != nil {
			return err
		}
		path := filepath.Join(c.Out, name+".nk")
		public, err := seedIn(path)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(p.Stdout, may.Block(name+"; its seed is in "+path, public)); err != nil {
			return err
		}
	}
	return nil
}

// side returns the name of a side and what it may do.
func (c NATSSetupCmd) side(p *Program, key string) (name string, may natsq.Permissions, err error) {
	name, list, worker := strings.Cut(key, "=")
	routes := strings.Split(list, "+")
	switch {
	case worker && (name == agentSide || name == setupSide || slices.ContainsFunc(append([]string{name}, routes...), func(s string) bool { return !natsq.ValidName(s) })):
		return "", may, &UsageError{errNoName}
	case worker:
		return name, natsq.WorkerPermissions(name, routes), nil
	case name == setupSide:
		return name, natsq.SetupPermissions(name), nil
	case name != agentSide:
		return "", may, &UsageError{errNoName}
	}
	cfg, err := p.load()
	if err != nil {
		return "", may, err
	}
	if routes = routesOf(cfg, c.Routes); len(routes) == 0 && !cfg.NATS.Lease && cfg.Budget.SharedWith != config.SharedNATS {
		return "", may, errNoRoute
	}
	return name, natsq.AgentPermissions(name, routes), nil
}

// seedIn returns the public key of the seed in a file, which is made if it is not there.
func seedIn(path string) (public string, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return natsq.PublicKey(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	seed, public, err := natsq.NewKey()
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, seed); err != nil {
		return "", err
	}
	return public, f.Close()
}
