package mcp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"atelierd/internal/order"
)

// field returns a value in an answer by the names and numbers that lead to it.
func field(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

func TestEachToolShowsWhatItSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	w.place("ord_2", order.Paid)
	failure := order.Failf(order.Hold, order.CodeRefused, "no")
	failure.Log, failure.Cost = "seed 7", order.Dollar/10
	w.work(order.Result{}, failure)
	w.place("ord_3", order.PendingQuote)
	a := w.connect()
	for _, each := range []struct {
		tool string
		in   args
		path []any
		want any
	}{
		{"status", args{}, []any{"status", "orders", "held"}, 3.0},
		{"status", args{}, []any{"status", "attention", 2, "state"}, "held"},
		{"status", args{}, []any{"status", "data_dir"}, nil},
		{"list_orders", args{}, []any{"open"}, 3.0},
		{"list_orders", args{"state": "held", "limit": 1}, []any{"orders", 1}, nil},
		{"list_orders", args{"search": "red fox"}, []any{"orders", 2, "state"}, "held"},
		{"list_orders", args{"older_than": "ord_1", "state": "delivered"}, []any{"orders", 0}, nil},
		{"get_order", args{"order": "ord_1"}, []any{"order", "order", "code"}, "review"},
		{"get_order", args{"order": "ord_1"}, []any{"order", "thread", "messages", 0, "party"}, "client"},
		{"get_order", args{"order": "ord_1"}, []any{"pictures", 0, "shown_as_picture"}, 1.0},
		{"get_order", args{"order": "ord_3"}, []any{"order", "order", "code"}, "quote_needed"},
		{"attempts", args{"order": "ord_2"}, []any{"attempts", 0, "code"}, "refused"},
		{"attempts", args{"order": "ord_2"}, []any{"attempts", 0, "log"}, opening + "seed 7" + closing},
		{"attempts", args{"order": "ord_2"}, []any{"cost_usd"}, "0.10"},
		{"earnings", args{}, []any{"earnings", "not_completed_cost_usd"}, "0.10"},
		{"earnings", args{"by": "service", "days": 7}, []any{"days"}, 7.0},
		{"query", args{"sql": "SELECT id, state, price_usd, 1.5, NULL FROM v_orders ORDER BY id"}, []any{"rows", 2, 0}, "ord_3"},
		{"query", args{"sql": "SELECT 1.5 AS n"}, []any{"rows", 0, 0}, 1.5},
		{"query", args{"sql": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c LIMIT 900) SELECT n, printf('%.*c', 500, 'x y') FROM c"}, []any{"more_rows"}, true},
	} {
		if got := field(a.value(each.tool, each.in), each.path...); got != each.want {
			t.Errorf("%s %v: %v is %v, want %v", each.tool, each.in, each.path, got, each.want)
		}
	}
	if r := a.call("query", args{"sql": "SELECT brief FROM v_orders"}); !strings.Contains(r.text, opening) {
		t.Errorf("a brief in a result is not marked: %s", r.text)
	}
}

func TestResourcesShowTheSameWithoutATool(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect()
	listed, err := a.ListResources(t.Context(), nil)
	w.must(err)
	var uris []string
	for _, r := range listed.Resources {
		uris = append(uris, r.URI)
	}
	slices.Sort(uris)
	if want := "[attention:// earnings://30d orders://open schema://]"; fmt.Sprint(uris) != want {
		t.Errorf("the resources are %v, want %s", uris, want)
	}
	templates, err := a.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(templates.ResourceTemplates) != 1 || templates.ResourceTemplates[0].URITemplate != "order://{id}" {
		t.Errorf("the templates are %+v, %v", templates, err)
	}
	for uri, path := range map[string][]any{
		"orders://open": {"orders", 0, "order_id"}, "order://ord_1": {"order", "order", "order_id"}, "attention://": {"attention", 0, "id"},
		"earnings://30d": {"earnings", "total"}, "schema://": {"views", "v_orders", 0},
	} {
		res, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
		if err != nil || len(res.Contents) != 1 || res.Contents[0].MIMEType != mimeJSON {
			t.Errorf("%s: %+v, %v", uri, res, err)
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(res.Contents[0].Text), &v); err != nil || field(v, path...) == nil {
			t.Errorf("%s has no %v: %s, %v", uri, path, res.Contents[0].Text, err)
		}
	}
	for _, uri := range []string{"order://nothing", "order://", "order://ord_1/x", "file:///etc/passwd", "orders://all"} {
		if res, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri}); err == nil {
			t.Errorf("%s: %+v", uri, res)
		}
	}
}

// TestAFaultOfOursEndsNoDaemon guards that a panic is an answer.
func TestAFaultOfOursEndsNoDaemon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.o.Queries = nil
	a := w.connect()
	if r := a.call("query", args{"sql": "SELECT 1"}); !r.failed || r.text != errFault.Error() {
		t.Errorf("the answer is %+v", r)
	}
	if _, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "schema://"}); err == nil {
		t.Error("a resource was read")
	}
	if !strings.Contains(w.log.String(), "fault of atelierd") {
		t.Errorf("the log says %q", w.log)
	}
}
