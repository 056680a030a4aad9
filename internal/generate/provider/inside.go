package provider

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"atelierd/internal/lenient"
)

// inside returns the answer with the status that its body names, because some
// providers report an error with status 200. Without one it returns the answer as it
// is. It is for answers that hold neither a job nor a file.
func (a answer) inside() answer {
	if !a.ok() {
		return a
	}
	if status := statusIn(a.body); status != 0 {
		return a.withStatus(status)
	}
	return a
}

// complaint is the part of an answer that reports an error: error is an object, a list
// or a text, and the code is inside it or next to it.
type complaint struct {
	Code       lenient.Text    `json:"code"`
	Status     lenient.Text    `json:"status"`
	StatusCode lenient.Text    `json:"status_code"`
	HTTPStatus lenient.Text    `json:"http_status"`
	Type       lenient.Text    `json:"type"`
	Message    lenient.Text    `json:"message"`
	Msg        lenient.Text    `json:"msg"`
	Detail     lenient.Text    `json:"detail"`
	Error      json.RawMessage `json:"error"`
	Errors     json.RawMessage `json:"errors"`
}

// statusIn returns the HTTP status that a JSON body names by a number, a word or its
// message, or 0.
func statusIn(body []byte) int {
	var whole complaint
	if lenient.Unmarshal(body, &whole) != nil {
		return 0
	}
	inner, reported := whole.inner()
	for _, c := range []complaint{inner, whole} {
		for _, text := range []lenient.Text{c.Code, c.Status, c.StatusCode, c.HTTPStatus} {
			if n, err := strconv.Atoi(string(text)); err == nil && n >= 400 && n <= 599 {
				return n
			}
		}
	}
	if !reported {
		return whole.messageStatus()
	}
	for _, word := range []lenient.Text{inner.Code, inner.Status, inner.Type, whole.Code, whole.Type} {
		if status := statusWords[plainWord(string(word))]; status != 0 {
			return status
		}
	}
	return inner.messageStatus()
}

// messageStatus returns the status that the text for people is about, or 0.
func (c complaint) messageStatus() int {
	for _, m := range statusMessages {
		for _, text := range []lenient.Text{c.Message, c.Msg, c.Detail} {
			if m.words.MatchString(string(text)) {
				return m.status
			}
		}
	}
	return 0
}

// inner returns the error inside the answer, and whether there is one.
func (c complaint) inner() (inner complaint, reported bool) {
	raw := c.Error
	if empty(raw) {
		raw = c.Errors
	}
	if empty(raw) {
		return complaint{}, false
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		_ = lenient.Unmarshal(list[0], &inner) // an error of another form names nothing
		return inner, true
	}
	if lenient.Unmarshal(raw, &inner) != nil {
		_ = json.Unmarshal(raw, &inner.Message)
	}
	return inner, true
}

// empty reports whether a field reports nothing.
func empty(raw json.RawMessage) bool {
	return slices.Contains([]string{"", "null", "false", `""`, "{}", "[]"}, strings.TrimSpace(string(raw)))
}

// plainWord returns a code as one spelling: rate_limit_exceeded for RateLimitExceeded,
// RATE_LIMIT_EXCEEDED and rate-limit-exceeded.
func plainWord(word string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(word))
}

// statusWords are the words of providers for a status, as plainWord returns them.
var statusWords = map[string]int{
	"ratelimit": http.StatusTooManyRequests, "ratelimited": http.StatusTooManyRequests,
	"ratelimiterror": http.StatusTooManyRequests, "ratelimitexceeded": http.StatusTooManyRequests,
	"toomanyrequests": http.StatusTooManyRequests, "resourceexhausted": http.StatusTooManyRequests,
	"throttled": http.StatusTooManyRequests, "throttling": http.StatusTooManyRequests,
	"unavailable": http.StatusServiceUnavailable, "serviceunavailable": http.StatusServiceUnavailable,
	"overloaded": http.StatusServiceUnavailable, "overloadederror": http.StatusServiceUnavailable,
	"servererror": http.StatusInternalServerError, "internal": http.StatusInternalServerError,
	"internalerror": http.StatusInternalServerError, "internalservererror": http.StatusInternalServerError,
	"apierror": http.StatusInternalServerError, "deadlineexceeded": http.StatusGatewayTimeout,
	"timeout": http.StatusGatewayTimeout, "gatewaytimeout": http.StatusGatewayTimeout,
	"unauthenticated": http.StatusUnauthorized, "unauthorized": http.StatusUnauthorized,
	"invalidapikey": http.StatusUnauthorized, "authenticationerror": http.StatusUnauthorized,
	"permissiondenied": http.StatusForbidden, "permissionerror": http.StatusForbidden, "forbidden": http.StatusForbidden,
	"insufficientquota": http.StatusPaymentRequired, "insufficientcredits": http.StatusPaymentRequired,
	"insufficientbalance": http.StatusPaymentRequired, "billinghardlimitreached": http.StatusPaymentRequired,
	"paymentrequired": http.StatusPaymentRequired,
	"invalidargument": http.StatusBadRequest, "invalidrequesterror": http.StatusBadRequest,
	"badrequest": http.StatusBadRequest, "failedprecondition": http.StatusBadRequest,
	"modelnotfound": http.StatusNotFound, "notfound": http.StatusNotFound,
}

// statusMessages recognise a status by the message of an error that names no code.
var statusMessages = []struct {
	status int
	words  *regexp.Regexp
}{
	{http.StatusPaymentRequired, regexp.MustCompile(`(?i)exceeded your current quota|(insufficient|not enough) (credit|balance|quota|fund)`)},
	{http.StatusTooManyRequests, regexp.MustCompile(`(?i)rate[ -]?limit|too many requests|throttled`)},
	{http.StatusServiceUnavailable, regexp.MustCompile(`(?i)overloaded|service unavailable|temporarily unavailable`)},
	{http.StatusInternalServerError, regexp.MustCompile(`(?i)internal (server )?error`)},
}
