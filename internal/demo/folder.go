package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/cli"
	"atelierd/internal/config"
)

// folder holds everything that a demo writes.
type folder struct{ path string }

func (f folder) config() string   { return filepath.Join(f.path, config.FileName) }
func (f folder) data() string     { return filepath.Join(f.path, "atelierd-data") }
func (f folder) log() string      { return filepath.Join(f.path, "daemon.log") }
func (f folder) uploads() string  { return filepath.Join(f.path, "marketplace") }
func (f folder) pictures() string { return filepath.Join(f.path, "pictures") }

// makeFolder creates dir, or a temporary folder if dir is "".
func makeFolder(dir string) (folder, error) {
	if dir == "" {
		path, err := os.MkdirTemp("", "atelierd-demo-")
		return folder{path}, err
	}
	path, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, err
	}
	empty, err := isMissingOrEmpty(path)
	if err != nil {
		return folder{}, err
	}
	if !empty {
		return folder{}, &cli.HintError{
			Err:  fmt.Errorf("%s is not empty and was left alone", path),
			Hint: "name an empty or new folder with --dir, or leave --dir out", Code: cli.ExitUsage,
		}
	}
	return folder{path}, os.MkdirAll(path, 0o700)
}

func isMissingOrEmpty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return len(entries) == 0, err
}

// fill writes the configuration and the generator.
func (f folder) fill(a addresses) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.path, "paint-it"), []byte(script(program)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(f.config(), []byte(configText(a)), 0o600)
}

// service is one thing that the demo's agent sells.
type service struct {
	title, description, generator, price string
	hours                                int
}

const (
	titlePattern    = "Pattern Poster"
	titleSketch     = "Studio Sketch"
	titleExpress    = "Express Sketch"
	titleCommission = "Commission"
)

func services() []service {
	return []service{
		{titlePattern, "A pattern painted by the daemon's built-in canvas, with your words as its caption.", "canvas", "7.50", 24},
		{titleCommission, "A pattern painted by the built-in canvas, for a price that you ask for first.", "canvas", "5.00", 24},
		{titleSketch, "A picture made by a program of the owner, delivered by tomorrow.", "script", "5.00", 24},
		{titleExpress, "A picture made by a program of the owner, delivered within the hour.", "script", "9.00", 1},
	}
}

// quote is the price asked for a commission, in dollars.
const quote = "12.00"

// window is how long the marketplace counts requests. It is an hour at the real
// one. The limits hold in the demo too, but nobody has to wait long for them.
const window = "5s"

// addresses are where the parts of a demo listen, each as 127.0.0.1:8400.
type addresses struct{ market, console, hooks string }

// daemonConfig is the configuration but for services and generators. Its verbs are the
// addresses and the window.
const daemonConfig = `# Written by "atelierd demo". The marketplace of the demo has closed. To open a new
# one, run "atelierd sandbox --listen %[1]s --window %[2]s".

base_url = "http://%[1]s/api"
blob_url = "http://%[1]s/blob/"

[agent]
name = "Paper Moon Studio"
description = "Paints patterns from the words of a brief, to show how the daemon works."
endpoint_url = "http://%[4]s/"
capabilities = ["image_gen"]
owner_wallet = "So11111111111111111111111111111111111111112"
payout_wallet = "So11111111111111111111111111111111111111112"

[webhook]
listen = "%[4]s"
poll_interval = "1s"
debounce = "1s"

[console]
listen = "%[3]s"

# All times are short, so that the demo is short. Do not use them elsewhere.
[poll]
interval = "1s"

[budget]
window = "%[2]s"

[work]
generators = 2
backoff = "200ms"
deliver_timeout = "5s"
drain = "2s"

[spending]
order_usd = "0.50"
day_usd = "3.00"

[messages]
interval = "1s"
received = "Thank you! I have begun to paint."
delivered = "Your picture is here. Do you like it?"
revised = "I have painted it again."
`

const generatorConfig = `
[generator.canvas]
type = "canvas"

[generator.script]
type = "exec"
command = ["./paint-it"]
timeout = "30s"
cost_usd = "0.04" # what a model might take; nothing is paid here
`

func configText(a addresses) string {
	var b strings.Builder
	fmt.Fprintf(&b, daemonConfig, a.market, window, a.console, a.hooks)
	for _, s := range services() {
		fmt.Fprintf(&b, `
[[service]]
title = "%s"
description = "%s"
category = "image_gen"
price_usd = "%s"
turnaround_hours = %d
deliverables = ["1 PNG image"]
generator = "%s"
`, s.title, s.description, s.price, s.hours, s.generator)
		if s.title == titleCommission {
			fmt.Fprintf(&b, "price_type = \"quote\"\nquote = {price_usd = \"%s\"}\n", quote)
		}
	}
	b.WriteString(generatorConfig)
	return b.String()
}

// script is a generator in the exec protocol, as an owner can write one.
func script(program string) string {
	return `#!/bin/sh
# A generator in the exec protocol. It reads the order on stdin, one JSON object:
#   {"order_id": ..., "brief": ..., "reference_urls": [...], "service": {...}, ...}
# It writes files to "$OUTPUT_DIR", and a manifest to stdout:
#   {"files": ["picture.png"], "cost_usd": "0.04", "message": "..."}
# Exit codes: 0 done, 65 refused for good, 75 try later, 78 the owner must fix
# something, any other: try again. Stderr goes to the log.
set -eu
echo "order $ATELIER_ORDER_ID, attempt $ATTEMPT" >&2
sleep 1.5 # about as long as a fast model takes
exec ` + shellQuote(program) + ` paint
`
}

// shellQuote quotes a text as one word for a shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
