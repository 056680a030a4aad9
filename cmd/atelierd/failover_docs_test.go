package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/sandbox"
)

// TestTheFailoverDrillOfTheDocsWorksAsPrinted runs the commands of docs/failover.md. Only
// the addresses are others. Each order is delivered once.
func TestTheFailoverDrillOfTheDocsWorksAsPrinted(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	_, rest, _ := strings.Cut(string(must(os.ReadFile("../../docs/failover.md"))), "<!-- drill -->\n\n```sh\n")
	script, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/failover.md has no drill")
	}
	dir := t.TempDir()
	ports := freePorts(2)
	script = strings.Replace(script, "127.0.0.1:8390", fmt.Sprint("127.0.0.1:", ports[0]), 1)
	script = strings.Replace(script, "cp north", fmt.Sprintf("sed -i.old s/127.0.0.1:8377/127.0.0.1:%d/ north/atelierd.toml\ncp north", ports[1]), 1)
	script += "\ncurl -s http://$BOX/sandbox/orders > ../orders.json\n"
	drill := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	drill.Dir = dir
	drill.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir)
	out, err := drill.CombinedOutput()
	if err != nil {
		t.Fatalf("the drill fails: %v\n%s", err, out)
	}
	for _, want := range []string{"exit code 4", "north", "south"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the drill does not print %q:\n%s", want, out)
		}
	}
	var shown struct {
		Data []sandbox.Order `json:"data"`
	}
	if err := json.Unmarshal(must(os.ReadFile(filepath.Join(dir, "orders.json"))), &shown); err != nil || len(shown.Data) != 3 {
		t.Fatalf("the marketplace has %d orders: %v", len(shown.Data), err)
	}
	for _, o := range shown.Data {
		if len(o.Deliveries) != 1 {
			t.Errorf("%s was delivered %d times", o.Brief, len(o.Deliveries))
		}
	}
}
