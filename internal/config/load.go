package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// maxBytes is far beyond any configuration that a person writes.
const maxBytes = 1 << 20

// Find gives the path of the configuration: explicit when it is not empty, else
// atelierd.toml in the working folder, else the one in the user's configuration
// folder. Its error is an *Error.
func Find(explicit string) (string, error) {
	if explicit != "" {
		return explicit, nil
	}
	places := []string{FileName}
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "atelierd", FileName))
	}
	for _, path := range places {
		// A file that is there but cannot be read is for Load to complain about:
		// to go on to the next place would use settings that nobody expects.
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	text := "there is no " + strings.Join(places, " and no ")
	return "", &Error{Problems: []Problem{{Text: text}}, Hint: initHint}
}

// The next steps: init leaves a file alone that is there, so that it is of no
// use for one unless another name is given.
const (
	initHint = "`atelierd init` writes one to start from"
	readHint = "let it be a file that you may read, or name another with --config"
	mendHint = "mend this in the file; `atelierd init --config example.toml` writes another, in which each key is explained"
)

// Load reads and checks a configuration. Its error is an *Error with every
// problem of the file; one that is no TOML has only the first.
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
		return nil, &Error{Path: path, Problems: []Problem{{Text: "cannot tell its folder: " + err.Error()}}}
	}
	c, problems := parse(data, dir)
	if len(problems) > 0 {
		return nil, &Error{Path: path, Problems: problems, Hint: mendHint}
	}
	c.Path = path
	return c, nil
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
		return nil, fmt.Errorf("it is larger than %d bytes", maxBytes)
	}
	return data, nil
}

// cause takes the path out of an error that is printed behind the path.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// parse checks the text of a configuration whose file is in the folder dir.
func parse(data []byte, dir string) (*Config, []Problem) {
	// Editors of Windows begin a file with a mark that TOML does not know.
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	// The tree is loose, so that one value of a wrong type hides no other problem.
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		return nil, []Problem{syntaxProblem(data, err)}
	}
	r := &reader{lines: indexLines(data)}
	c := (&table{reader: r, values: tree}).config(dir)
	sortProblems(r.problems)
	sortProblems(r.warnings)
	callByTitle(tree, r.problems)
	callByTitle(tree, r.warnings)
	c.warnings = r.warnings
	return c, r.problems
}

// assignment is where a value of an environment variable may begin in a line
// that is no TOML.
var assignment = regexp.MustCompile(`((?:["'\[,]\s*[A-Za-z_]\w*|\b[A-Z][A-Z0-9_]*)=).*`)

// syntaxProblem shows the line at which the file stops to be TOML, but not what
// may be a secret in it.
func syntaxProblem(data []byte, err error) Problem {
	p := Problem{Line: 1, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	lines := strings.Split(string(data), "\n")
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		row, _ := e.Position()
		p.Line = min(max(row, 1), len(lines))
	}
	line := assignment.ReplaceAllString(strings.TrimSpace(lines[p.Line-1]), "$1…")
	p.Text = strings.Map(printable, fmt.Sprintf("%.200s, in the line: %.80s", p.Text, line))
	return p
}

func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}
