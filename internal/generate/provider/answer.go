package provider

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/term"
)

// answer is what came back, of whatever status.
type answer struct {
	status int
	was    int // the status that came, where a back end knows a better one; else 0
	header http.Header
	body   []byte
	redact *strings.Replacer
	paid   bool
}

// decode reads the answer's JSON. What is no JSON is a paid answer of no use.
func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return a.odd("the provider's answer is not what its API promises: %s", a.snippet())
	}
	return nil
}

// odd is the failure of a good status with an answer of no use. It says nothing of
// a job that was asked about, and leaves open what became of a call.
func (a answer) odd(format string, args ...any) *order.Failure {
	f := order.Failf(order.Retry, order.CodeBadAnswer, format, args...)
	f.Charge = order.ChargeUnknown
	if !a.paid {
		f.Charge, f.Outage = order.ChargePending, true
	}
	return f
}

// as is the answer with the status that a back end knows to be meant.
func (a answer) as(status int) answer {
	a.was, a.status = cmp.Or(a.was, a.status), status
	return a
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// gone says that what was asked for is not there, or not any more.
func (a answer) gone() bool { return a.status == http.StatusNotFound || a.status == http.StatusGone }

// expired is the failure of a job, or of a result, that the provider has
// forgotten. It was paid for.
func (a answer) expired(what string) *order.Failure {
	return order.Failf(order.Retry, order.CodeExpired, "the provider does not know %s any more", what)
}

// refused is the provider's no to the content of an order. It is an answer.
func (a answer) refused(spending order.Charge, format string, args ...any) *order.Failure {
	reason := a.says(300, format, args...)
	f := order.Failf(order.Fail, order.CodeRefused, "the provider refuses: %s", cmp.Or(reason, "it gives no reason"))
	f.Charge, f.Reason = spending, reason
	return f
}

// failed is the end of a job that the provider could not do.
func (a answer) failed(format string, args ...any) *order.Failure {
	return order.Failf(order.Retry, order.CodeProviderFailed, "the provider failed: %s", a.says(300, format, args...))
}

// failure says what a status means that the back end knows nothing better of.
func (a answer) failure() *order.Failure {
	f := order.Failf(order.Retry, order.CodeProviderRejected, "the provider answered %d: %s", cmp.Or(a.was, a.status), a.snippet())
	f.Charge = nothingUnlessAsked(a.paid)
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		f.Class, f.Code = order.Hold, order.CodeProviderKeyRefused
		f.Hint = "see that the generator's key is valid, and may use its model"
	case a.status == http.StatusPaymentRequired:
		f.Class, f.Code = order.Hold, order.CodeNoCredit
		f.Hint = "put money into your account at the provider, then `atelierd orders retry`"
	case a.status == http.StatusNotFound:
		f.Class, f.Code = order.Hold, order.CodeProviderNotFound
		f.Hint = "see that the generator's base_url and model are right"
	case a.status == http.StatusTooManyRequests, a.status == http.StatusTooEarly:
		f.Class, f.Code, f.After = order.Wait, order.CodeProviderRateLimited, a.retryAfter(30*time.Second)
	case a.status == http.StatusServiceUnavailable, a.status == 529:
		f.Code, f.Outage, f.After = order.CodeOutage, true, a.retryAfter(0)
	case a.status == http.StatusNotImplemented, a.status == http.StatusHTTPVersionNotSupported:
		f.Class, f.Code = order.Hold, order.CodeProviderRejected
		f.Hint = "see that the generator's type and base_url fit each other"
	case a.status == http.StatusRequestTimeout, a.status >= 500:
		f.Code = order.CodeOutage
		if a.paid {
			f.Charge = order.ChargeUnknown // it may have begun
		} else {
			f.Outage = true
		}
	case a.status >= 300 && a.status <= 399:
		f.Class, f.Code = order.Hold, order.CodeProviderRedirected
		f.Err = fmt.Errorf("the provider sends the request on to another address, which gets no key (HTTP %d)", a.status)
		f.Hint = "put the provider's present address into base_url"
	case a.ok():
		return a.odd("the provider answered %d: %s", cmp.Or(a.was, a.status), a.snippet())
	default:
		f.Class, f.Code = order.Hold, order.CodeProviderRejected
		f.Hint = "the provider does not take the request: see the generator's model and params"
	}
	return f
}

// retryAfter reads the header, in seconds or as a date.
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

// snippet is what the answer says, fit to be shown: the message of an error, or
// the beginning of a text.
func (a answer) snippet() string {
	switch said := message(a.body); {
	case len(a.body) == 0:
		return "an empty answer"
	case said != "":
		return a.says(200, "%s", said)
	case bytes.HasPrefix(bytes.ToLower(bytes.TrimSpace(a.body)), []byte("<")):
		return "a web page"
	}
	return a.says(200, "%s", a.body[:min(len(a.body), 16<<10)])
}

// message finds the words for people in an answer of JSON, whatever its form; ""
// when there are none.
func message(body []byte) string {
	var wire map[string]any
	if json.Unmarshal(body, &wire) != nil {
		return ""
	}
	return words(wire)
}

func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return words(v[0])
		}
	case map[string]any:
		for _, name := range []string{"error", "message", "detail", "msg", "reason", "failure_reason", "failure", "title", "base_resp", "status_msg"} {
			if inner, there := v[name]; there {
				if said := words(inner); said != "" {
					return said
				}
			}
		}
	}
	return ""
}

// says makes a line of at most so many bytes of what the provider said. It is
// redacted before it is cut, because the cut could leave a part of the key.
func (a answer) says(most int, format string, args ...any) string {
	return term.Line(a.redact.Replace(fmt.Sprintf(format, args...)), most)
}
