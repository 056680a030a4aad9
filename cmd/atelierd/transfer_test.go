package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"atelierd/internal/media"
	"atelierd/internal/sandbox"
)

// mostTransferRSS is the most memory of a daemon that downloads and uploads three files
// of 50 MB at once, in kB.
const mostTransferRSS = 40 << 10

// filmForm is how a generator answers with a film.
type filmForm string

const (
	asLink   filmForm = "links"
	asBody   filmForm = "bodies"
	asBase64 filmForm = "base64"
)

// films is a generator that makes a film of 50 MB for each order. It answers with a link,
// with the film itself, or with JSON that holds it in base64. The films are sent once
// three are asked for, so that all are under way at once.
type films struct {
	form           filmForm
	calls, fetched atomic.Int64
	all            chan struct{}
}

func (f *films) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	made := filepath.Base(r.URL.Path)
	if r.Method == http.MethodPost {
		_, _ = io.Copy(io.Discard, r.Body) // what is ordered does not matter
		made = fmt.Sprint(f.calls.Add(1))
	}
	switch {
	case r.Method == http.MethodPost && f.form == asLink:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"urls":["http://%s/film/%s"]}`, r.Host, made)
		return
	case r.Method != http.MethodPost && !strings.HasPrefix(r.URL.Path, "/film/"):
		return // a probe
	}
	if f.fetched.Add(1) == 3 {
		close(f.all)
	}
	select {
	case <-f.all:
	case <-r.Context().Done():
		return
	}
	if f.form == asBase64 {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"urls":["data:video/mp4;base64,`)
		coded := base64.NewEncoder(base64.StdEncoding, w)
		writeFilm(coded, made)
		_ = coded.Close() // a lost connection shows at the daemon
		fmt.Fprint(w, `"]}`)
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Content-Length", fmt.Sprint(media.MaxBytes))
	writeFilm(w, made)
}

// writeFilm writes a film that differs by its name.
func writeFilm(w io.Writer, name string) {
	head := []byte("\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom\x00\x00\x00\x10moov\x00\x00\x00\x08trak")
	head = binary.BigEndian.AppendUint32(head, uint32(media.MaxBytes-len(head)))
	head = append(append(head, "mdat"...), name...)
	_, _ = w.Write(head) // a lost connection shows at the daemon
	block := bytes.Repeat([]byte("film"), 16<<10)
	for left := media.MaxBytes - len(head); left > 0; left -= len(block) {
		_, _ = w.Write(block[:min(left, len(block))])
	}
}

func TestThreeFilesOf50MBFitIntoMemory(t *testing.T) {
	t.Parallel()
	if !*measured {
		t.Skip("it moves 300 MB; make bench runs it")
	}
	for _, form := range []filmForm{asLink, asBody, asBase64} {
		t.Run(string(form), func(t *testing.T) {
			t.Parallel()
			transfer(t, &films{form: form, all: make(chan struct{})})
		})
	}
}

// transfer delivers three films and measures the daemon.
func transfer(t *testing.T, generator *films) {
	t.Helper()
	s := newFixture(t, sandbox.Options{})
	server := httptest.NewServer(generator)
	t.Cleanup(server.Close)
	config, err := os.ReadFile(filepath.Join(s.dir, "atelierd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"[work]\n", "[work]\ngenerators = 3\n", "image_gen", "video_gen", "deliver_timeout = \"1s\"\n", "",
		"type = \"exec\"\ncommand = [\"./make-picture\"]", "type = \"http\"\nbase_url = \""+server.URL+"\"",
	).Replace(string(config))
	s.write("atelierd.toml", text, 0o600)
	c := s.start()
	s.until("it does not run", func() bool { return strings.Contains(c.log.String(), "running") })
	idle := peakRSS(t, c.Process.Pid)
	s.place(3)
	s.await(c)
	peak := peakRSS(t, c.Process.Pid)
	t.Logf("at most %d kB, %d kB before the files", peak, idle)
	if peak > mostTransferRSS {
		t.Errorf("the daemon took %d kB, want at most %d", peak, mostTransferRSS)
	}
	s.stop(c)
}
