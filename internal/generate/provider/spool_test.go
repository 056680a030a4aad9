package provider

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestALargeFileOfAServiceGoesToTheDisk(t *testing.T) {
	t.Parallel()
	film := map[string]string{"Content-Type": "video/mp4"}
	for name, size := range map[string]int{"small": memoryLimit - 1, "as large as memory": memoryLimit, "large": 3*memoryLimit + 7} {
		body := strings.Repeat("film", size/4+1)[:size]
		s := script(t, map[string][]said{"POST /": {{status: 200, body: body, header: film}}})
		req := generate.Request{Prompt: "a lighthouse", OutputDir: filepath.Join(t.TempDir(), "out")}
		made, err := s.provider(t, Spec{Type: "http"}).Generate(t.Context(), req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		left, _ := os.ReadDir(req.OutputDir)
		if got, err := os.ReadFile(made.Files[0]); err != nil || string(got) != body || len(left) != 1 {
			t.Errorf("%s: got %d bytes, %v, in a folder with %v", name, len(got), err, left)
		}
	}
}

func TestALargePageInsteadOfAnAnswerLeavesNothing(t *testing.T) {
	t.Parallel()
	page := "<html>" + strings.Repeat("be right back ", memoryLimit)
	s := script(t, map[string][]said{"POST /sdapi/v1/txt2img": {{status: 200, body: page}}})
	req := generate.Request{Prompt: "a lighthouse", OutputDir: t.TempDir()}
	_, err := s.provider(t, Spec{Type: "a1111"}).Generate(t.Context(), req)
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeBadAnswer {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(req.OutputDir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// reading returns an answer of status 200 with the body.
func reading(body io.Reader) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}
}

func TestOnlyWhatIsNoJSONGoesToTheDisk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begins string
		status int
		disk   bool
	}{
		"a film":               {"\x00\x00\x00\x14ftyp", 200, true},
		"an object":            {"\ufeff\r\n {\"urls\":[\"data:", 200, false},
		"a list":               {"[", 200, false},
		"the text of an error": {"out of order", 500, false},
	} {
		s := spool{dir: t.TempDir()}
		body := c.begins + strings.Repeat("x", 2*memoryLimit)
		resp := reading(strings.NewReader(body))
		resp.StatusCode = c.status
		got, file, err := s.read(resp, maxAnswer)
		if err != nil || (file != "") != c.disk || !c.disk && string(got) != body {
			t.Errorf("%s: got %d bytes, file %q, %v", name, len(got), file, err)
		}
	}
	if got, file, err := (&spool{}).read(reading(strings.NewReader(strings.Repeat("x", 2*memoryLimit))), maxAnswer); len(got) != 2*memoryLimit || file != "" || err != nil {
		t.Errorf("without a folder: got %d bytes, file %q, %v", len(got), file, err)
	}
}

// torn is a body that ends with an error of the network.
type torn struct{ io.Reader }

func (r torn) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestAnAnswerThatCannotBeStoredSaysWhy(t *testing.T) {
	t.Parallel()
	film := func() io.Reader { return strings.NewReader(strings.Repeat("film", memoryLimit)) }
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (&spool{dir: dir}).read(reading(torn{film()}), maxAnswer); err != io.ErrUnexpectedEOF { //nolint:errorlint // no failure of the disk wraps it
		t.Errorf("torn: got %v", err)
	}
	if _, _, err := (&spool{dir: dir}).read(reading(film()), 2*memoryLimit); !errors.Is(err, errTooLong) {
		t.Errorf("too long: got %v", err)
	}
	_, _, err := (&spool{dir: filepath.Join(file, "out")}).read(reading(film()), maxAnswer)
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeOutputDir || f.Charge != order.ChargePending {
		t.Errorf("no folder: got %v", err)
	}
	(&spool{dir: dir}).clear()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}
