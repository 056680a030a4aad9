package main_test

import (
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"

	"atelierd/internal/generate/gentest"
)

// scriptModel starts a server of the chat completions API whose model answers the texts, one a
// question and the last one to all that follow, and sets MODEL to its address: model TEXT...
func scriptModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: model text...")
	}
	server := httptest.NewServer(gentest.NewChat("model-key", func(gentest.ChatRequest) string {
		text := args[0]
		args = args[min(1, len(args)-1):]
		return text
	}))
	ts.Defer(server.Close)
	ts.Setenv("MODEL", server.URL)
}
