package atelier

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
)

const guideOrder = `{"id":"ord_1708123456789_abc","service_id":"svc_123","service_title":"Custom Avatar Generation",
	"client_wallet":"ABC...XYZ","brief":"Create a cyberpunk-style avatar with neon accents","reference_urls":[],
	"reference_images":[],"status":"paid","quoted_price_usd":"5.00","created_at":"2025-02-17T12:00:00.000Z"}`

// ask lists the orders of a server that answers with data.
func ask(t *testing.T, data string) (order.Listing, error) {
	t.Helper()
	s, _ := serve(t, answer(200, `{"success":true,"data":`+data+`}`))
	c, _ := client(t, s.URL)
	return c.Orders(t.Context(), order.LiveStatuses())
}

func TestOrdersAsksForAllStatusesInOneRequest(t *testing.T) {
	t.Parallel()
	s, seen := serve(t, answer(200, `{"success":true,"data":[`+guideOrder+`]}`))
	c, meter := client(t, s.URL)
	listing, err := c.Orders(t.Context(), []order.Status{order.Paid, order.InProgress, "odd one"})
	if err != nil {
		t.Fatal(err)
	}
	req := seen()[0]
	if req.method != "GET" || req.uri != "/api/agents/"+testAgent+"/orders?status=paid,in_progress,odd+one" {
		t.Errorf("asked %s %s", req.method, req.uri)
	}
	if req.header.Get("Authorization") != "Bearer "+testKey || req.header.Get("User-Agent") != "atelierd" {
		t.Errorf("header = %v", req.header)
	}
	if len(meter.taken) != 1 || meter.taken[0] != "poll" || meter.answers[0].Status != 200 || meter.answers[0].Error != "" {
		t.Errorf("meter = %+v", meter)
	}
	want := order.Facts{
		ID: "ord_1708123456789_abc", ServiceID: "svc_123", ServiceTitle: "Custom Avatar Generation",
		ClientWallet: "ABC...XYZ", Brief: "Create a cyberpunk-style avatar with neon accents", Status: order.Paid,
		Price: new(5 * order.Dollar), CreatedAt: time.Date(2025, 2, 17, 12, 0, 0, 0, time.UTC),
		Raw: compact(guideOrder),
	}
	if len(listing.Orders) != 1 || !reflect.DeepEqual(listing.Orders[0], want) {
		t.Errorf("got  %+v\nwant %+v", listing.Orders, want)
	}
}

var noon = time.Date(2025, 2, 17, 12, 0, 0, 0, time.UTC)

// shapeCases are fields of an order in the shapes that the deployed marketplace uses,
// and some that it does not.
var shapeCases = []struct {
	field string
	get   func(order.Facts) any
	want  any
}{
	{`"reference_urls":["a","b"]`, urls, "[a b]"},
	{`"reference_urls":null`, urls, "[]"},
	{`"reference_urls":"[\"a\",\"b\"]"`, urls, "[a b]"},
	{`"reference_urls":"\"[\\\"a\\\"]\""`, urls, `[["a"]]`},
	{`"reference_urls":"https://a.example/x"`, urls, "[https://a.example/x]"},
	{`"reference_urls":""`, urls, "[]"},
	{`"reference_urls":"null"`, urls, "[]"},
	{`"reference_urls":"[broken"`, urls, "[[broken]"},
	{`"reference_urls":[{"url":"a"},"b",null,7]`, urls, "[a b 7]"},
	{`"requirement_answers":[{"q":1}]`, given, `[{"q":1}]`},
	{`"requirement_answers":{"q":"a"}`, given, `{"q":"a"}`},
	{`"requirement_answers":"[{\"q\":\"a\"}]"`, given, `[{"q":"a"}]`},
	{`"requirement_answers":"just text"`, given, `["just text"]`},
	{`"requirement_answers":"null"`, given, ``},
	{`"requirement_answers":null`, given, ``},
	{`"requirement_answers":""`, given, ``},
	{`"requirement_answers":["a\u0000b","\\u0000"]`, given, `["a\ufffdb","\\u0000"]`},
	{`"created_at":"2025-02-17T12:00:00Z"`, created, noon},
	{`"created_at":"2025-02-17T13:00:00.000+01:00"`, created, noon},
	{`"created_at":"2025-02-17 12:00:00"`, created, noon},
	{`"created_at":"2025-02-17 12:00:00.000"`, created, noon},
	{`"created_at":"9999-12-31T23:59:59-10:00"`, created, latest},
	{`"created_at":"9999-12-31 23:00:00"`, created, latest},
	{`"created_at":17`, created, time.Time{}},
	{`"created_at":{}`, created, time.Time{}},
	{`"quoted_price_usd":"5"`, price, "5.00"},
	{`"quoted_price_usd":5`, price, "5.00"},
	{`"quoted_price_usd":0.045`, price, "0.045"},
	{`"quoted_price_usd":4.5e0`, price, "4.50"},
	{`"quoted_price_usd":"1.23456789"`, price, "1.234568"},
	{`"quoted_price_usd":null`, price, "nil"},
	{`"quoted_price_usd":"-1"`, price, "nil"},
	{`"quoted_price_usd":"NaN"`, price, "nil"},
	{`"quoted_price_usd":[5]`, price, "nil"},
	{`"max_revisions":3`, revisions, 3},
	{`"max_revisions":"3"`, revisions, 3},
	{`"max_revisions":3.0`, revisions, 3},
	{`"max_revisions":1e99`, revisions, -1},
	{`"max_revisions":-3`, revisions, -1},
	{`"brief":"a\u0000b` + "\xff" + `"`, func(f order.Facts) any { return f.Brief }, "a\uFFFDb\uFFFD"},
	{`"service_id":42`, func(f order.Facts) any { return f.ServiceID }, "42"},
	{`"platform_fee_usd":{"odd":1},"payout_tx_hash":["odd"]`, func(f order.Facts) any { return f.PayoutTx }, ""},
	{
		`"deliverable_url":"u1","deliverables":[{"deliverable_url":"u2","deliverable_media_type":"image"},"u1",{"url":"u3"},{"x":1}]`,
		func(f order.Facts) any { return fmt.Sprint(f.Deliverables) }, "[u1 u2 u3]",
	},
	{`"brand_new":{"a":[1]}`, func(f order.Facts) any { return string(f.Status) }, "new_status"},
}

func TestEveryShapeOfAFieldIsRead(t *testing.T) {
	t.Parallel()
	for _, tc := range shapeCases {
		listing, err := ask(t, `[{"id":"o","status":"new_status",`+tc.field+`}]`)
		if err != nil || len(listing.Orders) != 1 {
			t.Errorf("%s: %v %+v", tc.field, err, listing.Bad)
			continue
		}
		if got := tc.get(listing.Orders[0]); got != tc.want {
			t.Errorf("%s is read as %v, want %v", tc.field, got, tc.want)
		}
	}
}

func urls(f order.Facts) any    { return fmt.Sprint(f.ReferenceURLs) }
func given(f order.Facts) any   { return string(f.Answers) }
func created(f order.Facts) any { return f.CreatedAt }
func price(f order.Facts) any {
	if f.Price == nil {
		return "nil"
	}
	return f.Price.String()
}

func revisions(f order.Facts) any {
	if f.MaxRevisions == nil {
		return -1
	}
	return *f.MaxRevisions
}

func TestABadRowHurtsOnlyItself(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for row, want := range map[string][2]string{
		`{"id":"x","status":"paid","brief":{"a":1}}`:                {"x", "brief is a JSON object, not text"},
		`{"id":"x","status":"paid","reference_urls":[{"a":1}]}`:     {"x", "reference_urls is a JSON array, not a list of texts"},
		`{"id":"x","status":"paid","reference_images":true}`:        {"x", "reference_images is a JSON boolean, not a list of texts"},
		`{"id":"x","brief":"b"}`:                                    {"x", "it has no status"},
		`{"id":"x","status":null}`:                                  {"x", "it has no status"},
		`{"status":"paid"}`:                                         {"", "it has no id"},
		`{"id":"","status":"paid"}`:                                 {"", "it has no id"},
		`{"id":"a\nb","status":"paid"}`:                             {"", "its id is not plain text"},
		`{"id":"..","status":"paid"}`:                               {"", "its id is not plain text"},
		`{"id":"` + strings.Repeat("x", 201) + `","status":"paid"}`: {"", "its id is longer than 200 bytes"},
		`"ord_2"`: {"", "it is a JSON string, not an order"},
		`null`:    {"", "it is a JSON null, not an order"},
		`{"id":"x","status":"paid","later":` + deep + `}`:                 {"x", "it is nested too deeply"},
		`{"id":"x","status":"paid","requirement_answers":"` + deep + `"}`: {"x", "nested too deeply"},
	} {
		listing, err := ask(t, `[`+guideOrder+`,`+row+`,{"id":"last","status":"quoted"}]`)
		if err != nil || len(listing.Orders) != 2 || len(listing.Bad) != 1 {
			t.Errorf("%.60s: %d orders, %d bad, %v", row, len(listing.Orders), len(listing.Bad), err)
			continue
		}
		bad := listing.Bad[0]
		if bad.ID != want[0] || !strings.Contains(bad.Reason, want[1]) || string(bad.Raw) != row {
			t.Errorf("%.60s: %q %q %.60s, want %q", row, bad.ID, bad.Reason, bad.Raw, want)
		}
	}
}

func TestAnIncompleteListingIsAnError(t *testing.T) {
	t.Parallel()
	whole := `{"data":[` + guideOrder + `],"success":true}`
	for cut := range len(whole) {
		listing, err := readAll(strings.NewReader(whole[:cut]), ordersLimit)
		if err == nil || len(listing.Orders) != 0 {
			t.Fatalf("cut at %d: %d orders, %v", cut, len(listing.Orders), err)
		}
	}
	for _, body := range []string{
		whole + "x", whole + whole, `{"success":true}`, `{"success":true,"data":"[]"}`,
		`{"success":true,"data":{"orders":[]}}`, `{"data":[` + guideOrder + `],"success":false,"error":"no"}`, `[` + guideOrder + `]`, `null`,
	} {
		if listing, err := readAll(strings.NewReader(body), ordersLimit); err == nil || listing.Orders != nil {
			t.Errorf("%s: %d orders, %v", body, len(listing.Orders), err)
		}
	}
	for _, body := range []string{`{"success":true,"data":null}`, `{"success":1,"data":[]}`, `{"data":[]}` + "\n"} {
		if listing, err := readAll(strings.NewReader(body), ordersLimit); err != nil || len(listing.Orders)+len(listing.Bad) != 0 {
			t.Errorf("%s: %+v, %v", body, listing, err)
		}
	}
}

func TestAListingOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	body := &endless{
		first: `{"success":true,"data":[`,
		again: `{"id":"o","status":"paid","brief":"` + strings.Repeat("x", 1<<16) + `"},`,
	}
	_, err := readAll(body, 1<<20)
	if !errors.Is(err, errTooLong) || body.n > 1<<20 {
		t.Errorf("error = %v after %d bytes, want %v", err, body.n, errTooLong)
	}
}

// endless reads as first, followed by again without end.
type endless struct {
	first, again string
	n            int
}

func (e *endless) Read(p []byte) (int, error) {
	rest := e.first[min(e.n, len(e.first)):]
	if rest == "" {
		rest = e.again[(e.n-len(e.first))%len(e.again):]
	}
	n := copy(p, rest)
	e.n += n
	return n, nil
}

func TestOneOrderShowsItsDeliverables(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"as deployed": `{"order":{"id":"ord_1","status":"delivered","deliverable_url":"u1","max_revisions":2},"review":null,
			"deliverables":[{"deliverable_url":"u1"},{"deliverable_url":"u2"}],"viewer_role":"provider"}`,
		"alone": `{"id":"ord_1","status":"delivered","deliverable_url":"u1","deliverables":["u2"],"max_revisions":"2"}`,
	} {
		s, seen := serve(t, answer(200, `{"success":true,"data":`+data+`}`))
		c, meter := client(t, s.URL)
		facts, err := c.Order(t.Context(), "ord_1")
		if err != nil || facts.Status != order.Delivered || fmt.Sprint(facts.Deliverables) != "[u1 u2]" || revisions(facts) != 2 {
			t.Errorf("%s: %+v, %v", name, facts, err)
		}
		if seen()[0].uri != "/api/orders/ord_1" || meter.taken[0] != "read ord_1" {
			t.Errorf("asked %s as %v", seen()[0].uri, meter.taken)
		}
		if _, err := c.Order(t.Context(), "ord_2"); err == nil || !strings.Contains(err.Error(), "another order") {
			t.Errorf("%s: asked for another order: %v", name, err)
		}
	}
}
