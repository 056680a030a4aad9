package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const feedback = `{"event":"order.revision_requested","order_id":"ord_1","data":{"feedback":"bluer","revision_count":2}}`

func TestAnEventNamesWhatTheClientWrote(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		feedback: "bluer 2 -",
		`{"event":"order.disputed","order_id":"o","data":{"reason":"not blue"}}`:                               "not blue 0 -",
		`{"event":"order.message","order_id":"o","data":{"content":" two\nlines "}}`:                           " two\nlines  0 -",
		`{"event":"order.revision_requested","order_id":"o","data":{"feedback":"b","revision_count":"x"}}`:     "b 0 -",
		`{"event":"order.message","order_id":"o","data":{"content":"  "}}`:                                     "",
		`{"event":"order.message","order_id":"o","data":{"content":7}}`:                                        "",
		`{"event":"order.message","data":{"content":"no order"}}`:                                              "",
		`{"event":"order.paid","order_id":"o","data":{"content":"a brief"}}`:                                   "",
		`{"event":"order.payout_sent","order_id":"o","data":{"amount_usd":"5.00"}}`:                            " 0 5.00",
		`{"event":"order.payout_sent","order_id":"o","data":{"amount_usd":4.500000000001}}`:                    " 0 4.50",
		`{"event":"order.payout_sent","order_id":"o","data":{"amount_usd":"-1"}}`:                              "",
		`{"event":"order.payout_sent","order_id":"o","data":{"amount_usd":null}}`:                              "",
		`{"event":"bounty.claim_rejected","order_id":"o","data":{"bounty_id":"bty_1","content":"not for us"}}`: " 0 -",
	} {
		e := parse([]byte(body))
		got := ""
		if e.Content() {
			amount := "-"
			if e.Amount != nil {
				amount = e.Amount.String()
			}
			got = fmt.Sprint(e.Text, " ", e.Revision, " ", amount)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	long := strings.Repeat("x", maxID+1)
	if e := parse([]byte(`{"event":"order.message","order_id":"` + long + `","data":{"content":"hello","bounty_id":"` + long + `"}}`)); e.OrderID+e.BountyID != "" || e.Content() {
		t.Errorf("an id of %d bytes is taken: %+v", len(long), e)
	}
	if e := parse([]byte(`{"event":"` + long + `","order_id":"` + long[1:] + `"}`)); e.Name != "" || e.OrderID != long[1:] {
		t.Errorf("the longest id, or a shorter name: %+v", e)
	}
	one, other := parse([]byte(feedback)), parse([]byte(
		`{"order_id":"ord_1","event":"order.revision_requested","data":{"revision_count":2,  "feedback":"bluer"}}`))
	if one.Hash != other.Hash {
		t.Error("the hash depends on the order of the fields")
	}
}

// TestAnEventWithContentIsAnsweredAfterItIsRecorded guards that the marketplace sends
// an event again unless its content is durable.
func TestAnEventWithContentIsAnsweredAfterItIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, events := open()
		recorded, broken := 0, true
		r.Record = func(Event) error {
			if broken {
				return errors.New("the disk is full")
			}
			recorded++
			return nil
		}
		first := sign("new", time.Now(), feedback)
		if got := post(r, http.MethodPost, first, feedback); got != 503 || len(*events) != 0 {
			t.Errorf("not recorded, it is answered %d with %d hints", got, len(*events))
		}
		if got := post(r, http.MethodPost, sign("new", time.Now(), body), body); got != 200 {
			t.Errorf("an event without content is answered %d", got)
		}
		broken = false
		for range 3 { // with the signature that was refused, and as a replay
			if got := post(r, http.MethodPost, first, feedback); got != 200 {
				t.Errorf("recorded, it is answered %d", got)
			}
		}
		if recorded != 1 || len(*events) != 2 {
			t.Errorf("it was recorded %d times, and there were %d hints", recorded, len(*events))
		}
	})
}

func TestARecordThatTakesTooLongIsRefusedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, events := open()
		release := make(chan bool)
		r.Record = func(Event) error { <-release; return nil }
		for i := range maxRecording + 1 {
			began := time.Now()
			want := recordTime
			if i == maxRecording {
				want = 0 // too many are under way already
			}
			if got := post(r, http.MethodPost, sign("new", time.Now(), feedback), feedback); got != 503 || time.Since(began) != want {
				t.Fatalf("event %d is answered %d after %s", i, got, time.Since(began))
			}
		}
		if len(*events) != 0 {
			t.Errorf("there were %d hints", len(*events))
		}
		close(release)
		r.Wait()
		if got := post(r, http.MethodPost, sign("new", time.Now(), feedback), feedback); got != 200 {
			t.Errorf("when the database works again it is answered %d", got)
		}
	})
}
