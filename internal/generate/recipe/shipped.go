package recipe

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

//go:embed shipped/*.toml
var files embed.FS

// shipped are the recipes of the program, by their names.
var shipped = sync.OnceValue(func() (list []*Recipe) {
	names, err := fs.Glob(files, "shipped/*.toml")
	for _, name := range names {
		var text []byte
		if text, err = files.ReadFile(name); err != nil {
			break
		}
		r, wrong := Parse(name, text)
		if wrong != nil {
			panic(wrong) // a test reads each of them
		}
		list = append(list, r)
	}
	if err != nil {
		panic(err)
	}
	return list
})

// Shipped returns the recipes that come with the program, ordered by name.
func Shipped() []*Recipe { return shipped() }

// IsFile reports whether the name of a recipe is the path of a file. Such a name has a
// slash or ends in .toml.
func IsFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".toml")
}

// Open returns the recipe of a name or of the path of a file. Its error is for the owner.
func Open(name string) (*Recipe, error) {
	if IsFile(name) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return Parse(name, text)
	}
	var names []string
	for _, r := range Shipped() {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return nil, fmt.Errorf("there is no recipe %.40q; shipped are %s, and a file of your own ends in .toml",
		name, strings.Join(names, ", "))
}
