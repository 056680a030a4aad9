package order

import "fmt"

// Sample is what the owner has a generator make to see what it can do.
type Sample struct {
	Prompt string `json:"prompt"`
	// References are the absolute paths of pictures.
	References []string `json:"references,omitempty"`
	// Params take the place of those of the configuration.
	Params map[string]any `json:"params,omitempty"`
	// Output is the absolute folder for the files; empty for the one in the data folder.
	Output string `json:"output,omitempty"`
}

// NewSample is the call of a sample that is about to be recorded.
type NewSample struct {
	NewCall
	Sample Sample
}

// OpenSample is the open call of a sample.
type OpenSample struct {
	Call   Call
	Sample Sample
}

// SampleKey returns the idempotency key of a sample. n counts the samples recorded for
// the generator, from 1.
func SampleKey(c NewSample, n int64) string {
	return callKey(fmt.Sprintf("sample %q %q %q %d", c.Agent, c.Generator, c.Sample.Prompt, n))
}
