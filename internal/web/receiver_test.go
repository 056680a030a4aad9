package web

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"atelierd/internal/secret"
)

const body = `{"event":"order.paid","order_id":"ord_1","data":{"brief":"a fox"}}`

func sign(key string, at time.Time, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// open returns a receiver with two secrets, and the events that it passes on.
func open() (*Receiver, *[]Event) {
	events := &[]Event{}
	return &Receiver{
		Log: slog.New(slog.DiscardHandler), Notify: func(e Event) { *events = append(*events, e) },
		Record:  func(Event) error { return nil },
		Secrets: func() []secret.Text { return []secret.Text{{}, secret.New("old"), secret.New("new")} },
	}, events
}

func post(r *Receiver, method, signature, body string) int {
	req := httptest.NewRequest(method, "/", strings.NewReader(body))
	req.Header.Set("X-Atelier-Signature", signature)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func TestOnlyARequestWithAValidRecentSignatureIsAccepted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		method, signature, body string
		want, events            int
	}{
		"signed with one secret":     {http.MethodPost, sign("old", now, body), body, 200, 1},
		"signed with another":        {http.MethodPost, sign("new", now, body), body, 200, 1},
		"an unknown event":           {http.MethodPost, sign("new", now, "[]"), "[]", 200, 1},
		"another secret":             {http.MethodPost, sign("bad", now, body), body, 401, 0},
		"the empty secret":           {http.MethodPost, sign("", now, body), body, 401, 0},
		"another body":               {http.MethodPost, sign("new", now, body), body + " ", 401, 0},
		"too old":                    {http.MethodPost, sign("new", now.Add(-tolerance-2*time.Second), body), body, 401, 0},
		"from the future":            {http.MethodPost, sign("new", now.Add(tolerance+2*time.Second), body), body, 401, 0},
		"just in time":               {http.MethodPost, sign("new", now.Add(-tolerance+5*time.Second), body), body, 200, 1},
		"no signature":               {http.MethodPost, "", body, 401, 0},
		"half a signature":           {http.MethodPost, fmt.Sprintf("t=%d,v1=", now.Unix()), body, 401, 0},
		"a signature that is no hex": {http.MethodPost, fmt.Sprintf("t=%d,v1=zz", now.Unix()), body, 401, 0},
		"another method":             {http.MethodGet, sign("new", now, body), body, 405, 0},
		"too long":                   {http.MethodPost, sign("new", now, strings.Repeat("x", maxBody+1)), strings.Repeat("x", maxBody+1), 413, 0},
	} {
		r, events := open()
		rejected := 0
		r.Rejected = func() { rejected++ }
		if got := post(r, c.method, c.signature, c.body); got != c.want || len(*events) != c.events {
			t.Errorf("%s: answers %d with %d events, want %d with %d", name, got, len(*events), c.want, c.events)
		}
		if (c.want == 401) != (rejected == 1) {
			t.Errorf("%s: %d rejections were reported", name, rejected)
		}
	}
}

func TestAReplayIsAnsweredAndNotPassedOn(t *testing.T) {
	t.Parallel()
	r, events := open()
	signature := sign("new", time.Now(), body)
	for range 3 {
		if got := post(r, http.MethodPost, signature, body); got != 200 {
			t.Errorf("it answers %d", got)
		}
	}
	if len(*events) != 1 {
		t.Errorf("three deliveries with one signature hinted %d times", len(*events))
	}
	for i := range maxSeen + 10 {
		other := fmt.Sprintf(`{"event":"order.paid","order_id":"o%d"}`, i)
		post(r, http.MethodPost, sign("new", time.Now(), other), other)
	}
	if len(r.seen) > maxSeen || len(r.ring) > maxSeen {
		t.Errorf("a flood made it remember %d signatures", len(r.seen))
	}
}

func TestAnEventNamesItsOrderAndBounty(t *testing.T) {
	t.Parallel()
	r, events := open()
	for _, b := range []string{
		`{"event":"bounty.accepted","order_id":"ord_2","data":{"bounty_id":"bty_1"}}`,
		`{"event":"order.completed","order_id":"ord_3","data":{"payout_failed":true}}`,
		`{"event":"order.payout_failed","order_id":"ord_3","data":"odd"}`,
		`not json`,
	} {
		post(r, http.MethodPost, sign("new", time.Now(), b), b)
	}
	want := []Event{
		{Name: "bounty.accepted", OrderID: "ord_2", BountyID: "bty_1"},
		{Name: "order.completed", OrderID: "ord_3", PayoutFailed: true},
		{Name: "order.payout_failed", OrderID: "ord_3", PayoutFailed: true},
		{},
	}
	for i := range *events {
		(*events)[i].Hash, (*events)[i].SignedAt = "", time.Time{}
	}
	if fmt.Sprint(*events) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", *events, want)
	}
}

func TestARejectionHasNoBody(t *testing.T) {
	t.Parallel()
	r, _ := open()
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if got := bytes.TrimSpace(w.Body.Bytes()); len(got) != 0 {
		t.Errorf("a rejection has the body %q", got)
	}
}

func TestAReplayWithAnotherSpellingOfTheHeaderIsNotPassedOn(t *testing.T) {
	t.Parallel()
	r, events := open()
	signature := sign("new", time.Now(), body)
	stamp, mac, _ := strings.Cut(signature, ",v1=")
	for _, same := range []string{signature, signature + ",x=1", " " + signature, "v1=" + mac + "," + stamp, stamp + ",v1=" + strings.ToUpper(mac)} {
		post(r, http.MethodPost, same, body)
	}
	if len(*events) != 1 {
		t.Errorf("one signature, written in five ways, hinted %d times", len(*events))
	}
}

func TestTheAnswerDoesNotWaitForNotify(t *testing.T) {
	t.Parallel()
	r, _ := open()
	busy := make(chan struct{})
	r.Notify = func(Event) { <-busy }
	s := httptest.NewServer(r)
	defer s.Close()
	defer close(busy)
	req, _ := http.NewRequest(http.MethodPost, s.URL, strings.NewReader(body))
	req.Header.Set("X-Atelier-Signature", sign("new", time.Now(), body))
	resp, err := (&http.Client{Timeout: 2 * time.Second}).Do(req)
	if err != nil {
		t.Fatalf("no answer while the event is dealt with: %v", err)
	}
	resp.Body.Close()
}
