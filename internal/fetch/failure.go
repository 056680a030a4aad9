package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"code.dny.dev/ssrf"
)

// Error is the reason why a fetch failed. Its text has the scheme, host and path of
// the link. It never has the query or the user name, which may be secrets, and never
// quotes the server, which knows them.
type Error struct {
	// Status is the HTTP status of the server's answer. It is 0 if there was no answer
	// or if the answer was not the reason.
	Status int
	Err    error

	place     string
	temporary bool
	network   bool // the deadline may be the reason
}

func (e *Error) Error() string {
	if e.place == "" {
		return e.Err.Error()
	}
	return e.place + " " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Gone reports whether the server does not have the file, or not for us: it answered
// 401, 403, 404, 410 or 451.
func Gone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusGone, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// Temporary reports whether the network or the server failed or was too slow, which
// says nothing about the link: the server answered 408, 425, 429 or 5xx, or its answer
// was not complete. A rejected link is neither Gone nor Temporary.
func Temporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.temporary
}

// at sets the place of an error: the link start, and the address end to which it
// redirected. It returns nil for nil.
func (e *Error) at(start, end *url.URL) error {
	if e == nil {
		return nil
	}
	e.place = place(start)
	if end != start {
		e.place += " redirects to " + place(end) + ", which"
	}
	return e
}

// place returns the part of an address that may be shown.
func place(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return fmt.Sprintf("%.80q", shown.String())
}

const notPublic = "leads to an address that is not public"

// refused returns a permanent error.
func refused(format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...)}
}

// answered returns the error for the status of an answer.
func answered(status int) *Error {
	e := refused("answered %d", status)
	e.Status = status
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		e.temporary = true
	default:
		e.temporary = status >= 500 && status <= 599
	}
	return e
}

// failed describes an error of the network in our own words. The text of the error may
// contain the link, addresses of the owner's network, or what the server sent.
func failed(err error) *Error {
	for _, prohibited := range []error{
		ssrf.ErrProhibitedIP, ssrf.ErrProhibitedPort,
		ssrf.ErrProhibitedNetwork, ssrf.ErrInvalidHostPort,
	} {
		if errors.Is(err, prohibited) {
			return refused(notPublic)
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return refused("has an invalid certificate")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return refused("does not speak TLS")
	}
	e := refused("cannot be reached, or its answer is not valid HTTP")
	e.temporary, e.network = true, true
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		e.Err = fmt.Errorf("cannot be reached: %w", number)
	} else if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Err = errors.New("has a host name that cannot be resolved")
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		e.Err = fmt.Errorf("closed the connection early: %w", io.ErrUnexpectedEOF)
	} else if errors.Is(err, context.DeadlineExceeded) || timedOut(err) {
		e.Err = errors.New("did not answer in time")
	}
	return e
}

func timedOut(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}
