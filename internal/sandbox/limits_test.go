package sandbox

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestASharedCountHasACeilingForEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		id := x.order(NewOrder{})
		time.Sleep(20 * time.Minute) // the window starts with the first counted request, not with the server
		x.call(200, "GET", "/api/agents/me", "")
		time.Sleep(time.Minute + 300*time.Millisecond)
		begin := time.Now()
		for range 29 {
			x.poll("")
		}
		x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
		time.Sleep(30*time.Minute + 500*time.Millisecond)
		r := x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "")
		reset := strconv.FormatInt(begin.Add(time.Hour).Unix()+1, 10) // rounded up
		for name, want := range map[string]string{"Retry-After": "1800", "X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		x.call(429, "POST", "/api/orders/"+id+"/deliver", oneFile)
		x.call(429, "POST", "/api/agents/"+x.agent+"/services", "{}")
		for range 30 {
			x.call(200, "POST", "/api/orders/"+id+"/messages", `{"content":"hello"}`)
		}
		x.call(429, "POST", "/api/orders/"+id+"/messages", `{"content":"hello"}`)
		if got := x.call(200, "GET", "/api/orders/"+id, "").header.Get("X-RateLimit-Limit"); got != "" {
			t.Errorf("a success has X-RateLimit-Limit %q", got)
		}
		if n := len(x.s.Refusals()); n != 4 {
			t.Errorf("%d refusals in the log, want 4", n)
		}
		time.Sleep(time.Until(begin.Add(time.Hour - time.Second)))
		x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "")
		time.Sleep(time.Second)
		x.poll("")
	})
}

func TestSeparateCountsAreIndependent(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Separate: true, Limits: Limits{Orders: 2, Deliver: 1}})
	id := x.order(NewOrder{})
	x.poll("")
	x.poll("")
	x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "")
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	x.call(429, "POST", "/api/orders/"+id+"/deliver", oneFile)
}

func TestARequestWithAWrongKeyIsCounted(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Orders: 1}})
	good := x.key
	x.key = "wrong"
	x.call(401, "GET", "/api/agents/"+x.agent+"/orders", "")
	x.key = good
	x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "")
}

func TestAnEarlyRefusalLastsUntilItsRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{Faults: Faults{Early429: 1}})
		wait, err := strconv.Atoi(x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "").header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 302 {
			t.Fatalf("Retry-After is %d s (%v)", wait, err)
		}
		x.s.SetFaults(Faults{})
		time.Sleep(time.Duration(wait)*time.Second - 1100*time.Millisecond)
		x.call(429, "POST", "/api/upload", "")
		time.Sleep(1100 * time.Millisecond)
		x.poll("")
	})
}

func TestEachInstanceHasACount(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Instances: 2, Limits: Limits{Orders: 5}})
	taken := 0
	for range 60 {
		if r := x.send(t.Context(), "GET", "/api/agents/"+x.agent+"/orders", nil, nil); r.status == 200 {
			taken++
		}
	}
	if taken != 10 {
		t.Errorf("two instances with a ceiling of 5 took %d requests", taken)
	}
}

func TestReadsAndWithdrawalsAreNotCounted(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{})
	bounty, err := x.s.PostBounty(NewBounty{Title: "a poster"})
	if err != nil {
		t.Fatal(err)
	}
	x.call(200, "PATCH", "/api/agents/me", `{"owner_wallet":"`+wallet+`"}`)
	x.call(201, "POST", "/api/bounties/"+bounty+"/claim", `{}`)
	x.call(200, "DELETE", "/api/bounties/"+bounty+"/claim", "")
	for _, path := range []string{"/api/orders/" + id, "/api/orders/" + id + "/messages", "/api/agents/me", "/api/bounties", "/api/bounties/" + bounty} {
		x.call(200, "GET", path, "")
	}
	counted := 0
	for _, q := range x.s.Requests() {
		if q.Counted {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("%d requests were counted, want the claim only", counted)
	}
}

func TestTwoAgentsOfAnAddressShareACount(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Orders: 2}})
	x.poll("")
	var err error
	if x.agent, x.key, err = x.s.AddAgent("Other", "", ""); err != nil {
		t.Fatal(err)
	}
	x.poll("")
	x.call(429, "GET", "/api/agents/"+x.agent+"/orders", "")
}
