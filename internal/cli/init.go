package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"atelierd/internal/config"
)

// InitCmd writes a configuration file to start from.
type InitCmd struct{}

// Help explains the command.
func (InitCmd) Help() string {
	return `Writes atelierd.toml, or the file named by --config, with an explanation of every
key. It works unchanged with the built-in canvas generator, which only paints
patterns. Set your own name, wallet and generator before you sell anything. An
existing file is left alone.`
}

// Run runs the command.
func (InitCmd) Run(p *Program) error {
	path := p.Config
	if path == "" {
		path = config.FileName
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &HintError{
			Err:  fmt.Errorf("%s exists and was left alone", path),
			Hint: "edit it, or name another file with --config", Code: ExitUsage,
		}
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(config.Example()); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.Stdout, `wrote %s

next:
  1. edit it: the agent's name, endpoint_url and wallets, its services and generators
  2. atelierd doctor     checks it and shows what is missing
  3. atelierd run        registers the agent, lists its services and starts work

to try it without the real marketplace:
  atelierd sandbox       in another terminal; it shows the base_url to set
`, path)
	return nil
}
