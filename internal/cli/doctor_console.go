package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"atelierd/internal/app"
	"atelierd/internal/console/access"
	"atelierd/internal/control"
	"atelierd/internal/order"
	"atelierd/internal/term"
	"atelierd/internal/words"
)

// This file checks the console.

// soon is how long before the end of a certificate doctor warns.
const soon = 14 * 24 * time.Hour

// console checks whether browsers reach the console, and who may use it.
func (d *doctor) console(ctx context.Context, offline bool) {
	const name = "console"
	cfg := d.cfg.Console
	if !cfg.On() {
		return
	}
	if client, running := daemonOf(d.cfg.DataDir); running {
		if d.consoleServed(ctx, client) && !offline && cfg.PublicURL != "" {
			d.publicURL(ctx)
		}
	} else {
		d.listener(name, cfg.Listen, "", app.OpenConsolePort)
	}
	if cfg.TLS() {
		d.certificate()
	}
	d.consoleUsers(ctx)
}

// consoleServed reports whether a running daemon serves the console.
func (d *doctor) consoleServed(ctx context.Context, daemon *control.Client) bool {
	const name = "console"
	state, err := daemon.State(ctx)
	switch {
	case err != nil:
		d.warn(name, "", "the daemon does not say how it stands: %v", err)
	case state.Console.Error != "":
		d.fail(name, "correct [console] in the configuration, then run "+order.Command("reload"), "not served: %s", state.Console.Error)
	case state.Console.URL == "":
		d.warn(name, "run "+order.Command("reload"), "the daemon does not serve it; it began with another configuration")
	default:
		d.ok(name, "the daemon listens on %s", d.cfg.Console.Listen)
		return true
	}
	return false
}

// publicURL checks whether the address that browsers use leads to the console.
func (d *doctor) publicURL(ctx context.Context) {
	const name = "console"
	address := d.cfg.Console.PublicURL
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/login", http.NoBody)
	if err != nil {
		d.fail(name, "correct [console] public_url", "public_url: %v", err)
		return
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		d.warn(name, "check its name and its proxy; from elsewhere it may be reached all the same", "public_url %s is not reached from here: %v", address, err)
		return
	}
	answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		d.ok(name, "public_url %s leads there", address)
	case http.StatusMisdirectedRequest:
		d.fail(name, "have the proxy pass the Host of the browser on; docs/console.md shows how", "public_url %s leads there under another name", address)
	default:
		d.warn(name, "", "public_url %s answers with the status %d instead of the log-in", address, answer.StatusCode)
	}
}

// certificate checks the certificate of the console.
func (d *doctor) certificate() {
	const name = "console"
	hint := "renew the certificate, then run " + order.Command("reload")
	end, err := app.ConsoleCertificate(d.cfg)
	switch left := time.Until(end); {
	case err != nil:
		d.fail(name, "correct tls_cert and tls_key in [console]", "%v", err)
	case left <= 0:
		d.fail(name, hint, "its certificate ended on %s", end.Local().Format(time.DateOnly))
	case left < soon:
		d.warn(name, hint, "its certificate ends on %s", end.Local().Format(time.DateOnly))
	}
}

// consoleUsers shows who may use the console, and whether others can read that.
func (d *doctor) consoleUsers(ctx context.Context) {
	const name = "console"
	path := filepath.Join(d.cfg.DataDir, access.FileName)
	info, err := os.Stat(path)
	if err != nil {
		return // it is made when the console is first served
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		d.fail(name, "run `chmod 600 "+path+"`", "%s is open to other users (mode %04o)", path, info.Mode().Perm())
		return
	}
	a, err := access.Open(ctx, d.cfg.DataDir)
	if err != nil {
		d.failErr(name, err)
		return
	}
	defer a.Close()
	users, err := a.Users(ctx)
	if err != nil {
		d.failErr(name, err)
		return
	}
	agents, err := a.Tokens(ctx)
	if err != nil {
		d.failErr(name, err)
		return
	}
	d.ok(name, "%s", term.Sanitize(fmt.Sprintf("%s and %s may use it, and whoever can run %s here", words.Count(len(users), "user"), words.Count(len(agents), "agent"), order.Command("console"))))
}
