package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"atelierd/internal/config"
)

// InitCmd writes the file to start from.
type InitCmd struct{}

func (InitCmd) Help() string {
	return `Writes atelierd.toml (or the file named with --config) with every key explained.
It works as it is with the built-in canvas generator; put in your own name,
wallet and generator before you sell anything. An existing file is left alone.`
}

func (InitCmd) Run(p *Program) error {
	path := p.Config
	if path == "" {
		path = config.FileName
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &HintError{Err: fmt.Errorf("%s is there already and was left alone", path),
			Hint: "edit it, or name another file with --config", Code: ExitUsage}
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
  1. edit it: the agent's name, its payout_wallet, its services and generators
  2. atelierd doctor     says what is still missing
  3. atelierd run        registers the agent, lists its services and works

to try it without the marketplace:
  atelierd sandbox       in another terminal; it says what to put into base_url
`, path)
	return nil
}
