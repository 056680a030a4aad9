package provider

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/lenient"
	"atelierd/internal/order"
	"atelierd/internal/term"
)

// answer is a complete answer of any status.
type answer struct {
	status int
	was    int // the original status if a back end replaced it, else 0
	header http.Header
	body   []byte
	file   string // where the whole body is if it is a large file, else empty
	torn   error  // why the body of a success ends early, or nil
	redact *strings.Replacer
	paid   bool
	said   string // the text for people if a back end found it, else empty
}

// decode reads the answer's JSON into v.
func (a answer) decode(v any) error {
	if err := lenient.Unmarshal(a.body, v); err != nil {
		if a.torn != nil {
			return a.torn
		}
		return a.unusable("unexpected answer of the provider: %s", a.snippet())
	}
	return nil
}

// noFileIn returns the failure of a job that is done and whose output v has no file:
// nothing may be visible yet, and another output stays what it is.
func (a answer) noFileIn(v any) *order.Failure {
	if blank(v) {
		return a.notVisible()
	}
	return a.noFile()
}

// resultFields are fields that hold what was made.
var resultFields = []string{
	"image", "images", "video", "videos", "output", "outputs", "url", "urls", "file", "files", "data", "result", "results",
}

// unfilled reports whether a whole answer of any shape has nothing in its fields for
// files. An empty list there is something: no files were made.
func unfilled(v any) bool {
	nothing := func(v any) bool { s, text := v.(string); return v == nil || text && strings.TrimSpace(s) == "" }
	table, ok := v.(map[string]any)
	if !ok || len(table) == 0 {
		return ok || nothing(v)
	}
	found := false
	for _, name := range resultFields {
		if inner, there := table[name]; there {
			if found = true; !nothing(inner) {
				return false
			}
		}
	}
	return found
}

// noFile returns the failure of a success without a file. It is held at the first,
// because the next answer would most likely be the same. A job stays pending, so that
// its answer can be read again.
func (a answer) noFile() *order.Failure {
	f := order.Failf(order.Hold, order.CodeNoOutput, "the provider's answer holds no file: %s", a.snippet())
	if a.paid {
		return f.WithHint("set the generator's model and params to what makes files; %s makes another call, which is paid for", retryCommand)
	}
	f.Charge = order.ChargePending
	return f.WithHint("set the generator's model to one that makes files; %s asks for the job again, %s makes another call, which is paid for",
		retryCommand, redoCommand)
}

// unusable returns the failure of a good status with a useless answer. What became of a
// paid call is unknown then, and a polled job stays pending.
func (a answer) unusable(format string, args ...any) *order.Failure {
	f := order.Failf(order.Retry, order.CodeBadAnswer, format, args...)
	f.Charge = order.ChargeUnknown
	if !a.paid {
		f.Charge, f.Outage = order.ChargePending, true
	}
	return f
}

// withStatus returns the answer with the status that it really means.
func (a answer) withStatus(status int) answer {
	a.was, a.status = cmp.Or(a.was, a.status), status
	return a
}

// unmatched returns the failure of a success in which a recipe finds nothing. what says
// which of its fields, because that may be wrong.
func (a answer) unmatched(what string) *order.Failure {
	if inner := a.inside(); !inner.ok() {
		return inner.failure()
	}
	return a.unusable("the recipe's %s in the provider's answer: %s", what, a.snippet())
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// gone reports whether the thing does not exist, or not any more.
func (a answer) gone() bool { return a.status == http.StatusNotFound || a.status == http.StatusGone }

// expired returns the failure of a job or result that the provider does not have, or not
// yet. It was paid for.
func (a answer) expired(what string) *order.Failure {
	return order.LateResult(order.CodeExpired, "the provider does not have %s", what)
}

// notVisible returns the failure of a job that is done and shows no result yet.
func (a answer) notVisible() *order.Failure {
	return order.LateResult(order.CodeNotVisible, "the provider says that the job is done, and shows no file: %s", a.snippet())
}

// busy returns the failure of a call that was made again while the provider works on it.
func (a answer) busy() *order.Failure {
	f := order.Failf(order.Wait, order.CodeBusy, "the provider still works on this call")
	f.Charge, f.After = order.ChargePending, a.retryAfter(busyPause)
	return f
}

// refused returns the failure of an order whose content the provider refuses.
func (a answer) refused(charge order.Charge, format string, args ...any) *order.Failure {
	reason := a.quote(300, format, args...)
	f := order.Failf(order.Fail, order.CodeRefused, "the provider refuses: %s", cmp.Or(reason, "no reason given"))
	f.Charge, f.Reason = charge, reason
	return f
}

// failed returns the failure of a job that the provider could not do.
func (a answer) failed(format string, args ...any) *order.Failure {
	return order.Failf(order.Retry, order.CodeProviderFailed, "the provider failed: %s", a.quote(300, format, args...))
}

// Hints that several back ends give.
var (
	creditHint   = "add credit to your account at the provider, then run " + retryCommand
	rejectedHint = "the provider rejects the request: check the generator's model and params"
)

// failure is the default meaning of an HTTP status. Back ends override it.
func (a answer) failure() *order.Failure {
	if f, ok := errors.AsType[*order.Failure](a.torn); ok && a.ok() {
		return f
	}
	f := order.Failf(order.Retry, order.CodeProviderRejected, "the provider answered %d: %s", cmp.Or(a.was, a.status), a.snippet())
	f.Charge = chargeUnsent(a.paid)
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		f.Class, f.Code = order.Hold, order.CodeProviderKeyRefused
		f.Hint = "check that the generator's key is valid and may use the model"
	case a.status == http.StatusPaymentRequired:
		f.Class, f.Code = order.Hold, order.CodeNoCredit
		f.Hint = creditHint
	case a.status == http.StatusNotFound:
		f.Class, f.Code = order.Hold, order.CodeProviderNotFound
		f.Hint = "check the generator's base_url and model"
	case a.status == http.StatusTooManyRequests, a.status == http.StatusTooEarly:
		f.Class, f.Code, f.After = order.Wait, order.CodeProviderRateLimited, a.retryAfter(30*time.Second)
	case a.status == http.StatusServiceUnavailable, a.status == 529:
		f.Code, f.Outage, f.After = order.CodeOutage, true, a.retryAfter(0)
	case a.status == http.StatusNotImplemented, a.status == http.StatusHTTPVersionNotSupported:
		f.Class, f.Code = order.Hold, order.CodeProviderRejected
		f.Hint = "check that the generator's type and base_url match"
	case a.status == http.StatusRequestTimeout, a.status >= 500:
		f.Code = order.CodeOutage
		if a.paid {
			f.Charge = order.ChargeUnknown // the work may have begun
		} else {
			f.Outage = true
		}
	case a.status >= 300 && a.status <= 399:
		f.Class, f.Code = order.Hold, order.CodeProviderRedirected
		f.Err = fmt.Errorf("the provider redirects to another address, which gets no key (HTTP %d)", a.status)
		f.Hint = "set base_url to the provider's new address"
	case a.ok():
		if inner := a.inside(); !inner.ok() {
			return inner.failure()
		}
		return a.unusable("the provider answered %d: %s", cmp.Or(a.was, a.status), a.snippet())
	default:
		f.Class, f.Code = order.Hold, order.CodeProviderRejected
		f.Hint = rejectedHint
	}
	return f
}

// retryAfter returns the time of the Retry-After header, which holds seconds or a
// date.
func (a answer) retryAfter(otherwise time.Duration) time.Duration {
	value := strings.TrimSpace(a.header.Get("Retry-After"))
	d, err := time.ParseDuration(value + "s")
	if err != nil {
		at, err := http.ParseTime(value)
		if err != nil {
			return otherwise
		}
		d = time.Until(at)
	}
	return min(max(d, 0), mostWait)
}

// snippet returns what the answer says, safe to show: the message of an error, or the
// beginning of the text.
func (a answer) snippet() string {
	switch said := cmp.Or(a.said, message(a.body)); {
	case len(a.body) == 0:
		return "an empty answer"
	case said != "":
		return a.quote(200, "%s", said)
	case bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(a.body)), []byte("<")):
		return "a web page"
	}
	return a.quote(200, "%s", a.body[:min(len(a.body), 16<<10)])
}

// message returns the text for people in a JSON answer of any form, or "".
func message(body []byte) string {
	var wire map[string]any
	if lenient.Unmarshal(body, &wire) != nil {
		return ""
	}
	return saidIn(wire)
}

func saidIn(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return saidIn(v[0])
		}
	case map[string]any:
		for _, name := range []string{"error", "message", "detail", "msg", "reason", "failure_reason", "failure", "title", "base_resp", "status_msg"} {
			if inner, there := v[name]; there {
				if said := saidIn(inner); said != "" {
					return said
				}
			}
		}
	}
	return ""
}

// quote returns one line of at most that many characters. The text is redacted before
// it is cut, because a cut could leave a part of the key.
func (a answer) quote(most int, format string, args ...any) string {
	return term.Line(a.redact.Replace(fmt.Sprintf(format, args...)), most)
}
