package main_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"atelierd/internal/sandbox"
)

// image is the file system of dist/Dockerfile, and what the file says about a process in it.
type image struct {
	t       *testing.T
	root    string
	out     string // what the build stage calls /out
	env     []string
	folder  string
	command []string
	health  []string
}

// TestImage builds the file system of the image as dist/Dockerfile says and runs the daemon
// in it as the image's user: it checks the certificate of a marketplace, delivers an order,
// and is alive to the health check.
func TestImage(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can enter another root folder")
	}
	m := buildImage(t)
	if out, err := m.run(nil, "/usr/bin/atelierd", "--version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "atelierd v-image ") {
		t.Fatalf("the program of the image: %v\n%s", err, out)
	}
	s := &fixture{t: t, market: sandbox.New(sandbox.Options{Window: 10 * time.Second})}
	server := httptest.NewUnstartedServer(s.market)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the first certificate check fails
	server.StartTLS()
	t.Cleanup(server.Close)
	m.configure(server.URL)

	// The sandbox's certificate is unknown until its issuer is in the file of the image.
	doctor, _ := m.run(nil, "/usr/bin/atelierd", "doctor").CombinedOutput()
	if !strings.Contains(string(doctor), "certificate") {
		t.Errorf("nothing is said about a certificate that nobody knows:\n%s", doctor)
	}
	authorities, err := os.OpenFile(filepath.Join(m.root, "etc/ssl/certs/ca-certificates.crt"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := pem.Encode(authorities, &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}); err != nil {
		t.Fatal(err)
	}
	if err := authorities.Close(); err != nil {
		t.Fatal(err)
	}

	var written bytes.Buffer
	daemon := m.run([]string{"TZ=Asia/Tokyo"}, m.command...)
	daemon.Stdout, daemon.Stderr = &written, &written
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("the image is not healthy", func() bool { return m.run(nil, m.health...).Run() == nil })
	s.until("the service is not listed", func() bool {
		_, err := s.market.PlaceOrder(sandbox.NewOrder{Brief: "a red fox"})
		return err == nil
	})
	s.until("the order is not delivered", func() bool { return s.market.Orders()[0].Status == "delivered" })
	if err := daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := daemon.Wait(); err != nil {
		t.Errorf("the daemon of the image: %v\n%s", err, written.String())
	}
	if !strings.Contains(written.String(), "+09:00") {
		t.Errorf("the log is not in the time zone that TZ names:\n%s", written.String())
	}
	m.look("tmp", os.ModeSticky|0o777, 0)
	m.look("var/lib/atelierd", 0o700, 65532)
	m.look("var/lib/atelierd/atelierd.db", 0o600, 65532)
}

// buildImage does what each line of dist/Dockerfile says. /out of the build stage is a
// temporary folder; what else that stage has is taken from this machine.
func buildImage(t *testing.T) *image {
	t.Helper()
	text, err := os.ReadFile("../../dist/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := &image{t: t, root: t.TempDir(), out: t.TempDir()}
	if err := os.Chmod(filepath.Dir(m.root), 0o755); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case word == "RUN":
			m.shell(rest)
		case word == "COPY" && strings.HasPrefix(rest, "--from=build "):
			m.copy(strings.Fields(rest)[1:])
		case word == "ENV":
			m.env = append(m.env, rest)
		case word == "USER" && rest != "65532:65532":
			t.Errorf("the user of the image is %s", rest)
		case word == "WORKDIR":
			m.folder = rest
		case word == "ENTRYPOINT", word == "CMD":
			m.command = append(m.command, m.words(rest)...)
		case word == "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, "CMD ")
			m.health = m.words(command)
		}
	}
	return m
}

// words reads a command that is written as JSON.
func (m *image) words(text string) (list []string) {
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		m.t.Fatalf("%s: %v", text, err)
	}
	return list
}

// shell runs a command of the build stage.
func (m *image) shell(command string) {
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(command, "/out", m.out))
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "VERSION=v-image")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// copy copies what the build stage has made: a file, or what is in a folder.
func (m *image) copy(args []string) {
	owner := "0:0"
	if flag, ok := strings.CutPrefix(args[0], "--chown="); ok {
		owner, args = flag, args[1:]
	}
	from, to := strings.Replace(args[0], "/out", m.out, 1), filepath.Join(m.root, args[1])
	info, err := os.Stat(from)
	if err != nil {
		m.t.Fatal(err)
	}
	folder := filepath.Dir(to)
	if info.IsDir() {
		from, folder = from+"/.", to
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		m.t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-R", "--preserve=mode", from, to).CombinedOutput(); err != nil {
		m.t.Fatalf("copy %s: %v\n%s", from, err, out)
	}
	if out, err := exec.Command("chown", "-R", owner, to).CombinedOutput(); err != nil {
		m.t.Fatalf("chown %s: %v\n%s", to, err, out)
	}
}

// run returns a process in the image, as its user.
func (m *image) run(env []string, command ...string) *exec.Cmd {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = m.folder, append(env, m.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     m.root,
		Credential: &syscall.Credential{Uid: 65532, Gid: 65532},
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd
}

// configure mounts a configuration, as an owner does: that of a sandbox, which serves over
// TLS here, with the data in the folder of the image.
func (m *image) configure(market string) {
	folder := filepath.Join(m.root, "etc/atelierd")
	if err := os.Mkdir(folder, 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chown(folder, 65532, 65532); err != nil {
		m.t.Fatal(err)
	}
	const file = "/etc/atelierd/atelierd.toml"
	if out, err := m.run(nil, "/usr/bin/atelierd", "init", "--sandbox", "--config", file).CombinedOutput(); err != nil {
		m.t.Fatalf("init in the image: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(m.root, file))
	if err != nil {
		m.t.Fatal(err)
	}
	s := strings.NewReplacer("http://127.0.0.1:8390", market, `data_dir = "./sandbox-data"`, "", `listen = "127.0.0.1:8377"`, `listen = "127.0.0.1:0"`).Replace(string(text))
	if !strings.Contains(s, fmt.Sprintf("base_url = %q", market+"/api")) {
		m.t.Fatalf("the configuration of a sandbox is not understood:\n%s", s)
	}
	if err := os.WriteFile(filepath.Join(m.root, file), []byte(s), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// look checks who may do what with a file of the image.
func (m *image) look(path string, mode os.FileMode, owner uint32) {
	m.t.Helper()
	info, err := os.Stat(filepath.Join(m.root, path))
	if err != nil {
		m.t.Error(err)
		return
	}
	if got := info.Mode() &^ os.ModeDir; got != mode || info.Sys().(*syscall.Stat_t).Uid != owner {
		m.t.Errorf("%s has the mode %v and the owner %d", path, info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
	}
}
