package main_test

import (
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"

	"atelierd/internal/generate/gentest"
)

// scriptModel starts a server of the chat completions API whose model answers the text to
// every question, and sets MODEL to its address: model TEXT.
func scriptModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: model text")
	}
	server := httptest.NewServer(gentest.NewChat("model-key", func(gentest.ChatRequest) string { return args[0] }))
	ts.Defer(server.Close)
	ts.Setenv("MODEL", server.URL)
}
