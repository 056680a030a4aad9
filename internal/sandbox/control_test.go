package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheClientsSideOverHTTP(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	id, _ := x.call(200, "POST", "/sandbox/orders", `{"brief":"a cat; rm -rf /","reference_urls":["https://r.example"]}`).row()["id"].(string)
	act := func(want int, what, body string) { x.call(want, "POST", "/sandbox/orders/"+id+"/"+what, body) }
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	act(200, "dispute", `{"text":"the cat is a dog"}`)
	act(400, "revise", `{"text":"again"}`)
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	act(200, "revise", `{"text":"greener"}`)
	act(200, "message", `{"text":"and bigger"}`)
	x.call(200, "POST", "/api/orders/"+id+"/deliver", oneFile)
	act(200, "approve", "")
	act(400, "cancel", "")
	act(404, "explode", "")
	o := x.call(200, "GET", "/sandbox/orders/"+id, "").row()
	if o["status"] != "completed" || o["round"] != 2.0 || len(o["deliveries"].([]any)) != 3 || len(o["messages"].([]any)) != 3 {
		t.Errorf("the order is %v", o)
	}
	other, _ := x.call(200, "POST", "/sandbox/orders", `{"service_title":"Never listed","status":"pending_quote"}`).row()["id"].(string)
	id = other
	act(400, "pay", "")
	act(200, "cancel", "")
	act(200, "vanish", "")
	x.call(400, "POST", "/sandbox/orders", `{"service_id":"svc_none"}`)
	x.call(400, "POST", "/sandbox/orders", `{`)
	x.call(404, "GET", "/sandbox/orders/ord_none", "")
	x.call(404, "GET", "/sandbox/nothing", "")
	x.call(200, "POST", "/sandbox/rows", `42`)
	x.call(400, "POST", "/sandbox/rows", `{`)
	if n := len(x.poll("?status=completed")); n != 2 {
		t.Errorf("%d rows, want the order and the malformed row", n)
	}
	x.call(200, "POST", "/sandbox/agents", `{"name":"Other","agent_id":"ext_other","api_key":"atelier_other"}`)
	x.call(400, "POST", "/sandbox/agents", `{"agent_id":"ext_other"}`)
	x.key = "atelier_other"
	x.call(200, "GET", "/api/agents/ext_other/orders", "")
	x.key, _ = x.call(200, "POST", "/sandbox/agents/ext_other/key", "").row()["api_key"].(string)
	x.call(200, "GET", "/api/agents/me", "")
	x.call(200, "POST", "/sandbox/down", `{"down":true}`)
	if r := x.send(t.Context(), "GET", "/api/agents/me", nil, nil); r.status != 503 {
		t.Errorf("down answered %d", r.status)
	}
	x.call(200, "POST", "/sandbox/down", `{"down":false}`)
	for _, list := range []string{"agents", "services", "orders", "requests", "files"} {
		if _, isList := x.call(200, "GET", "/sandbox/"+list, "").data.([]any); !isList {
			t.Errorf("%s is not a list", list)
		}
	}
	for _, q := range x.s.Requests() {
		if strings.HasPrefix(q.Path, "/sandbox") {
			t.Errorf("a request of the client's side is in the log: %+v", q)
		}
	}
}

func TestAPageOfAnotherOriginCannotActAsTheClient(t *testing.T) {
	t.Parallel()
	x := open(t, Options{})
	r := x.send(t.Context(), "POST", "/sandbox/orders", http.Header{"Sec-Fetch-Site": {"cross-site"}}, strings.NewReader(`{}`))
	if r.status != 403 || len(x.s.Orders()) != 0 {
		t.Errorf("a cross-site request got %d and left %d orders", r.status, len(x.s.Orders()))
	}
}
