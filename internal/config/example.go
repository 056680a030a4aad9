package config

import _ "embed"

//go:embed example.toml
var example string

// Example returns the file that a new owner starts from. It works at once, with
// the built-in canvas, and explains every key.
func Example() string { return example }
