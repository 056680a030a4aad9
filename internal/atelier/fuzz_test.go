package atelier

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"atelierd/internal/order"
)

// checkFacts checks what must hold for every order, whatever it was read from.
func checkFacts(t *testing.T, f order.Facts) {
	t.Helper()
	if checkID(f.ID) != nil || f.Status == "" {
		t.Errorf("id %q, status %q", f.ID, f.Status)
	}
	texts := append([]string{f.ID, f.ServiceID, f.ServiceTitle, f.ClientWallet, f.Brief, string(f.Status), f.PayoutTx},
		append(append(f.ReferenceURLs, f.ReferenceImages...), f.Deliverables...)...)
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("text %q cannot be stored", s)
		}
	}
	for _, at := range []time.Time{f.CreatedAt, f.DeliveredAt, f.ReviewDeadline, f.CompletedAt, f.WorkspaceExpiresAt} {
		if !at.IsZero() && (at.Year() < 1970 || at.After(latest) || at.Location() != time.UTC) {
			t.Errorf("time %v", at)
		}
	}
	for _, usd := range []*order.USD{f.Price, f.Fee} {
		if usd != nil && (*usd < 0 || *usd > 1e9*order.Dollar) {
			t.Errorf("amount %v", *usd)
		}
	}
	if !json.Valid(f.Raw) || !utf8.Valid(f.Raw) || depth(f.Raw) > maxDepth {
		t.Errorf("raw %q", f.Raw)
	}
	if f.Answers != nil && (!json.Valid(f.Answers) || !utf8.Valid(f.Answers) || depth(f.Answers) > maxDepth+1 ||
		kind(f.Answers) != "array" && kind(f.Answers) != "object") {
		t.Errorf("answers %q", f.Answers)
	}
	again, err := readOrder(f.Raw)
	if err != nil || again.ID != f.ID || again.Brief != f.Brief || again.Status != f.Status {
		t.Errorf("raw reads as %+v, %v", again, err)
	}
}

func shapes(f *testing.F) []string {
	f.Helper()
	return []string{
		guideOrder,
		`{"id":"a","status":"revision_requested","reference_urls":"[\"x\"]","requirement_answers":"{\"q\":\"a\"}","quoted_price_usd":5}`,
		`{"id":7,"status":"paid","created_at":"2025-02-17 12:00:00","deliverables":[{"deliverable_url":"u"},"v"],"quota_total":"3"}`,
		`{"id":"a","status":"paid","brief":"\u0000\ud800","requirement_answers":["\u0000"]}`,
		`{"id":"a","status":"paid","requirement_answers":"plain","reference_images":{}}`,
		`null`, `"x"`, `[[]]`, `{"id":"","status":1}`, `{"ID":"x","Status":"paid","id":"y"}`,
	}
}

func FuzzOrders(f *testing.F) {
	for _, s := range shapes(f) {
		f.Add([]byte(`{"success":true,"data":[` + s + `,` + guideOrder + `]}`))
	}
	f.Add([]byte(`{"success":false,"error":"no"}`))
	f.Add([]byte(`{"data":null,"success":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		listing, err := readAll(bytes.NewReader(body), ordersLimit)
		var whole struct{ Data []json.RawMessage }
		if err != nil {
			if len(listing.Orders)+len(listing.Bad) != 0 {
				t.Error("rows together with an error")
			}
			return
		}
		if !json.Valid(body) {
			t.Error("a listing from what is not JSON")
		}
		// Each row must be an order or a bad row.
		var keys map[string]json.RawMessage
		_ = json.Unmarshal(body, &keys)
		if strings.Count(string(body), `"data"`) == 1 && json.Unmarshal(keys["data"], &whole.Data) == nil &&
			len(whole.Data) != len(listing.Orders)+len(listing.Bad) {
			t.Errorf("%d rows gave %d orders and %d bad", len(whole.Data), len(listing.Orders), len(listing.Bad))
		}
		for _, facts := range listing.Orders {
			checkFacts(t, facts)
		}
		for _, bad := range listing.Bad {
			if bad.Reason == "" || utf8.RuneCountInString(bad.Reason) > errorTextLimit || strings.ContainsAny(bad.Reason, "\n\x1b\x00") || !json.Valid(bad.Raw) {
				t.Errorf("bad row %+v", bad)
			}
		}
	})
}

func FuzzOrder(f *testing.F) {
	for _, s := range shapes(f) {
		f.Add([]byte(s))
		f.Add([]byte(`{"order":` + s + `,"review":null,"deliverables":[{"deliverable_url":"u"}],"viewer_role":"provider"}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		for _, id := range []string{"a", "7", "ord_1708123456789_abc"} {
			facts, err := readOneOrder(oneOrder{data: bytes.TrimSpace(data)}, id)
			if err != nil {
				if facts.ID != "" {
					t.Error("facts together with an error")
				}
				continue
			}
			if facts.ID != id {
				t.Errorf("asked for %q, got %q", id, facts.ID)
			}
			checkFacts(t, facts)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(400, "Content-Type", "application/json", []byte(`{"success":false,"error":"Bad `+testKey+`"}`))
	f.Add(409, "", "", []byte(`{"success":false,"error":"duplicate_agent","agent_id":"`+testKey+`"}`))
	f.Add(409, "", "", []byte(`{"success":false,"error":{"code":"name_taken","message":"\u001b[2J"}}`))
	f.Add(429, "Retry-After", "120", []byte(`{"success":false,"error":"Rate limit"}`))
	f.Add(307, "Location", "https://"+testKey+".example/api", []byte(nil))
	f.Add(413, "Content-Type", "text/html", []byte("<title>\a"+testKey[1:]+"</title>"))
	f.Add(503, "Retry-After", "Mon, 17 Feb 2025 12:00:00 GMT", []byte("down\xff"))
	f.Add(200, "", "", []byte(`{"success":false}`))
	f.Add(200, "", "", []byte(`{"success":true,"data":`))
	f.Fuzz(func(t *testing.T, status int, name, value string, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		c := New(Options{
			BaseURL: parse(t, "https://market.example/api"), Credentials: credentials,
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				h := http.Header{}
				h.Set(name, value)
				return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
			}),
		})
		err := c.Deliver(t.Context(), "ord_1", onePiece)
		if err == nil {
			if status > 299 || !json.Valid(body) {
				t.Errorf("%d %q passed for a delivery", status, body)
			}
			return
		}
		failure, e := failed(t, err)
		if failure.Code == "" || e.Status != status || errors.Is(err, ErrNotSent) {
			t.Errorf("%+v, status %d", failure, e.Status)
		}
		switch failure.Class {
		case order.Fail, order.Hold:
			if OutcomeUnknown(err) && status != 303 {
				t.Error("a refusal that may have had its effect")
			}
		case order.Wait:
			if status != 429 || failure.After < minWait || failure.After > maxWait {
				t.Errorf("%d waits %v", status, failure.After)
			}
		case order.Retry:
			if status < 400 && !OutcomeUnknown(err) || status >= 500 && !OutcomeUnknown(err) {
				t.Errorf("%d is taken for a refusal", status)
			}
		default:
			t.Errorf("class %q", failure.Class)
		}
		for _, text := range []string{err.Error(), failure.Hint, e.Word, e.AgentID} {
			if strings.Contains(text, testKey) {
				t.Errorf("the key is in %q", text)
			}
			if utf8.RuneCountInString(text) > 800 || !utf8.ValidString(text) || strings.IndexFunc(text, func(r rune) bool { return r != ' ' && !strconv.IsPrint(r) }) >= 0 {
				t.Errorf("text %q", text)
			}
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{
		"0", "1", "120", " 60 ", "86401", "99999999999999999999", "-1", "1.5", "", "soon",
		"Mon, 17 Feb 2025 12:00:00 GMT", "Monday, 17-Feb-25 12:00:00 GMT", "Mon Feb 17 12:00:00 2025",
	} {
		f.Add(s, "1739793600", "30")
		f.Add("", s, s)
	}
	now := time.Date(2025, 2, 17, 11, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, reset, limit string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}, "X-Ratelimit-Limit": {limit}}
		l := readLimits(h, now)
		wait := l.wait()
		if wait < minWait || wait > maxWait {
			t.Errorf("wait = %v", wait)
		}
		if l.retryAfter != 0 && l.retryAfter != wait {
			t.Errorf("Retry-After %v, but waits %v", l.retryAfter, wait)
		}
		if l.limit < 0 || l.reset.Sub(now) > maxWait+time.Second {
			t.Errorf("%+v", l)
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(after), 10, 62); err == nil {
			if want := time.Duration(min(max(n, 1), 86400)) * time.Second; wait != want {
				t.Errorf("%q seconds wait %v, want %v", after, wait, want)
			}
		}
		if at, err := http.ParseTime(after); err == nil && at.After(now) && at.Sub(now) < maxWait && wait < min(at.Sub(now), maxWait) {
			t.Errorf("until %v waits only %v", at, wait)
		}
		if strings.TrimSpace(after) == "" && strings.TrimSpace(reset) == "" && wait != defaultWait {
			t.Errorf("without headers it waits %v", wait)
		}
	})
}
