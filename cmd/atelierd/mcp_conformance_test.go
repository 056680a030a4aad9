package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// conformanceFolder is the variable that names the folder with the protocol's conformance
// cases and a node to run them with, as .ci/conformance makes it.
const conformanceFolder = "MCP_CONFORMANCE"

// TestAgentsAreAnsweredAsTheProtocolSays runs the protocol's own cases on the console of a
// real daemon. The other cases are about prompts, completion, subscriptions and elicitation,
// which it does not offer, or call the tools of a server that is made for them.
func TestAgentsAreAnsweredAsTheProtocolSays(t *testing.T) {
	t.Parallel()
	folder := os.Getenv(conformanceFolder)
	if folder == "" {
		t.Skip("$" + conformanceFolder + " names no folder; `bash .ci/conformance` makes one and runs this test")
	}
	d := newDesk(t)
	d.begin()
	address := d.withToken(d.token("conformance"))
	for _, scenario := range []string{
		"server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "logging-set-level", "server-sse-multiple-streams", "dns-rebinding-protection",
	} {
		cases := exec.CommandContext(t.Context(), filepath.Join(folder, "node"),
			filepath.Join(folder, "node_modules/@modelcontextprotocol/conformance/dist/index.js"), "server", "--url", address, "--scenario", scenario)
		cases.Dir = t.TempDir()
		if text, err := cases.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", scenario, err, text)
		}
	}
}
