package config

import (
	_ "embed"
	"strings"
	"time"
)

var (
	//go:embed example.toml
	example string
	//go:embed sandbox.toml
	sandbox string
)

// SandboxAddress is where a sandbox listens if nothing else is said, and SandboxWindow
// the window in which it counts requests. The real marketplace's is an hour.
const (
	SandboxAddress = "127.0.0.1:8390"
	SandboxWindow  = time.Minute
)

// Example returns the file that a new owner starts from. It works at once, with
// the built-in canvas, and explains every key.
func Example() string { return example }

// Sandbox returns the complete configuration for a sandbox that listens on an address
// and counts requests in windows of a length.
func Sandbox(address string, window time.Duration) string {
	return strings.NewReplacer("SANDBOX", address, "WINDOW", short(window)).Replace(sandbox)
}
