// Package storage puts files where the owner publishes them: into a folder of the owner's web
// server, or into a bucket of an S3-compatible store. Each stored file is fetched once without
// credentials, as anybody would fetch it, and compared.
//
// It must not know orders, the ledger or the marketplace. The caller records the key of a file
// before the file is put, so that a repeated put replaces the same object.
package storage

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"atelierd/internal/beat"
)

// File is a file to put.
type File struct {
	// Key is its name in the storage; see NewKey.
	Key string
	// Name is the name under which it is saved.
	Name   string
	MIME   string
	Size   int64
	SHA256 string // lower-case hex
	// Open returns the content, which must be the same Size bytes each time.
	Open func() (io.ReadCloser, error)
}

// Backend is a place for files. Both methods can be repeated safely.
type Backend interface {
	// Put stores a file under its key, replacing what an earlier put has left there.
	Put(ctx context.Context, f File) error
	// Remove removes what is stored under a key. A key without a file is no error.
	Remove(ctx context.Context, key string) error
}

// Error is a failure of the storage.
type Error struct {
	Err  error
	Hint string
	// lasting: trying again at once cannot help.
	lasting bool
	// mistyped: the file is there, with another type.
	mistyped bool
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what the owner can do about an error of this package, or "".
func Hint(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// Mistyped reports whether an error says that the web server sends a file with the wrong media
// type. The storage works then, and may serve files of other types correctly.
func Mistyped(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.mistyped
}

// Options are the settings of a Storage. Transport, Hook and Ended are optional.
type Options struct {
	Backend Backend
	// Place identifies the storage in the ledger: where a key is valid. It has no secret.
	Place string
	// PublicURL is the address of the files. The key of a file follows it.
	PublicURL string
	UserAgent string
	// Transport carries the fetch that compares a file; nil is the network.
	Transport http.RoundTripper
	// Hook is called before a put, after it, and after the comparison. An error ends the
	// work there. It is for tests that end the process.
	Hook func(point string) error
	// Ended is called after each try with the failure of the storage, or nil. It may be nil.
	Ended func(err error)
}

// Storage publishes files. It is safe for concurrent use.
type Storage struct {
	o      Options
	client *http.Client

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // nothing is tried before
	last     error
}

// New returns a Storage.
func New(o Options) *Storage {
	if o.Hook == nil {
		o.Hook = func(string) error { return nil }
	}
	if o.Ended == nil {
		o.Ended = func(error) {}
	}
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	return &Storage{o: o, client: newFetcher(o.Transport)}
}

// keyBytes is 160 bits: nobody guesses the address of a file.
const keyBytes = 32

var (
	keyForm = regexp.MustCompile(`^[a-z2-7]{32}(\.[a-z0-9]{1,8})?$`)
	extForm = regexp.MustCompile(`^\.[a-z0-9]{1,8}$`)
)

// NewKey returns a random key for a file with an extension like ".png". A web server
// that serves a folder chooses the content type by it.
func NewKey(ext string) string {
	text := strings.ToLower(rand.Text() + rand.Text())[:keyBytes]
	if ext = strings.ToLower(ext); extForm.MatchString(ext) {
		text += ext
	}
	return text
}

// Place identifies the storage.
func (s *Storage) Place() string { return s.o.Place }

// Points of the Hook.
const (
	PointPut      = "storage.put"
	PointCompared = "storage.compared"
)

const (
	tries      = 3
	firstDelay = time.Second
	// pauseBase and pauseMost are how long a storage that failed is left alone.
	pauseBase = 30 * time.Second
	pauseMost = 10 * time.Minute
)

// Publish puts a file, fetches and compares it, and returns its address. A failure that may
// pass is tried again a few times, with the same key. After that the storage is paused for a
// while, in which Publish fails at once.
func (s *Storage) Publish(ctx context.Context, f File) (string, error) {
	if !keyForm.MatchString(f.Key) {
		return "", &Error{Err: fmt.Errorf("the key %.60q is not one of the storage", f.Key), lasting: true}
	}
	if err := s.paused(); err != nil {
		return "", err
	}
	if err := s.try(ctx, f); err != nil {
		return "", err
	}
	return s.address(f.Key)
}

// try publishes and remembers how it ended. What a stop or the hook has ended says nothing
// about the storage, and a wrong type concerns files of that type only.
func (s *Storage) try(ctx context.Context, f File) error {
	err := s.publish(ctx, f)
	if ctx.Err() != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	_, failed := errors.AsType[*Error](err)
	switch {
	case err == nil, Mistyped(err):
		s.ended(nil)
	case failed:
		s.ended(err)
	}
	return err
}

func (s *Storage) publish(ctx context.Context, f File) (err error) {
	for try := range tries {
		if try > 0 && !sleep(ctx, firstDelay<<try) {
			return err
		}
		if err = s.once(ctx, f); err == nil {
			return nil
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.lasting {
			return err
		}
	}
	return err
}

// once puts and compares. Errors that are not *Error are those of the hook.
func (s *Storage) once(ctx context.Context, f File) error {
	if err := s.o.Hook("before:" + PointPut); err != nil {
		return err
	}
	within, cancel := beat.Timeout(ctx, timeFor(f.Size))
	defer cancel()
	if err := s.o.Backend.Put(within, f); err != nil {
		return asError(err)
	}
	if err := s.o.Hook("after:" + PointPut); err != nil {
		return err
	}
	if err := s.compare(ctx, f); err != nil {
		return err
	}
	return s.o.Hook("after:" + PointCompared)
}

// Remove removes the file of a key. It is no error if there is none.
func (s *Storage) Remove(ctx context.Context, key string) error {
	if !keyForm.MatchString(key) {
		return &Error{Err: fmt.Errorf("the key %.60q is not one of the storage", key), lasting: true}
	}
	within, cancel := beat.Timeout(ctx, time.Minute)
	defer cancel()
	return asError(s.o.Backend.Remove(within, key))
}

func asError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Err: err}
}

func (s *Storage) address(key string) (string, error) {
	u, err := url.Parse(s.o.PublicURL)
	if err != nil {
		return "", &Error{Err: fmt.Errorf("public_url: %w", err), lasting: true}
	}
	return u.JoinPath(key).String(), nil
}

// paused returns the last failure while the storage is left alone.
func (s *Storage) paused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.until) {
		return s.last
	}
	return nil
}

// Wait returns how long the storage is still paused, or 0.
func (s *Storage) Wait() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(time.Until(s.until), 0)
}

func (s *Storage) ended(err error) {
	s.mu.Lock()
	s.last, s.until = err, time.Time{}
	if err == nil {
		s.failures = 0
	} else {
		s.until = time.Now().Add(min(pauseBase<<min(s.failures, 8), pauseMost))
		s.failures++
	}
	s.mu.Unlock()
	s.o.Ended(err)
}

// timeFor is the time limit of one transfer.
func timeFor(size int64) time.Duration {
	return time.Minute + time.Duration(size/(64<<10))*time.Second
}

// sleep reports whether d has passed; it has not when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	beat.Sleep(ctx, d, nil)
	return ctx.Err() == nil
}
