package main_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTheDemoIsKeptWithItsConsole guards what an owner looks at first: the link of the demo
// logs in, the console shows that two pictures wait, and ctrl-c ends everything well.
func TestTheDemoIsKeptWithItsConsole(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(program, "demo", "--keep", "--orders", "6", "--limit", "5m", "--dir", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	var seen strings.Builder
	link := ""
	for lines := bufio.NewScanner(out); link == "" && lines.Scan(); {
		seen.WriteString(lines.Text() + "\n")
		link = regexp.MustCompile(`^http://\S+/login/\S+$`).FindString(lines.Text())
	}
	if link == "" {
		t.Fatalf("the demo shows no link:\n%s", seen.String())
	}
	r, err := http.NewRequest(http.MethodPost, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) == 0 {
		t.Errorf("the link answers %s", resp.Status)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ctrl-c ends it with %v", err)
	}
}
