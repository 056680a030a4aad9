package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestTheCommandIsThatOfTheOwnerOrOfTheDesktop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		system, environ, want string
	}{
		{"linux", "", ""},
		{"linux", "DISPLAY=:0", "xdg-open PAGE"},
		{"linux", "WAYLAND_DISPLAY=wayland-0", "xdg-open PAGE"},
		{"linux", "DISPLAY=:0 BROWSER=firefox", "firefox PAGE"},
		{"linux", "BROWSER=firefox:lynx", "firefox PAGE"},
		{"linux", "BROWSER=", ""},
		{"darwin", "", "open PAGE"},
		{"darwin", "SSH_CONNECTION=1", ""},
		{"windows", "", "rundll32 url.dll,FileProtocolHandler PAGE"},
	} {
		if got := strings.Join(command("PAGE", c.system, strings.Fields(c.environ)), " "); got != c.want {
			t.Errorf("on %s with %q: %q, want %q", c.system, c.environ, got, c.want)
		}
	}
	if got := command("PAGE", "linux", []string{"BROWSER=open -a %s --new"}); !slices.Equal(got, []string{"open", "-a", "PAGE", "--new"}) {
		t.Errorf("a command with a place for the address: %q", got)
	}
}

func TestTheBrowserGetsNoSecret(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	program := filepath.Join(dir, "browser")
	if text, err := exec.Command("mkfifo", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n(echo \"$1\"; env) > "+out+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	opened, err := Open("file:///page", []string{"PATH=" + os.Getenv("PATH"), "BROWSER=" + program, "ATELIER_API_KEY=secret", "HOME=/home/jo"})
	if err != nil || !opened {
		t.Fatalf("opened: %t, %v", opened, err)
	}
	got, err := os.ReadFile(out) // it waits for the browser
	if err != nil {
		t.Fatal(err)
	}
	if text := string(got); !strings.HasPrefix(text, "file:///page\n") || !strings.Contains(text, "HOME=/home/jo") || strings.Contains(text, "secret") {
		t.Errorf("the browser got %s", text)
	}
	if opened, err := Open("file:///page", []string{"DISPLAY=:0", "PATH=" + dir, "BROWSER=" + filepath.Join(dir, "none")}); opened || err == nil {
		t.Errorf("a browser that is none: %t, %v", opened, err)
	}
}
