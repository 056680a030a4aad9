package provider

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// said is an answer of a scripted provider. {{base}} in its body is its address.
type said struct {
	status int
	body   string
	header map[string]string
}

// heard is a request that a scripted provider got.
type heard struct {
	header http.Header
	body   map[string]any
}

// scripted is a provider with prepared answers by "METHOD /path?query". The last of
// several is repeated, and anything else is 404.
type scripted struct {
	url  string
	mu   sync.Mutex
	says map[string][]said
	got  map[string][]heard
}

func script(t *testing.T, says map[string][]said) *scripted {
	t.Helper()
	s := &scripted{says: says, got: map[string][]heard{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := r.Method + " " + r.URL.RequestURI()
	body, _ := io.ReadAll(r.Body)
	h := heard{header: r.Header}
	_ = json.Unmarshal(body, &h.body) // a GET has none
	s.got[place] = append(s.got[place], h)
	answers := s.says[place]
	if len(answers) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(answers) > 1 {
		s.says[place] = answers[1:]
	}
	for name, value := range answers[0].header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answers[0].status)
	_, _ = io.WriteString(w, strings.ReplaceAll(answers[0].body, "{{base}}", s.url))
}

// requests returns what was sent to a path.
func (s *scripted) requests(place string) []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[place]
}

func (s *scripted) provider(t *testing.T, spec Spec) *Provider {
	t.Helper()
	spec.BaseURL, spec.PollInterval = s.url, time.Millisecond
	spec.Key = func() (secret.Text, error) { return secret.New("k-123"), nil }
	p, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// generate makes a request, and returns the contents of its files, or the failure.
func (s *scripted) generate(t *testing.T, spec Spec, req generate.Request) ([]string, *order.Failure) {
	t.Helper()
	if req.Prompt == "" {
		req.Prompt = "a lighthouse"
	}
	req.OutputDir = t.TempDir()
	made, err := s.provider(t, spec).Generate(t.Context(), req)
	if err != nil {
		f, ok := errors.AsType[*order.Failure](err)
		if !ok {
			t.Fatalf("got %T %v, want an *order.Failure", err, err)
		}
		return nil, f
	}
	var contents []string
	for _, file := range made.Files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(b))
	}
	return contents, nil
}

// resumed polls a job that an earlier run submitted.
func (s *scripted) resumed(t *testing.T, spec Spec, ticket string) ([]string, *order.Failure) {
	t.Helper()
	return s.generate(t, spec, generate.Request{Call: generate.Call{Ticket: ticket}})
}

// wantFailure compares class, code and charge.
func wantFailure(t *testing.T, got *order.Failure, class order.Class, code order.Code, spending order.Charge) {
	t.Helper()
	if got == nil {
		t.Fatalf("got no failure, want %s %s", class, code)
	}
	if got.Class != class || got.Code != code || got.Charge != spending {
		t.Errorf("got %s %s, spending %q (%v), want %s %s, spending %q", got.Class, got.Code, got.Charge, got, class, code, spending)
	}
}

// pictures returns references whose bytes are "picture".
func pictures(t *testing.T, n int) []generate.Reference {
	t.Helper()
	file := filepath.Join(t.TempDir(), "picture")
	if err := os.WriteFile(file, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	var list []generate.Reference
	for range n {
		list = append(list, generate.Reference{Path: file, MIME: "image/png", URL: "https://example.com/picture.png"})
	}
	return list
}

const pictureURI = "data:image/png;base64,cGljdHVyZQ=="
