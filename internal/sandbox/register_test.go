package sandbox

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const longEnough = "paints what you ask, and asks when it is not clear"

func TestARegistrationFollowsTheRulesForListings(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Register: -1}})
	for _, c := range []struct {
		name, description string
		want              int
	}{
		{"Ann O'Neil_the-2nd.", longEnough, 201},
		{"Latest Steps", longEnough, 201},
		{"Al", longEnough, 400},
		{strings.Repeat("n", 40), longEnough, 201},
		{strings.Repeat("n", 41), longEnough, 400},
		{"Painter!", longEnough, 400},
		{"Maler\u00fc", longEnough, 400},
		{"My Test", longEnough, 400},
		{"test_agent", longEnough, 400},
		{"Atelier One", longEnough, 400},
		{"Steamer", longEnough, 400},
		{"Lobsterclaws", longEnough, 400},
		{"Painter", strings.Repeat("d", 39), 400},
		{"Painter", strings.Repeat("d", 501), 400},
		{"Painter", longEnough + ", Risk-Free", 400},
		{"Painter", longEnough + ", 100% success", 400},
	} {
		body := `{"name":"` + c.name + `","description":"` + c.description + `","endpoint_url":"https://a.example"}`
		x.call(c.want, "POST", "/api/agents/register", body)
	}
}

func TestATitleIsPlainASCIIWithSingleSpaces(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Services: -1}})
	path := "/api/agents/" + x.agent + "/services"
	for title, want := range map[string]int{"Four": 400, "  Four ": 400, strings.Repeat("t", 81): 400, "Bücher": 400, "Risk-free art": 400, "Two  \u0020words": 201} {
		r := x.call(want, "POST", path, `{"category":"custom","title":"`+title+`","description":"`+longEnough+`","price_usd":"5","price_type":"fixed"}`)
		if want == 201 && r.row()["title"] != "Two words" {
			t.Errorf("the title is stored as %q", r.row()["title"])
		}
	}
}

func TestTheOwnerIsSetOnceAndByAPatchOnly(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	got := x.call(201, "POST", "/api/agents/register", `{"name":"Painter","description":"`+longEnough+`","endpoint_url":"https://a.example","owner_wallet":"`+wallet+`"}`).row()
	x.agent, x.key = got["agent_id"].(string), got["api_key"].(string)
	if me := x.call(200, "GET", "/api/agents/me", "").row(); me["owner_wallet"] != nil {
		t.Errorf("a registration set the owner %v", me["owner_wallet"])
	}
	recovery := `{"owner_wallet":"` + wallet + `","signature":"` + TestSignature + `"}`
	x.call(404, "POST", "/api/agents/recover", recovery)
	x.call(200, "PATCH", "/api/agents/me", `{"owner_wallet":"`+wallet+`"}`)
	x.call(403, "PATCH", "/api/agents/me", `{"owner_wallet":"11111111111111111111111111111111"}`)
	x.call(200, "PATCH", "/api/agents/me", `{"owner_wallet":"`+wallet+`"}`)
	x.call(401, "POST", "/api/agents/recover", strings.Replace(recovery, TestSignature, "forged", 1))
	if row := x.call(200, "POST", "/api/agents/recover", recovery).row(); row["agent_id"] != x.agent || row["api_key"] != x.key {
		t.Errorf("the recovery answered %v", row)
	}
}

func TestTheSameAgentIsADuplicateForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := openPiped(t, Options{})
		body := `{"name":"Painter","description":"` + longEnough + `","endpoint_url":"https://a.example"}`
		x.call(201, "POST", "/api/agents/register", body)
		time.Sleep(time.Hour)
		if r := x.call(409, "POST", "/api/agents/register", body); r.problem != "name_taken" {
			t.Errorf("an hour later it answered %q", r.problem)
		}
	})
}

func TestAFlaggedAgentCannotBeHired(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	flag := func(status string) {
		x.call(200, "POST", "/sandbox/agents/"+x.agent+"/flag", `{"status":"`+status+`","reason":"it looks copied"}`)
	}
	moderation := func() any {
		m, _ := x.call(200, "GET", "/api/agents/me", "").row()["moderation"].(map[string]any)
		return m["status"]
	}
	flag("review")
	x.call(403, "POST", "/sandbox/orders", `{}`)
	x.call(200, "PATCH", "/api/agents/me", `{"avatar_url":"https://a.example/me.png"}`)
	if got := moderation(); got != "review" {
		t.Errorf("another change made the moderation %v", got)
	}
	x.call(200, "PATCH", "/api/agents/me", `{"description":"`+longEnough+`"}`)
	if got := moderation(); got != "ok" {
		t.Errorf("after a clean change the moderation is %v", got)
	}
	x.call(200, "POST", "/sandbox/orders", `{}`)
	flag("spam")
	x.call(200, "PATCH", "/api/agents/me", `{"description":"`+longEnough+`"}`)
	x.call(403, "POST", "/sandbox/orders", `{}`)
	x.call(400, "POST", "/sandbox/agents/"+x.agent+"/flag", `{"status":"odd"}`)
}

func TestAFlaggedServiceCannotBeOrdered(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(200, "POST", "/sandbox/services/svc_1/flag", `{"status":"review"}`)
	x.call(403, "POST", "/sandbox/orders", `{}`)
	list := x.call(200, "GET", "/api/agents/"+x.agent+"/services", "").data.([]any)
	if got := list[0].(map[string]any)["moderation_status"]; got != "review" {
		t.Errorf("the service shows as %v", got)
	}
	x.call(200, "PATCH", "/api/services/svc_1", `{"title":"Better Pictures"}`)
	x.call(200, "POST", "/sandbox/orders", `{}`)
}

func TestAnAgentWithoutAPayoutWalletCannotBeHired(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":null}`)
	x.call(400, "POST", "/sandbox/orders", `{}`)
}

func TestASkippedPayoutCanBeAskedForAgain(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Webhooks: true})
	id := x.order(NewOrder{})
	path := "/api/orders/" + id + "/request-payout-retry"
	x.call(400, "POST", path, "")
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":null}`)
	if err := x.s.Approve(id); err != nil {
		t.Fatal(err)
	}
	x.call(400, "POST", path, "")
	x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":"`+wallet+`"}`)
	x.s.SetPayoutsFail(true)
	x.call(200, "POST", path, "")
	if o := x.snapshot(id); o.PayoutUSD != "" {
		t.Errorf("a failed payout left %+v", o)
	}
	x.s.SetPayoutsFail(false)
	x.call(200, "POST", path, "")
	x.call(400, "POST", path, "")
	if o := x.snapshot(id); o.PayoutUSD != "4.50" || o.PayoutWallet != wallet || o.PayoutSkipped {
		t.Errorf("after the retry: %+v", o)
	}
	got := strings.Join(x.events(), "\n")
	for _, want := range []string{`order.completed {"payout_failed":true}`, `order.payout_failed {}`, `order.payout_sent {"amount_usd":"4.50"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("the events have no %s: %s", want, got)
		}
	}
}

func TestTheOldAddressRedirects(t *testing.T) {
	t.Parallel()
	x := open(t, Options{MovedTo: "http://127.0.0.1:1/api"})
	x.http.CheckRedirect = nil
	if r := x.send(t.Context(), "GET", "/api/agents/me", nil, nil); r != nil {
		t.Errorf("the redirect led to %+v", r)
	}
	if q := x.s.Requests(); len(q) != 1 || q[0].Status != 301 || q[0].Counted {
		t.Errorf("the log is %+v", q)
	}
}
