package atelier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// call is one method of the client with the answer of the marketplace's guide, what the
// server must see, and what the method must return.
type call struct {
	call           func(context.Context, *Client) (any, error)
	answer         string
	request, body  string
	meter          string
	want           any
	withoutTheKey  bool
	answeredStatus int
}

var imageService = Service{
	Category: "image_gen", Title: "AI Image Generation", Description: "From text prompts.",
	Price: 5 * order.Dollar, PriceType: "fixed", TurnaroundHours: 1, Deliverables: []string{"1 high-quality image"},
}

const wireImageService = `{"category":"image_gen","title":"AI Image Generation","description":"From text prompts.",
	"price_usd":"5.00","price_type":"fixed","turnaround_hours":1,"deliverables":["1 high-quality image"]}`

// storedService is imageService as the marketplace returns it.
var storedService = Service{
	ID: "svc_1", Category: "image_gen", Title: "AI Image Generation", Description: "From text prompts.",
	Price: 5 * order.Dollar, PriceType: "fixed", TurnaroundHours: 1, Deliverables: []string{"1 high-quality image"}, Active: new(true),
}

var orderCalls = map[string]call{
	"deliver one": {
		call:   func(ctx context.Context, c *Client) (any, error) { return nil, c.Deliver(ctx, "ord_1", onePiece) },
		answer: `{"success":true,"data":{"id":"ord_1"}}`, request: "POST /orders/ord_1/deliver", meter: "deliver ord_1",
		body: `{"deliverable_url":"https://cdn.example/a.png","deliverable_media_type":"image"}`,
	},
	"deliver several": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.Deliver(ctx, "ord_1", []Deliverable{{"u1?a=1&b=2", "image"}, {"u2", "video"}})
		},
		answer: `{"success":true}`, request: "POST /orders/ord_1/deliver", meter: "deliver ord_1",
		body: `{"deliverables":[{"deliverable_url":"u1?a=1&b=2","deliverable_media_type":"image"},{"deliverable_url":"u2","deliverable_media_type":"video"}]}`,
	},
	"quote": {
		call:   func(ctx context.Context, c *Client) (any, error) { return nil, c.Quote(ctx, "ord_1", 15*order.Dollar) },
		answer: `{"success":true,"data":{}}`, request: "POST /orders/ord_1/quote", body: `{"price_usd":"15.00"}`, meter: "quote ord_1",
	},
	"send a message": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.SendMessage(ctx, "ord_1", "Hi <you> & \"me\"\n😀")
		},
		answer: `{"success":true,"data":{}}`, answeredStatus: 201, request: "POST /orders/ord_1/messages",
		body: `{"content":"Hi <you> & \"me\"\n😀"}`, meter: "message ord_1",
	},
	"read a thread": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Messages(ctx, "ord_1") },
		answer: `{"success":true,"data":[{"id":"m1","sender_type":"client","content":"a\u0000b","created_at":"2025-02-17 12:00:00"},
			{"sender":"x"},7,{"id":2,"role":"agent","content":"c","created_at":"2025-02-17 12:00:01"},
			{"sender":"moderator","content":"no id","created_at":"2025-02-17 12:00:02"}]}`,
		request: "GET /orders/ord_1/messages", meter: "read ord_1",
		want: []order.Message{
			{ID: "m1", Party: order.PartyClient, Sender: "client", Text: "a\uFFFDb", At: time.Date(2025, 2, 17, 12, 0, 0, 0, time.UTC)},
			{ID: "2", Party: order.PartyAgent, Sender: "agent", Text: "c", At: time.Date(2025, 2, 17, 12, 0, 1, 0, time.UTC)},
			{ID: "x-4c3e65746fb1837fd63e2b8b", Party: order.PartyOther, Sender: "moderator", Text: "no id", At: time.Date(2025, 2, 17, 12, 0, 2, 0, time.UTC)},
		},
	},
	"read an empty thread": {
		call:    func(ctx context.Context, c *Client) (any, error) { return c.Messages(ctx, "ord_1") },
		answer:  `{"success":true,"data":{"messages":[]}}`,
		request: "GET /orders/ord_1/messages", meter: "read ord_1", want: []order.Message(nil),
	},
	"launch": {
		call:   func(ctx context.Context, c *Client) (any, error) { return c.LaunchToken(ctx, "TICKER") },
		answer: `{"success":true,"data":{"mint":"m","tx_signature":"s"}}`, request: "POST /agents/" + testAgent + "/token/launch",
		body: `{"symbol":"TICKER"}`, meter: "token", want: Token{"m", "s"},
	},
}

var serviceCalls = map[string]call{
	"list services": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Services(ctx) },
		answer: `{"success":true,"data":[{"id":"svc_1","category":"image_gen","title":"AI Image Generation","description":"From text prompts.",
			"price_usd":5,"price_type":"fixed","turnaround_hours":"1","deliverables":"[\"1 high-quality image\"]","active":1}]}`,
		request: "GET /agents/" + testAgent + "/services", meter: "read", want: []Service{storedService},
	},
	"list no services": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Services(ctx) }, answer: `{"success":true,"data":null}`,
		request: "GET /agents/" + testAgent + "/services", meter: "read", want: []Service(nil),
	},
	"create a service": {
		call:   func(ctx context.Context, c *Client) (any, error) { return c.CreateService(ctx, imageService) },
		answer: `{"success":true,"data":{"id":"svc_1","is_active":"true",` + wireImageService[1:] + `}`, answeredStatus: 201,
		request: "POST /agents/" + testAgent + "/services", body: wireImageService, meter: "service", want: storedService,
	},
	"update a service": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.UpdateService(ctx, "svc/2", ServicePatch{PriceUSD: new("25.00"), PriceType: new("weekly"), QuotaLimit: new(0)})
		},
		answer: `{"success":true,"data":{}}`, request: "PATCH /services/svc%2F2", meter: "service",
		body: `{"price_usd":"25.00","price_type":"weekly","quota_limit":0}`,
	},
	"delete a service": {
		call: func(ctx context.Context, c *Client) (any, error) { return nil, c.DeleteService(ctx, "svc_1") }, answeredStatus: 204,
		request: "DELETE /services/svc_1", meter: "service",
	},
}

var agentCalls = map[string]call{
	"register": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.Register(ctx, Registration{
				Name: "My Agent", Description: "I make things", EndpointURL: "https://a.example",
				Capabilities: []string{"image_gen"},
			})
		},
		answer:         `{"success":true,"data":{"agent_id":"ext_1","api_key":"atelier_a1","webhook_secret":"whsec_1","marketable":0,"note":"no owner"}}`,
		body:           `{"name":"My Agent","description":"I make things","endpoint_url":"https://a.example","capabilities":["image_gen"]}`,
		answeredStatus: 201, request: "POST /agents/register", meter: "register", withoutTheKey: true,
		want: Registered{"ext_1", secret.New("atelier_a1"), secret.New("whsec_1"), new(false), "no owner"},
	},
	"profile": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Profile(ctx) },
		answer: `{"success":true,"data":{"id":"ext_1","name":"My Agent","api_key":"atelier_****","capabilities":"[\"image_gen\"]",
			"payout_wallet":null,"endpoint_url":"https://a.example","webhook_secret":"whsec_1"}}`,
		request: "GET /agents/me", meter: "read",
		want: Profile{
			AgentID: "ext_1", Name: "My Agent", EndpointURL: "https://a.example", Capabilities: []string{"image_gen"},
			WebhookSecret: secret.New("whsec_1"),
		},
	},
	"update the profile": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.UpdateProfile(ctx, ProfilePatch{Name: new("New"), PayoutWallet: new("W"), Capabilities: []string{}})
		},
		answer: `{"success":true,"data":{}}`, request: "PATCH /agents/me", body: `{"name":"New","payout_wallet":"W","capabilities":[]}`, meter: "read",
	},
	"reset the wallet": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return nil, c.UpdateProfile(ctx, ProfilePatch{ResetPayoutWallet: true})
		},
		answer: `{"success":true,"data":{}}`, request: "PATCH /agents/me", body: `{"payout_wallet":null}`, meter: "read",
	},
}

func TestEachCallIsAsInTheGuide(t *testing.T) {
	t.Parallel()
	for _, calls := range []map[string]call{orderCalls, serviceCalls, agentCalls} {
		for name, tc := range calls {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tc.check(t)
			})
		}
	}
}

func (tc call) check(t *testing.T) {
	t.Helper()
	if tc.answeredStatus == 0 {
		tc.answeredStatus = 200
	}
	s, seen := serve(t, answer(tc.answeredStatus, tc.answer))
	c, meter := client(t, s.URL)
	got, err := tc.call(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, tc.want) {
		t.Errorf("got  %#v\nwant %#v", got, tc.want)
	}
	r := seen()[0]
	if uri := r.method + " " + strings.TrimPrefix(r.uri, "/api"); uri != tc.request || len(seen()) != 1 {
		t.Errorf("request = %s, want %s", uri, tc.request)
	}
	if tc.body != "" {
		sameJSON(t, r.body, tc.body)
		if r.header.Get("Content-Type") != "application/json" || r.length != int64(len(r.body)) {
			t.Errorf("type %q, length %d", r.header.Get("Content-Type"), r.length)
		}
	} else if r.body != "" {
		t.Errorf("body = %q, want none", r.body)
	}
	if fmt.Sprint(meter.taken) != "["+tc.meter+"]" || len(meter.answers) != 1 || meter.answers[0].Status != tc.answeredStatus {
		t.Errorf("meter = %v, %+v", meter.taken, meter.answers)
	}
	if carries := r.header.Get("Authorization") == "Bearer "+testKey; carries == tc.withoutTheKey {
		t.Errorf("authorization = %q", r.header.Get("Authorization"))
	}
}

func TestAnInvalidRequestIsNotSent(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true}`))
	c, meter := client(t, s.URL)
	for name, err := range map[string]error{
		"no pieces":      c.Deliver(t.Context(), "ord_1", nil),
		"empty message":  c.SendMessage(t.Context(), "ord_1", ""),
		"long message":   c.SendMessage(t.Context(), "ord_1", strings.Repeat("é", 2001)),
		"long for a DOM": c.SendMessage(t.Context(), "ord_1", strings.Repeat("😀", 1001)),
	} {
		if f, _ := failed(t, err); f.Class != order.Fail || !errors.Is(err, ErrNotSent) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if err := c.UpdateProfile(t.Context(), ProfilePatch{}); err != nil {
		t.Error(err)
	}
	if len(seen())+len(meter.taken) != 0 {
		t.Errorf("sent %+v", seen())
	}
	if err := c.SendMessage(t.Context(), "ord_1", strings.Repeat("é", 2000)); err != nil {
		t.Errorf("a message of 2000 characters: %v", err)
	}
}

func TestAnIncompleteAnswerIsUnreadable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		call   func(*Client) error
	}{
		"no key": {`{"success":true,"data":{"agent_id":"ext_1"}}`, func(c *Client) error {
			_, err := c.Register(t.Context(), Registration{})
			return err
		}},
		"an id with a line break": {`{"success":true,"data":{"agent_id":"ext\n1","api_key":"atelier_1"}}`, func(c *Client) error {
			_, err := c.Register(t.Context(), Registration{})
			return err
		}},
		"no service id": {`{"success":true,"data":{"title":"x"}}`, func(c *Client) error {
			_, err := c.CreateService(t.Context(), Service{})
			return err
		}},
		"one service of two": {`{"success":true,"data":[{"id":"svc_1"},{"title":"x"}]}`, func(c *Client) error {
			list, err := c.Services(t.Context())
			if list != nil {
				t.Errorf("list = %v", list)
			}
			return err
		}},
		"no url": {`{"success":true,"data":{"media_type":"image"}}`, func(c *Client) error {
			_, err := c.Upload(t.Context(), "ord_1", tempFile(t, 8, "image/png"))
			return err
		}},
		"a url to a file": {`{"success":true,"data":{"url":"file:///etc/passwd"}}`, func(c *Client) error {
			_, err := c.Upload(t.Context(), "ord_1", tempFile(t, 8, "image/png"))
			return err
		}},
		"no profile": {`{"success":true,"data":null}`, func(c *Client) error {
			_, err := c.Profile(t.Context())
			return err
		}},
	} {
		s, _ := serve(t, answer(200, tc.answer))
		c, _ := client(t, s.URL)
		err := tc.call(c)
		if f, _ := failed(t, err); f.Code != order.CodeNoAnswer || f.Class != order.Retry || !OutcomeUnknown(err) {
			t.Errorf("%s: %+v", name, f)
		}
		if strings.Contains(err.Error(), "atelier_1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestANewKeyTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer atelier_new" {
			answer(401, `{"success":false,"error":"Invalid API key"}`)(w, r)
			return
		}
		answer(200, `{"success":true,"data":{"id":"ext_1","name":"A"}}`)(w, r)
	})
	key := "atelier_old"
	c, _ := client(t, s.URL, func(o *Options) {
		o.Credentials = func() Credentials { return Credentials{testAgent, secret.New(key)} }
	})
	_, err := c.Profile(t.Context())
	if f, _ := failed(t, err); f.Class != order.Hold || f.Code != order.CodeKeyRefused {
		t.Errorf("%+v", f)
	}
	key = "atelier_new"
	if _, err := c.Profile(t.Context()); err != nil || len(seen()) != 2 {
		t.Errorf("with the new key: %v", err)
	}
}

func TestABaseAddressIsRequired(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("New took options without a BaseURL")
		}
	}()
	New(Options{})
}
