package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/console/access"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/store/storetest"
)

// consoled is a running daemon with a console.
type consoled struct {
	*restarts
	app    *App
	client *http.Client
}

func newConsoled(t *testing.T, c config.Console) *consoled {
	t.Helper()
	d := &consoled{restarts: newRestarts(t, storetest.Dir(t))}
	d.cfg.Console, d.cfg.Digest = c, "1"
	d.cfg.Messages.Interval, d.cfg.Messages.WindowInterval, d.cfg.Bounties.Interval = time.Hour, time.Hour, time.Hour
	a, err := Open(t.Context(), Options{
		Config: &d.cfg, Getenv: d.getenv, Transport: straight{d.market},
		Generators: map[string]fulfill.Generator{"studio": {Name: "studio", Backend: &slowProvider{}, Price: order.Dollar / 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.app = a
	t.Cleanup((&drill{t: t}).start(a))
	return d
}

// loop returns the loop of the console, once the daemon runs.
func (d *consoled) loop() *consoleLoop {
	d.t.Helper()
	for {
		if r := d.app.reloader.Load(); r != nil {
			return r.parts.Console
		}
		if d.t.Context().Err() != nil {
			d.t.Fatal("the daemon does not run")
		}
		runtime.Gosched()
	}
}

// served waits until the console is served or has failed, and returns where, and why.
func (d *consoled) served() (url, failed string) {
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	s := d.loop().await(ctx)
	if s.failed != nil {
		return "", s.failed.Error()
	}
	return s.url, ""
}

// get returns the status of the log-in page.
func (d *consoled) get(url string) *http.Response {
	d.t.Helper()
	r, err := d.client.Get(url + "/login")
	if err != nil {
		d.t.Fatal(err)
	}
	r.Body.Close()
	return r
}

// TestTheConsoleListensOnASocketForAProxy guards that the socket of a dead process is
// replaced, that of a living one is not, and that others cannot open it.
func TestTheConsoleListensOnASocketForAProxy(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir, err := os.MkdirTemp("", "con")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "c.sock")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	c := config.Console{Listen: "unix:" + path, PublicURL: "https://c.example"}
	d := newConsoled(t, c)
	if url, failed := d.served(); url != "https://c.example" {
		t.Fatalf("served at %q: %s", url, failed)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	d.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	for host, want := range map[string]int{"c.example": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		if r := d.get("http://" + host); r.StatusCode != want {
			t.Errorf("as %s: %s", host, r.Status)
		}
	}
	if l, err := OpenConsolePort(Options{Config: &config.Config{Console: c}}); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a second console opens %v, %v", l, err)
	}
	d.get("http://c.example")
}

func TestTheConsoleHasACertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := selfSigned(t, dir)
	d := newConsoled(t, config.Console{Listen: "127.0.0.1:0", Cert: cert, Key: key})
	url, failed := d.served()
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("served at %q: %s", url, failed)
	}
	d.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer d.client.CloseIdleConnections()
	if r := d.get(url); r.StatusCode != http.StatusOK || r.ProtoMajor != 2 {
		t.Errorf("over TLS: %s %s", r.Proto, r.Status)
	}
	link := d.loop().link(t.Context(), "jo")
	d.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := d.client.Post(link.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if cookie := r.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-") || !strings.Contains(cookie, "Secure") {
		t.Errorf("the cookie is %s", cookie)
	}
	if end, err := ConsoleCertificate(&d.cfg); err != nil || time.Until(end) < time.Minute {
		t.Errorf("the certificate ends at %s, %v", end, err)
	}
}

// selfSigned writes a certificate for this machine.
func selfSigned(t *testing.T, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "c.crt"), filepath.Join(dir, "c.key")
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(cert, public, 0o600), os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return cert, key, pool
}

// TestAConsoleThatFailsStopsNoWork guards the daemon against what is wrong with the console.
func TestAConsoleThatFailsStopsNoWork(t *testing.T) {
	t.Parallel()
	d := newConsoled(t, config.Console{})
	if url, failed := d.served(); url != "" || failed != "" {
		t.Fatalf("a console that is off is at %q: %s", url, failed)
	}
	path := filepath.Join(d.cfg.DataDir, access.FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.change(config.Console{Listen: "127.0.0.1:0"})
	if url, failed := d.served(); !strings.Contains(failed, "not a database") {
		t.Fatalf("served at %q: %s", url, failed)
	}
	if link := d.loop().link(t.Context(), "jo"); !strings.HasPrefix(link.Error, "the console is not served: open ") || link.Hint == "" {
		t.Errorf("a link of a broken console: %+v", link)
	}
	d.change(config.Console{Listen: "127.0.0.1:0", Cert: "none.crt", Key: "none.key"})
	if url, failed := d.served(); !strings.Contains(failed, "certificate") {
		t.Errorf("served at %q: %s", url, failed)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	d.change(config.Console{Listen: "127.0.0.1:0"})
	url, failed := d.served()
	d.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if url == "" || d.get(url).StatusCode != http.StatusOK {
		t.Errorf("served at %q: %s", url, failed)
	}
	if link := d.loop().link(t.Context(), "jo"); !strings.HasPrefix(link.URL, url+"/login/") {
		t.Errorf("the link is %+v", link)
	}
	d.change(config.Console{Listen: "127.0.0.1:0"}) // as before
	if now, _ := d.served(); now != url {
		t.Errorf("a reload that changes nothing moves the console from %s to %s", url, now)
	}
	d.change(config.Console{})
	if _, err := d.client.Get(url); err == nil {
		if shown := d.loop().shown(); shown.URL != "" {
			t.Errorf("a console that was turned off is served: %+v", shown)
		}
	}
}

// change puts other settings in use, as a reload does.
func (d *consoled) change(c config.Console) {
	d.t.Helper()
	cfg := *d.app.config()
	cfg.Console = c
	d.app.live.Store(&live{&cfg, d.app.live.Load().services})
	d.loop().Change()
}
