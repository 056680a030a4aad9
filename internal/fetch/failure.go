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

// Error says why something could not be fetched. Its text names the scheme, host
// and path, and never a query or a user name, which may be secrets; nor does it
// quote the server, which knows them.
type Error struct {
	// Status is the server's answer; 0 when it gave none, or when the answer was
	// not the trouble.
	Status int
	Err    error

	place     string
	temporary bool
	network   bool // it may be that the time was over
}

func (e *Error) Error() string {
	if e.place == "" {
		return e.Err.Error()
	}
	return e.place + " " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Gone says that the server does not have it, or no longer, or not for us: it
// answered 401, 403, 404, 410 or 451.
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

// Temporary says that the network or the server failed, or was too slow, which
// says nothing about the link: it answered 408, 425, 429 or 5xx, or did not
// answer to the end. A refused link is neither Gone nor Temporary.
func Temporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.temporary
}

// at names the place, where asking for start has failed at another one. Given
// nil it gives nil.
func (e *Error) at(start, end *url.URL) error {
	if e == nil {
		return nil
	}
	e.place = place(start)
	if end != start {
		e.place += " leads to " + place(end) + ", which"
	}
	return e
}

// place is what may be shown of an address.
func place(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return fmt.Sprintf("%.80q", shown.String())
}

const notPublic = "leads to an address that is not public"

// refused is an error that stays, whoever asks and however often.
func refused(format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...)}
}

// answered is the error of an answer that is no success.
func answered(status int) *Error {
	e := refused("answers %d", status)
	e.Status = status
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		e.temporary = true
	default:
		e.temporary = status >= 500 && status <= 599
	}
	return e
}

// failed says what an error of the network was, in words of our own: its text may
// hold the link, the addresses of the owner's network, or what the server sent.
func failed(err error) *Error {
	for _, prohibited := range []error{ssrf.ErrProhibitedIP, ssrf.ErrProhibitedPort,
		ssrf.ErrProhibitedNetwork, ssrf.ErrInvalidHostPort} {
		if errors.Is(err, prohibited) {
			return refused(notPublic)
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return refused("has a certificate that does not hold")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return refused("does not speak TLS")
	}
	e := refused("cannot be reached, or gives no proper answer")
	e.temporary, e.network = true, true
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		e.Err = fmt.Errorf("cannot be reached: %w", number)
	} else if _, ok := errors.AsType[*net.DNSError](err); ok {
		e.Err = errors.New("has a name that cannot be resolved")
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		e.Err = fmt.Errorf("broke off: %w", io.ErrUnexpectedEOF)
	} else if errors.Is(err, context.DeadlineExceeded) || timedOut(err) {
		e.Err = errors.New("takes too long")
	}
	return e
}

func timedOut(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}
