// Package browser opens a page in the browser of whoever runs a command.
//
// It must not know what the page is.
package browser

import (
	"errors"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Open opens an address in the browser: in that of $BROWSER, or in the one of the desktop.
// It reports false where there is neither, as on a server. environ is that of the command,
// in the form of os.Environ.
func Open(address string, environ []string) (bool, error) {
	words := command(address, runtime.GOOS, environ)
	if words == nil {
		return false, nil
	}
	c := exec.Command(words[0], words[1:]...)
	c.Env = passed(environ)
	if err := c.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			err = nil // the desktop has nothing that opens addresses
		}
		return false, err
	}
	go func() { _ = c.Wait() }() // the browser outlives this process
	return true, nil
}

// command returns the command that opens an address, or nil if there is none.
func command(address, system string, environ []string) []string {
	env := func(name string) string { return value(environ, name) }
	first, _, _ := strings.Cut(env("BROWSER"), ":") // a list of them, by custom
	if words := strings.Fields(first); len(words) > 0 {
		if !slices.Contains(words, "%s") {
			words = append(words, "%s")
		}
		words[slices.Index(words, "%s")] = address
		return words
	}
	switch {
	case system == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	case system == "darwin" && env("SSH_CONNECTION") == "":
		return []string{"open", address}
	case system != "darwin" && env("DISPLAY")+env("WAYLAND_DISPLAY") != "":
		return []string{"xdg-open", address}
	}
	return nil
}

func value(environ []string, name string) string {
	for _, each := range slices.Backward(environ) {
		if rest, ok := strings.CutPrefix(each, name+"="); ok {
			return rest
		}
	}
	return ""
}

// needed begin the names of the variables that a browser needs. Others may hold secrets.
var needed = []string{
	"HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_", "TMPDIR", "TMP", "TEMP", "BROWSER", "DISPLAY", "XAUTHORITY", "WAYLAND_", "XDG_", "DBUS_",
	"DESKTOP_", "KDE_", "GNOME_", "MOZ_", "WSL_", "SYSTEMROOT", "SystemRoot", "APPDATA", "LOCALAPPDATA", "USERPROFILE",
}

// passed returns the variables that the browser gets.
func passed(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(each string) bool {
		return !slices.ContainsFunc(needed, func(name string) bool { return strings.HasPrefix(each, name) })
	})
}
