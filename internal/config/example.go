package config

import _ "embed"

//go:embed example.toml
var example string

// Example is the file that a new owner starts from: it works at once, with the
// built-in canvas, and says what every key means.
func Example() string { return example }
