package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"atelierd/internal/beat"
)

// newFetcher returns a client that has no credentials and follows no redirect: another
// address is not the one that is delivered.
func newFetcher(t http.RoundTripper) *http.Client {
	if t == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableCompression, own.ResponseHeaderTimeout = true, 30*time.Second
		t = own
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// fetches is how often an address that shows nothing yet is fetched.
const fetches = 5

// compare fetches the address of a file until it shows something, and compares that with
// the file.
func (s *Storage) compare(ctx context.Context, f File) (err error) {
	address, err := s.address(f.Key)
	if err != nil {
		return err
	}
	for try := range fetches {
		if try > 0 && !sleep(ctx, firstDelay<<(try-1)) {
			return err
		}
		var later bool
		if later, err = s.fetch(ctx, address, f); !later {
			return err
		}
	}
	return err
}

// fetch fetches once. later says that the address may show the file after a while.
func (s *Storage) fetch(ctx context.Context, address string, f File) (later bool, err error) {
	within, cancel := beat.Timeout(ctx, timeFor(f.Size))
	defer cancel()
	req, err := http.NewRequestWithContext(within, http.MethodGet, address, nil)
	if err != nil {
		return false, &Error{Err: err, lasting: true}
	}
	req.Header.Set("User-Agent", s.o.UserAgent)
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := s.client.Do(req)
	if err != nil {
		return true, s.shows(err, "check that public_url is reached from this machine")
	}
	defer resp.Body.Close()
	if later, err = s.status(resp); err != nil {
		return later, err
	}
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(resp.Body, f.Size+1))
	if err != nil {
		return true, s.shows(fmt.Errorf("it ended after %d of %d bytes: %w", n, f.Size, err), "")
	}
	if n != f.Size || hex.EncodeToString(hash.Sum(nil)) != f.SHA256 {
		return false, s.shows(errors.New("other bytes than were put"), "check that public_url shows what is stored, unchanged by a proxy")
	}
	if got := resp.Header.Get("Content-Type"); !sameType(got, f.MIME) {
		e := s.shows(fmt.Errorf("the type %.60q and not %s", got, f.MIME), "have the web server send the right type for each extension")
		e.lasting, e.mistyped = true, true
		return false, e
	}
	return false, nil
}

func (s *Storage) status(resp *http.Response) (later bool, err error) {
	code := resp.StatusCode
	if code == http.StatusOK {
		return false, nil
	}
	e := s.shows(fmt.Errorf("status %d", code), "check that everybody may read what is stored, and that public_url leads there")
	switch {
	case code >= 300 && code < 400:
		e.Hint = "write the address that is redirected to as public_url"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
	default:
		return true, e
	}
	e.lasting = true
	return false, e
}

func (s *Storage) shows(err error, hint string) *Error {
	return &Error{Err: fmt.Errorf("the storage's public address shows %w", err), Hint: hint}
}

// plain are the types that a web server may use for any text or document.
var plain = []string{"text/plain", "application/octet-stream", "binary/octet-stream"}

// sameType reports whether a Content-Type shows a file as what it is. Pictures and videos
// have one name each; of texts and documents servers know many.
func sameType(header, want string) bool {
	got, _, err := mime.ParseMediaType(header)
	wanted, _, wantErr := mime.ParseMediaType(want)
	if err != nil || wantErr != nil {
		return false
	}
	if got == wanted {
		return true
	}
	if strings.HasPrefix(wanted, "image/") || strings.HasPrefix(wanted, "video/") || wanted == "text/html" {
		return false
	}
	_, gotName, _ := strings.Cut(got, "/")
	_, name, _ := strings.Cut(wanted, "/")
	return slices.Contains(plain, got) || strings.TrimPrefix(gotName, "x-") == strings.TrimPrefix(name, "x-")
}
