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

// keptDemo is a demo that has shown a link to its console.
type keptDemo struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  io.Reader
	link string
}

// keepDemo runs a demo of n orders, and returns when it ends with the link.
func keepDemo(t *testing.T, n string) *keptDemo {
	t.Helper()
	return startDemo(t, regexp.MustCompile(`^http://\S+/login/\S+$`), "--keep", "--orders", n)
}

// startDemo runs a demo, and returns when a line of it has a link.
func startDemo(t *testing.T, link *regexp.Regexp, args ...string) *keptDemo {
	t.Helper()
	d := &keptDemo{t: t, cmd: exec.Command(program, append([]string{"demo", "--limit", "5m", "--dir", t.TempDir()}, args...)...)}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(10*time.Minute, func() { _ = d.cmd.Process.Kill() })
	t.Cleanup(func() {
		limit.Stop()
		_ = d.cmd.Process.Kill() // for a test that has failed
	})
	var seen strings.Builder
	reader := bufio.NewReader(out)
	for d.link == "" && err == nil {
		var line string
		line, err = reader.ReadString('\n')
		seen.WriteString(line)
		d.link = link.FindString(strings.TrimSpace(line))
	}
	if d.link == "" {
		t.Fatalf("the demo shows no link:\n%s", seen.String())
	}
	d.out = reader
	return d
}

// end ends the demo with ctrl-c.
func (d *keptDemo) end() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, d.out); err != nil {
		d.t.Error(err)
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("ctrl-c ends it with %v", err)
	}
}

// TestTheDemoIsKeptWithItsConsole guards what an owner looks at first: the link of the demo
// logs in, and ctrl-c ends everything well.
func TestTheDemoIsKeptWithItsConsole(t *testing.T) {
	t.Parallel()
	d := keepDemo(t, "6")
	r, err := http.NewRequest(http.MethodPost, d.link, nil)
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
	d.end()
}

// TestTheDemoEndsWithItsConsole guards that the console can be watched while a demo runs that
// is not kept, and that the last lines say where it was and how to keep it.
func TestTheDemoEndsWithItsConsole(t *testing.T) {
	t.Parallel()
	d := startDemo(t, regexp.MustCompile(`http://\S+/login/\S+$`), "--orders", "6")
	resp, err := http.Get(d.link)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("while it runs the link answers %s", resp.Status)
	}
	var rest strings.Builder
	if _, err := io.Copy(&rest, d.out); err != nil {
		t.Error(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	lines := strings.Split(strings.TrimSpace(rest.String()), "\n")
	end := strings.Join(lines[max(0, len(lines)-5):], "\n")
	site, _, _ := strings.Cut(d.link, "login/")
	for _, want := range []string{site, "demo --keep"} {
		if !strings.Contains(end, want) {
			t.Errorf("it does not end with %s:\n%s", want, end)
		}
	}
}
