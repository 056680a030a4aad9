package sandbox

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

const wallet = "So11111111111111111111111111111111111111112"

func TestARegistrationIssuesAKeyOnce(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	body := `{"name":"Painter","description":"paints what you ask, and asks when it is not clear","endpoint_url":"https://a.example","capabilities":["image_gen"]}`
	got := x.call(201, "POST", "/api/agents/register", body).row()
	key, _ := got["api_key"].(string)
	if !strings.HasPrefix(key, "atelier_") || got["agent_id"] == "" || got["marketable"] != false {
		t.Fatalf("registration answered %v", got)
	}
	x.key = key
	me := x.call(200, "GET", "/api/agents/me", "")
	if me.row()["id"] != got["agent_id"] || strings.Contains(me.text, key) {
		t.Errorf("the profile is %s", me.text)
	}
	for word, again := range map[string]string{"duplicate_agent": body, "name_taken": strings.Replace(body, "asks when", "asks if", 1)} {
		r := x.call(409, "POST", "/api/agents/register", again)
		if r.problem != word || !strings.Contains(r.text, `"message":"An agent with this name`) || !strings.Contains(r.text, `"recovery":"`) {
			t.Errorf("want %s, got %s", word, r.text)
		}
	}
}

func TestAGuideRegistrationAlwaysMakesANewAgent(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Guide: true})
	body := `{"name":"Painter","description":"paints what you ask","endpoint_url":"https://a.example"}`
	a, b := x.call(201, "POST", "/api/agents/register", body), x.call(201, "POST", "/api/agents/register", body)
	if a.row()["agent_id"] == b.row()["agent_id"] || len(a.row()) != 2 {
		t.Errorf("two registrations answered %s and %s", a.text, b.text)
	}
}

func TestARegistrationFollowsTheRulesOfTheGuide(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Guide: true, Limits: Limits{Register: -1}})
	for _, body := range []string{
		``, `[]`, `null`, `{"name":1}`,
		`{"description":"paints what you ask","endpoint_url":"https://a.example"}`,
		`{"name":"P","description":"paints what you ask","endpoint_url":"https://a.example"}`,
		`{"name":"` + strings.Repeat("n", 51) + `","description":"paints what you ask","endpoint_url":"https://a.example"}`,
		`{"name":"Painter","description":"too short","endpoint_url":"https://a.example"}`,
		`{"name":"Painter","description":"paints what you ask","endpoint_url":"a.example"}`,
		`{"name":"Painter","description":"paints what you ask","endpoint_url":"ftp://a.example"}`,
		`{"name":"Painter","description":"paints what you ask","endpoint_url":"https://a.example","capabilities":["cooking"]}`,
		`{"name":"Painter","description":"paints what you ask","endpoint_url":"https://a.example","owner_wallet":"YOUR_SOLANA_WALLET_ADDRESS"}`,
	} {
		x.call(400, "POST", "/api/agents/register", body)
	}
	if n := len(x.s.Agents()); n != 1 {
		t.Errorf("refused registrations left %d agents", n-1)
	}
}

func TestThePayoutWalletCanBeSetAndReset(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":"`+wallet+`","description":"something else now, and long enough for a listing"}`)
	if a := x.s.Agents()[0]; a.PayoutWallet != wallet || !strings.HasPrefix(a.Description, "something else") {
		t.Errorf("after the change: %+v", a)
	}
	x.call(400, "PATCH", "/api/agents/me", `{"payout_wallet":"0OIl"}`)
	x.call(200, "PATCH", "/api/agents/me", `{"name":"Other"}`)
	if a := x.s.Agents()[0]; a.PayoutWallet != wallet {
		t.Error("changing the name removed the wallet")
	}
	if me := x.call(200, "PATCH", "/api/agents/me", `{"payout_wallet":null}`).row(); me["payout_wallet"] != nil {
		t.Errorf("after null the wallet is %v", me["payout_wallet"])
	}
}

func TestServicesCanBeCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Limits: Limits{Services: -1}})
	path := "/api/agents/" + x.agent + "/services"
	good := `{"category":"image_gen","title":"Avatars","description":"` + strings.Repeat("a", 40) + `","price_usd":"7.50","price_type":"weekly","quota_limit":3,"deliverables":["one"]}`
	id, _ := x.call(201, "POST", path, good).row()["id"].(string)
	for _, change := range [][2]string{
		{`"image_gen"`, `"cooking"`},
		{"Avatars", "Av"},
		{"Avatars", strings.Repeat("A", 101)},
		{strings.Repeat("a", 40), strings.Repeat("a", 39)},
		{strings.Repeat("a", 40), strings.Repeat("a", 1001)},
		{`"7.50"`, `7.5`},
		{`"7.50"`, `"$7"`},
		{`"7.50"`, `"-1"`},
		{`"7.50"`, `"0"`},
		{`"weekly"`, `"daily"`},
		{`["one"]`, `"one"`},
		{`3`, `-1`},
		{`3`, `1.5`},
		{`"title":"Avatars",`, ``},
	} {
		x.call(400, "POST", path, strings.Replace(good, change[0], change[1], 1))
	}
	if row := x.call(200, "PATCH", "/api/services/"+id, `{"price_usd":"8.00"}`).row(); row["price_usd"] != "8.00" || row["quota_limit"] != 3.0 {
		t.Errorf("after the change: %v", row)
	}
	x.call(400, "PATCH", "/api/services/"+id, `{"title":""}`)
	if list := x.call(200, "GET", path, "").data.([]any); len(list) != 2 {
		t.Errorf("the list has %d services, want 2", len(list))
	}
	x.call(200, "DELETE", "/api/services/"+id, "")
	if list := x.call(200, "GET", path, "").data.([]any); len(list) != 1 {
		t.Errorf("after the deletion the list has %d services, want 1", len(list))
	}
	if all := x.s.Services(); len(all) != 2 || all[1].Active {
		t.Errorf("the deletion removed the service: %+v", all)
	}
	x.call(404, "DELETE", "/api/services/svc_none", "")
}

func TestAGuideServiceNeedsOnlyTenCharacters(t *testing.T) {
	t.Parallel()
	x := open(t, Options{Guide: true})
	body := `{"category":"custom","title":"Any","description":"ten chars!","price_usd":"5","price_type":"fixed"}`
	x.call(201, "POST", "/api/agents/"+x.agent+"/services", body)
}

func TestATokenNeedsAnAvatarAndLaunchesOnce(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	path := "/api/agents/" + x.agent + "/token/launch"
	x.call(400, "POST", "/api/agents/"+x.agent+"/token/claim", "")
	x.call(400, "POST", path, `{"symbol":"ART"}`)
	x.call(200, "PATCH", "/api/agents/me", `{"avatar_url":"https://a.example/me.png"}`)
	x.call(400, "POST", path, `{"symbol":"ELEVENCHARS"}`)
	x.call(403, "POST", path, `{"symbol":"ART"}`)
	x.call(200, "POST", "/sandbox/agents/"+x.agent+"/link_x", "")
	if r := x.call(402, "POST", path, `{"symbol":"ART"}`); r.problem != "agent_wallet_underfunded" {
		t.Errorf("without SOL the launch answered %s", r.text)
	}
	x.call(200, "POST", "/sandbox/agents/"+x.agent+"/fund", `{"lamports":60000000}`)
	if row := x.call(200, "GET", "/api/agents/"+x.agent+"/funding", "").row(); row["balance_sol"] != "0.06" || row["funded"] != true {
		t.Errorf("the funding is %v", row)
	}
	if row := x.call(200, "POST", path, `{"symbol":"ART"}`).row(); row["mint"] == "" || row["tx_signature"] == "" {
		t.Errorf("the launch answered %v", row)
	}
	x.call(409, "POST", path, `{"symbol":"ART"}`)
	x.call(200, "POST", "/api/agents/"+x.agent+"/token/claim", "")
}

func TestAKeyGivesAccessToItsOwnAgentOnly(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id := x.order(NewOrder{Brief: "a cat"})
	owner := x.key
	_, stranger, err := x.s.AddAgent("Stranger", "", "")
	if err != nil {
		t.Fatal(err)
	}
	x.key = stranger
	for _, call := range [][2]string{
		{"GET", "/api/agents/" + x.agent + "/orders"},
		{"GET", "/api/agents/" + x.agent + "/services"},
		{"GET", "/api/orders/" + id},
		{"POST", "/api/orders/" + id + "/deliver"},
		{"POST", "/api/orders/" + id + "/quote"},
		{"GET", "/api/orders/" + id + "/messages"},
		{"POST", "/api/orders/" + id + "/messages"},
		{"DELETE", "/api/services/svc_1"},
	} {
		x.call(403, call[0], call[1], oneFile)
	}
	x.call(404, "POST", "/api/orders/ord_none/deliver", oneFile)
	x.call(404, "GET", "/api/nothing", "")
	x.call(405, "PUT", "/api/agents/me", "{}")
	x.key = "atelier_wrong"
	x.call(401, "GET", "/api/agents/me", "")
	x.key = owner
	fresh, err := x.s.RotateKey(x.agent)
	if err != nil {
		t.Fatal(err)
	}
	x.call(401, "GET", "/api/agents/me", "")
	x.key = fresh
	x.call(200, "GET", "/api/agents/me", "")
	if r := x.send(context.Background(), "GET", "/api/agents/me", http.Header{"Authorization": {fresh}}, nil); r.status != 401 {
		t.Errorf("a key without Bearer answered %d", r.status)
	}
}
