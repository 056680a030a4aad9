package atelier

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

var onePiece = []Deliverable{{"https://cdn.example/a.png", "image"}}

func TestEachStatusHasAClassAndACode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status  int
		class   order.Class
		code    order.Code
		unknown bool
		hint    string
	}{
		{400, order.Fail, order.CodeRejected, false, ""},
		{401, order.Hold, order.CodeKeyRefused, false, "a new one in a file takes effect"},
		{402, order.Retry, order.CodeUnexpected, false, ""},
		{403, order.Hold, order.CodeForbidden, false, "belong together"},
		{404, order.Fail, order.CodeNotFound, false, ""},
		{405, order.Fail, order.CodeNotFound, false, ""},
		{408, order.Retry, order.CodeNoAnswer, true, ""},
		{409, order.Fail, order.CodeConflict, false, ""},
		{413, order.Fail, order.CodeTooLarge, false, "50 MB"},
		{422, order.Fail, order.CodeRejected, false, ""},
		{429, order.Wait, order.CodeRateLimited, false, ""},
		{500, order.Retry, order.CodeServerError, true, ""},
		{502, order.Retry, order.CodeServerError, true, ""},
		{503, order.Retry, order.CodeServerError, true, ""},
		{504, order.Retry, order.CodeServerError, true, ""},
	} {
		t.Run(strconv.Itoa(tc.status), func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, answer(tc.status, `{"success":false,"error":"Order is not in a deliverable status"}`))
			c, meter := client(t, s.URL)
			err := c.Deliver(t.Context(), "ord_1", onePiece)
			f, e := failed(t, err)
			if f.Class != tc.class || f.Code != tc.code || OutcomeUnknown(err) != tc.unknown || e.Status != tc.status {
				t.Errorf("got %s %s, unknown %v, status %d; want %s %s, %v, %d",
					f.Class, f.Code, OutcomeUnknown(err), e.Status, tc.class, tc.code, tc.unknown, tc.status)
			}
			if errors.Is(err, ErrNotSent) {
				t.Error("an answered request counts as not sent")
			}
			want := fmt.Sprintf("POST /orders/ord_1/deliver: the marketplace answered %d: Order is not in a deliverable status", tc.status)
			if err.Error() != want {
				t.Errorf("text = %q, want %q", err, want)
			}
			if (tc.hint == "") != (f.Hint == "") || !strings.Contains(f.Hint, tc.hint) {
				t.Errorf("hint = %q, want one with %q", f.Hint, tc.hint)
			}
			if len(meter.answers) != 1 || meter.answers[0].Status != tc.status || meter.answers[0].Error != want {
				t.Errorf("the meter got %+v", meter.answers)
			}
		})
	}
}

func TestARateLimitHasATimeToWait(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	for name, tc := range map[string]struct {
		headers    []string
		from, to   time.Duration
		retryAfter bool
	}{
		"seconds":         {[]string{"Retry-After", "90"}, 90 * time.Second, 90 * time.Second, true},
		"zero":            {[]string{"Retry-After", "0"}, time.Second, time.Second, true},
		"a year":          {[]string{"Retry-After", "31536000"}, 24 * time.Hour, 24 * time.Hour, true},
		"too many digits": {[]string{"Retry-After", strings.Repeat("9", 40)}, 24 * time.Hour, 24 * time.Hour, true},
		"a date": {
			[]string{"Retry-After", time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)},
			9 * time.Minute, 10 * time.Minute, true,
		},
		"a past date":   {[]string{"Retry-After", "Mon, 17 Feb 2025 12:00:00 GMT"}, time.Second, time.Second, true},
		"only a reset":  {[]string{"X-RateLimit-Reset", in(20 * time.Minute)}, 19 * time.Minute, 20 * time.Minute, false},
		"a past reset":  {[]string{"X-RateLimit-Reset", in(-time.Minute)}, time.Minute, time.Minute, false},
		"nothing":       {nil, time.Minute, time.Minute, false},
		"nonsense":      {[]string{"Retry-After", "soon", "X-RateLimit-Reset", "later"}, time.Minute, time.Minute, false},
		"a minus":       {[]string{"Retry-After", "-5"}, time.Minute, time.Minute, false},
		"reset in year": {[]string{"X-RateLimit-Reset", in(9000 * time.Hour)}, 24 * time.Hour, 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, answer(429, `{"success":false,"error":"Rate limit exceeded"}`,
				append(tc.headers, "X-RateLimit-Limit", "30", "X-RateLimit-Remaining", "0")...))
			c, meter := client(t, s.URL)
			_, err := c.Orders(t.Context(), order.LiveStatuses())
			f, _ := failed(t, err)
			if f.Class != order.Wait || f.After < tc.from || f.After > tc.to {
				t.Errorf("%s after %v, want wait within [%v, %v]", f.Class, f.After, tc.from, tc.to)
			}
			a := meter.answers[0]
			if a.Status != 429 || a.Limit != 30 || (a.RetryAfter > 0) != tc.retryAfter || a.At.IsZero() {
				t.Errorf("the meter got %+v", a)
			}
			if a.RetryAfter > 0 && a.RetryAfter != f.After {
				t.Errorf("the meter got %v, the failure %v", a.RetryAfter, f.After)
			}
		})
	}
}

func TestTheMeterGetsTheResetTime(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, answer(429, ``, "X-RateLimit-Reset", "1771329600"))
	c, meter := client(t, s.URL)
	_, err := c.Orders(t.Context(), order.LiveStatuses())
	failed(t, err)
	if want := time.Unix(1771329600, 0); !meter.answers[0].Reset.Equal(want) {
		t.Errorf("reset = %v, want %v", meter.answers[0].Reset, want)
	}
}

func TestNothingIsSentIfTheMeterRefuses(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true}`))
	own := &order.Failure{
		Class: order.Wait, Code: order.CodeBudget, Err: errors.New("28 of 30 requests are used"),
		Hint: "raise budget.deliver", After: 7 * time.Minute,
	}
	c, meter := client(t, s.URL)
	meter.refuse = own
	err := c.Deliver(t.Context(), "ord_1", onePiece)
	f, _ := failed(t, err)
	if f.Class != order.Wait || f.Code != order.CodeBudget || f.After != own.After || f.Hint != own.Hint || !errors.Is(err, own) {
		t.Errorf("failure = %+v, want the meter's", f)
	}
	if !errors.Is(err, ErrNotSent) || OutcomeUnknown(err) || len(seen()) != 0 {
		t.Errorf("not sent %v, unknown %v, server saw %d", errors.Is(err, ErrNotSent), OutcomeUnknown(err), len(seen()))
	}

	meter.refuse = errors.New("database is locked")
	f, _ = failed(t, c.Deliver(t.Context(), "ord_1", onePiece))
	if f.Class != order.Retry || f.Code != order.CodeNotCounted || !errors.Is(f, ErrNotSent) || len(seen()) != 0 {
		t.Errorf("with a broken meter: %+v", f)
	}
}

func TestSuccessFalseIsARefusalWhateverTheStatus(t *testing.T) {
	t.Parallel()
	for _, success := range []string{"false", "0", `"false"`} {
		s, _ := serve(t, answer(200, `{"success":`+success+`,"error":"Order already completed"}`))
		c, _ := client(t, s.URL)
		err := c.Deliver(t.Context(), "ord_1", onePiece)
		f, _ := failed(t, err)
		if f.Class != order.Fail || f.Code != order.CodeRejected || OutcomeUnknown(err) || !strings.Contains(err.Error(), "Order already completed") {
			t.Errorf("success %s: %+v", success, f)
		}
	}
}

func TestAConflictNamesItsWordAndAgent(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"success":false,"error":"name_taken"}`:                                                             {"name_taken", ""},
		`{"success":false,"error":"This name is taken","code":"name_taken"}`:                                 {"name_taken", ""},
		`{"success":false,"error":"duplicate_agent","agent_id":"ext_1"}`:                                     {"duplicate_agent", "ext_1"},
		`{"success":false,"error":"duplicate_agent","message":"You have one","data":{"agent_id":"ext_2"}}`:   {"duplicate_agent", "ext_2"},
		`{"success":false,"error":{"code":"duplicate_agent","message":"x","existing_agent":{"id":"ext_3"}}}`: {"duplicate_agent", "ext_3"},
		`{"success":false,"error":"duplicate_agent","agent_id":"ext_1\u001b[2J"}`:                            {"duplicate_agent", ""},
		`{"success":false,"error":"Token already launched"}`:                                                 {"", ""},
		`{"success":false,"code":"` + testKey + `","agent_id":"` + testKey + `"}`:                            {testKey, testKey},
	} {
		s, seen := serve(t, answer(409, body))
		c, _ := client(t, s.URL)
		_, err := c.Register(t.Context(), Registration{Name: "A"})
		f, e := failed(t, err)
		if f.Class != order.Fail || f.Code != order.CodeConflict || e.Word != want[0] || e.AgentID != want[1] {
			t.Errorf("%s: %s %s %q %q, want %q", body, f.Class, f.Code, e.Word, e.AgentID, want)
		}
		if seen()[0].header.Get("Authorization") != "" {
			t.Error("a registration carries a key")
		}
		_, e = failed(t, c.Deliver(t.Context(), "ord_1", onePiece))
		if strings.Contains(e.Word+e.AgentID, testKey) {
			t.Error("the key came back in a field of the error")
		}
	}
}

func TestAConflictShowsItsSentenceAndWhatToDo(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, answer(409, `{"success":false,"error":"duplicate_agent","message":"An agent like this was registered.",
		"recovery":"Wait an hour,\u001b[2J\nthen register again. `+testKey+`"}`))
	c, _ := client(t, s.URL)
	err := c.Deliver(t.Context(), "ord_1", onePiece)
	f, e := failed(t, err)
	if !strings.Contains(err.Error(), "An agent like this was registered.") || strings.Contains(err.Error(), "duplicate_agent") || e.Word != "duplicate_agent" {
		t.Errorf("%v, %q", err, e.Word)
	}
	if want := `Wait an hour,\x1b[2J then register again. [secret]`; f.Hint != want {
		t.Errorf("hint = %q, want %q", f.Hint, want)
	}
}

func TestErrorTextsAreShortPrintableAndWithoutTheKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, body, want string }{
		"terminal codes": {"application/json", `{"success":false,"error":"bad\u001b[2J\u0000\u202e\nline"}`, `bad\x1b[2J\x00\u202e line`},
		"invalid bytes":  {"text/plain", "no\xff\xfe", `no\xff\xfe`},
		"the key":        {"application/json", `{"success":false,"error":"bad key ` + testKey + `!"}`, `bad key [secret]!`},
		"the key by escapes": {
			"application/json",
			`{"success":false,"error":"\u0061` + testKey[1:] + `"}`, `[secret]`,
		},
		"a page":     {"text/html", "<html><head><title> Not here </title>" + strings.Repeat("<p>", 9000), "an HTML page: Not here"},
		"long":       {"text/plain", strings.Repeat("é", 4000), strings.Repeat("é", errorTextLimit-1) + "…"},
		"plain text": {"text/plain", "Request Entity Too Large\n\nFUNCTION_PAYLOAD_TOO_LARGE\n", "Request Entity Too Large FUNCTION_PAYLOAD_TOO_LARGE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := serve(t, answer(400, tc.body, "Content-Type", tc.kind))
			c, _ := client(t, s.URL)
			err := c.Deliver(t.Context(), "ord_1", onePiece)
			failed(t, err)
			_, text, _ := strings.Cut(err.Error(), "400: ")
			if !strings.HasPrefix(text, tc.want) || utf8.RuneCountInString(text) > errorTextLimit || strings.Contains(err.Error(), testKey) {
				t.Errorf("text = %q, want %q", text, tc.want)
			}
		})
	}
}

func TestErrorTextsHoldNoOtherSecret(t *testing.T) {
	t.Parallel()
	const other = "whsec_of-the-webhooks"
	s, _ := serve(t, answer(409, `{"success":false,"error":"signed with `+other+`","recovery":"do not use `+other+`","agent_id":"`+other+`"}`))
	c, _ := client(t, s.URL, func(o *Options) {
		o.Clean = func(text string) string { return strings.ReplaceAll(text, other, "[the webhook secret]") }
	})
	f, e := failed(t, c.Deliver(t.Context(), "ord_1", onePiece))
	if all := f.Error() + f.Hint + e.Recovery + e.AgentID + e.Word; strings.Contains(all, other) || !strings.Contains(f.Error(), "signed with [the webhook secret]") {
		t.Errorf("%q, %q, %+v", f.Error(), f.Hint, e)
	}
}

func TestUnusableKeysAreNotSent(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true}`))
	for _, creds := range []Credentials{{}, {AgentID: testAgent}, {testAgent, secret.New("atelier_x\r\nX-Evil: 1")}} {
		c, meter := client(t, s.URL, func(o *Options) { o.Credentials = func() Credentials { return creds } })
		_, err := c.Orders(t.Context(), order.LiveStatuses())
		f, _ := failed(t, err)
		if f.Class != order.Hold || !errors.Is(err, ErrNotSent) || f.Hint == "" || len(meter.taken)+len(seen()) != 0 {
			t.Errorf("%+v, taken %v", f, meter.taken)
		}
		if k := creds.Key.Reveal(); k != "" && strings.Contains(err.Error(), k) {
			t.Errorf("the error has the key: %v", err)
		}
	}
}

func TestAnIDStaysInItsSegmentOfTheAddress(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true}`))
	c, _ := client(t, s.URL)
	for _, id := range []string{"", ".", "..", strings.Repeat("x", 201)} {
		if err := c.Deliver(t.Context(), id, onePiece); !errors.Is(err, ErrNotSent) {
			t.Errorf("id %.20q: %v", id, err)
		}
	}
	if err := c.Deliver(t.Context(), "../a b?c#d%2f", onePiece); err != nil {
		t.Fatal(err)
	}
	if got, want := seen()[0].uri, "/api/orders/..%2Fa%20b%3Fc%23d%252f/deliver"; len(seen()) != 1 || got != want {
		t.Errorf("address = %s, want %s", got, want)
	}
}
