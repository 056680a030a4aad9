package main

import "github.com/alecthomas/kong"

// Leaves returns every command that can be run, such as "orders show".
func Leaves() ([]string, error) {
	parser, err := kong.New(&commands{}, kong.Name("atelierd"))
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, leaf := range parser.Model.Leaves(true) {
		paths = append(paths, leaf.Path())
	}
	return paths, nil
}
