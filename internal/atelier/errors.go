package atelier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// ErrNotSent is in the chain of an error if the request was certainly not sent: the
// Meter refused it, it was invalid, or there was no connection.
var ErrNotSent = errors.New("the request was not sent")

// OutcomeUnknown reports whether the request may have had its effect in spite of err,
// as after a timeout, a reset, an unreadable answer, a 5xx or a cancelled context. It
// is false for a refusal and for a request that was not sent.
func OutcomeUnknown(err error) bool {
	e, ok := errors.AsType[*CallError](err)
	return ok && e.unknown
}

// CallError describes a request that failed. It is the Err of each Failure of this
// package. Its text is one line, safe to print, and does not contain the key.
type CallError struct {
	// Status is the HTTP status of the answer, or 0 without one.
	Status int
	// Word is the machine word of a refusal, such as name_taken or duplicate_agent;
	// empty if it has none.
	Word string
	// AgentID is the agent that a duplicate_agent refusal names; empty if it names none.
	AgentID string
	// Recovery is what a refusal advises to do, if it does. It is safe to print.
	Recovery string

	text    string
	unsent  bool
	unknown bool
	cause   error
}

func (e *CallError) Error() string { return e.text }

// Unwrap returns the cause, or nil if the cause could hold text of the marketplace.
func (e *CallError) Unwrap() error { return e.cause }

// Says reports whether a refusal has the machine word. The marketplace sends the
// word of a conflict alone or in its text.
func (e *CallError) Says(word string) bool {
	return e.Word == word || e.Status == http.StatusConflict && strings.Contains(e.text, word)
}

// Is makes errors.Is(err, ErrNotSent) work.
func (e *CallError) Is(target error) bool { return target == ErrNotSent && e.unsent }

const (
	hintKey     = "replace the agent's API key; a new one in a file takes effect by itself, one in the environment after a restart"
	hintNoKey   = "set the agent's id and key, or register the agent"
	hintBase    = "check base_url; the answer does not look like one of the marketplace"
	hintNetwork = "check the network connection and base_url"
)

// failure returns a Failure around e, whose text begins with the request's name.
func (r *request) failure(class order.Class, code order.Code, e *CallError) *order.Failure {
	e.text = r.name() + ": " + e.text
	return &order.Failure{Class: class, Code: code, Err: e}
}

// notSent returns the Failure of a request that is invalid before it is sent.
func (r *request) notSent(class order.Class, code order.Code, format string, args ...any) *order.Failure {
	return r.failure(class, code, &CallError{text: fmt.Sprintf(format, args...), unsent: true})
}

// unmetered returns the Failure of a request that the Meter refused. Class, code and
// hint are those of the Meter's own Failure, if it has one.
func (r *request) unmetered(err error) *order.Failure {
	f := r.failure(order.Retry, order.CodeNotCounted, &CallError{
		text: "not sent: " + tidy(err.Error()), unsent: true, cause: err,
	})
	if own, ok := errors.AsType[*order.Failure](err); ok {
		f.Class, f.Code, f.Hint, f.After, f.Outage = own.Class, own.Code, own.Hint, own.After, own.Outage
	}
	return f
}

// noAnswer returns the Failure of a request without a readable answer. ctx is the
// request's own. status is that of the unreadable answer, or 0.
func (r *request) noAnswer(ctx context.Context, err error, unsent bool, key secret.Text, status int) *order.Failure {
	e := &CallError{Status: status, unsent: unsent, unknown: !unsent}
	code, hint := order.CodeNoAnswer, ""
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.text, e.cause = "cancelled", context.Canceled
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.text, e.cause = fmt.Sprintf("no answer within %s", r.timeout.Round(time.Millisecond)), context.DeadlineExceeded
	case errors.Is(err, errFileChanged):
		code, e.text = order.CodeFileChanged, "the file changed while it was sent"
	default:
		e.text = r.tidy(err.Error(), key)
		if status != 0 {
			e.text, hint = fmt.Sprintf("the answer (%d) is unreadable: %s", status, e.text), hintBase
		}
	}
	if unsent {
		code = order.CodeUnreachable
		e.text = "not sent: " + e.text
		if !errors.Is(e.cause, context.Canceled) {
			e.cause, hint = err, hintNetwork
		}
	}
	f := r.failure(order.Retry, code, e)
	f.Hint = hint
	if r.tooLong != "" && errors.Is(err, errTooLong) {
		f.Class, f.Code, e.unknown = order.Hold, r.tooLong, false
		f.Hint = "read it at the marketplace; " + order.Command("orders retry", r.orderID) + " works without it"
	}
	return f
}

// isDialError recognizes a failed connection of a transport that does not report its
// connections.
func isDialError(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	_, dns := errors.AsType[*net.DNSError](err)
	return dns
}

// refused returns the Failure of a refusal that has no meaning beyond its text.
func (r *request) refused(status int, no *refusal, key secret.Text) *order.Failure {
	return r.failure(order.Fail, order.CodeRejected, r.callError(status, no, key))
}

func (r *request) callError(status int, no *refusal, key secret.Text) *CallError {
	who := "the marketplace"
	if r.base != nil {
		who = "the blob store"
	}
	text := fmt.Sprintf("%s answered %d", who, status)
	if no.text != "" {
		text += ": " + r.tidy(no.text, key)
	}
	e := &CallError{
		Status: status, text: text, Word: no.word, AgentID: no.agentID,
		Recovery: r.tidy(no.recover, key),
	}
	if told := e.Word + " " + e.AgentID; r.hide(told, key) != told {
		e.Word, e.AgentID = "", "" // a server could repeat a secret in any field
	}
	return e
}

// classify returns the Failure for an answer that is neither 2xx nor a redirect.
func (r *request) classify(status int, no *refusal, said limits, key secret.Text) *order.Failure {
	e := r.callError(status, no, key)
	f := r.failure(order.Fail, order.CodeRejected, e)
	set := func(class order.Class, code order.Code, hint string) { f.Class, f.Code, f.Hint = class, code, hint }
	switch {
	case status == http.StatusTooManyRequests:
		set(order.Wait, order.CodeRateLimited, "")
		f.After = said.wait()
	case status >= 500:
		set(order.Retry, order.CodeServerError, "")
		f.After, e.unknown = said.retryAfter, true
	case status == http.StatusRequestTimeout:
		set(order.Retry, order.CodeNoAnswer, "")
		e.unknown = true
	case status == http.StatusRequestEntityTooLarge:
		set(order.Fail, order.CodeTooLarge, "make the file smaller; the marketplace accepts up to 50 MB")
	case r.base != nil:
		// The blob store knows neither the order nor the key. A new upload token may
		// be enough.
		set(order.Retry, order.CodeBlobRefused, "")
	case status == http.StatusUnauthorized:
		set(order.Hold, order.CodeKeyRefused, hintKey)
	case status == http.StatusForbidden:
		set(order.Hold, order.CodeForbidden, "check that the API key and the agent id belong together")
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		set(order.Fail, order.CodeNotFound, "")
	case status == http.StatusConflict:
		set(order.Fail, order.CodeConflict, "")
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		set(order.Fail, order.CodeRejected, "")
	case status < 400:
		set(order.Retry, order.CodeServerError, "")
		e.unknown = true
	default:
		// Another 4xx is more likely from a proxy than from the marketplace.
		set(order.Retry, order.CodeUnexpected, "")
	}
	if f.Hint == "" && status < 500 {
		f.Hint = e.Recovery
	}
	if f.Hint == "" && no.foreign && status >= 400 && status < 500 {
		f.Hint = hintBase
	}
	return f
}
