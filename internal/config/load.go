package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/tomlpath"
)

// maxBytes is far more than any configuration that a person writes.
const maxBytes = 1 << 20

// Env is the variable that may name the configuration.
const Env = "ATELIERD_CONFIG"

// System is the folder of configurations for daemons that are services of the system.
const System = "/etc/atelierd"

// Find returns the path of the configuration: explicit if it is not empty, else
// atelierd.toml in the working folder, in the folder atelierd of the user's configuration
// folder, or in /etc/atelierd. Its error is an *Error.
func Find(explicit string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	user, err := os.UserConfigDir()
	if err != nil {
		user = "" // no home folder: one place less to look at
	}
	return find("", user, System)
}

// find looks in the working folder dir, in the user's configuration folder, and in the
// system's.
func find(dir, user, system string) (string, error) {
	places := []string{filepath.Join(dir, FileName)}
	if user != "" {
		places = append(places, filepath.Join(user, "atelierd", FileName))
	}
	places = append(places, filepath.Join(system, FileName))
	for _, path := range places {
		// Load reports a file that exists but cannot be read. Skipping it here
		// would use settings that the owner does not expect. A folder that cannot be
		// entered is skipped: it is another user's, such as after sudo -u.
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return path, nil
		}
	}
	text := "there is no " + strings.Join(places, " and no ")
	return "", &Error{Problems: []Problem{{Text: text}}, Hint: initHint}
}

// The next steps. init never overwrites a file, so fixHint names another one.
var (
	initHint = "run " + order.Command("init") + " to write one, with every key explained"
	fixHint  = "fix the file; run " + order.Command("init --config example.toml") + " to write an example with every key explained"
)

const readHint = "make the file readable, or name another with --config FILE"

// Load reads and checks a configuration. Its error is an *Error with every problem
// of the file. For a file that is not valid TOML that is only the first.
func Load(path string) (*Config, error) {
	data, err := read(path)
	if err != nil {
		e := &Error{Path: path, Problems: []Problem{{Text: "cannot be read: " + err.Error()}}, Hint: readHint}
		if errors.Is(err, fs.ErrNotExist) {
			e.Hint = initHint
		}
		return nil, e
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, &Error{Path: path, Problems: []Problem{{Text: "cannot find its folder: " + err.Error()}}}
	}
	c, problems := parse(data, dir)
	if len(problems) > 0 {
		return nil, &Error{Path: path, Problems: problems, Hint: fixHint}
	}
	if c.DataDir == "" {
		c.DataDir = defaultData(dir, filepath.Base(path))
	}
	sum := sha256.Sum256(data)
	c.Path, c.Digest = path, hex.EncodeToString(sum[:8])
	return c, nil
}

// DataName is the data folder of a configuration that names none, next to it.
const DataName = "atelierd-data"

// defaultData returns the data folder of a configuration that names none. That of a file in
// /etc/atelierd is where the units for systemd make one: /var/lib/atelierd, and
// /var/lib/atelierd-NAME for NAME.toml.
func defaultData(dir, file string) string {
	if dir != System {
		return filepath.Join(dir, DataName)
	}
	name := strings.TrimSuffix(file, ".toml")
	if file == FileName {
		return "/var/lib/atelierd"
	}
	return "/var/lib/atelierd-" + name
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxBytes)
	}
	return data, nil
}

// cause removes the path from an error that is printed after the path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// parse checks the text of a configuration whose file is in the folder dir.
func parse(data []byte, dir string) (*Config, []Problem) {
	// Some editors on Windows begin a file with a byte order mark.
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	// The tree has no types, so that a value of a wrong type hides no other problem.
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, []Problem{syntaxProblem(data, err)}
	}
	r := &reader{lines: tomlpath.Lines(data)}
	c := (&table{reader: r, values: tree}).config(dir)
	sortProblems(r.problems)
	sortProblems(r.warnings)
	callByTitle(tree, r.problems)
	callByTitle(tree, r.warnings)
	c.warnings = r.warnings
	return c, r.problems
}

// assignment matches the value of an environment variable in a line that is not
// valid TOML.
var assignment = regexp.MustCompile(`((?:["'\[,]\s*[A-Za-z_]\w*|\b[A-Z][A-Z0-9_]*)=).*`)

// syntaxProblem shows the first line that is not valid TOML, without what may be a
// secret in it.
func syntaxProblem(data []byte, err error) Problem {
	p := Problem{Line: 1, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	lines := strings.Split(string(data), "\n")
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := e.Position()
		p.Line = min(max(row, 1), len(lines))
	}
	line := assignment.ReplaceAllString(strings.TrimSpace(lines[p.Line-1]), "$1…")
	p.Text = term.Sanitize(fmt.Sprintf("not valid TOML: %.200s, in the line: %.80s", p.Text, line))
	return p
}
