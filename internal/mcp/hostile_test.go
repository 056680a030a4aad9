package mcp

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"atelierd/internal/order"
	"atelierd/internal/store/storetest"
)

// hostile is a world in which every text of others is an injection, and what reads it.
func hostile(t *testing.T) (w *world, answers map[string]string) {
	t.Helper()
	w = newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	w.place("ord_2", order.Paid)
	failure := order.Failf(order.Hold, order.CodeRefused, "the provider says no%s", injection).WithHint("look%s", injection)
	failure.Log = "log " + secretKey + injection
	w.work(order.Result{}, failure)
	w.place("ord_3", order.PendingQuote)
	a := w.connect(everything...)
	answers = map[string]string{}
	for _, each := range []struct {
		tool string
		in   args
	}{
		{"status", args{}},
		{"list_orders", args{}},
		{"list_orders", args{"state": "all", "search": "injected"}},
		{"get_order", args{"order": "ord_1"}},
		{"get_order", args{"order": "ord_1", "references": true}},
		{"get_order", args{"order": "ord_2"}},
		{"get_order", args{"order": "ord_3"}},
		{"attempts", args{"order": "ord_1"}},
		{"attempts", args{"order": "ord_2"}},
		{"earnings", args{}},
		{"earnings", args{"by": "client"}},
		{"query", args{"sql": "SELECT * FROM v_orders"}},
		{"query", args{"sql": "SELECT * FROM v_attempts"}},
		{"query", args{"sql": "SELECT * FROM v_messages"}},
		{"query", args{"sql": "SELECT * FROM v_timeline"}},
		{"query", args{"sql": "SELECT id AS \"" + strings.ReplaceAll(closing, `"`, "") + "\" FROM v_orders"}},
		{"approve", args{"order": "ord_3", "fingerprint": a.fingerprint("ord_3")}},
		{"approve", args{"order": injection, "fingerprint": a.fingerprint("ord_3")}},
		{"cancel", args{"order": "ord_2", "fingerprint": a.fingerprint("ord_2"), "reason": "no" + injection}},
		{"reply", args{"order": "ord_1", "fingerprint": a.fingerprint("ord_1"), "text": "yes" + injection}},
		{"get_order", args{"order": "ord_2"}},
		{"pause", args{"fingerprint": a.value("status", args{})["pause_fingerprint"], "reason": "because" + injection}},
		{"status", args{}},
	} {
		name := each.tool
		for n := 2; answers[name] != ""; n++ {
			name = each.tool + strings.Repeat("'", n-1)
		}
		answers[name] = a.call(each.tool, each.in).text
	}
	for _, uri := range []string{"order://ord_1", "order://ord_2", "orders://open", "attention://", "earnings://30d", "schema://"} {
		res, err := a.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri})
		w.must(err)
		for _, c := range res.Contents {
			answers[uri] += c.Text
		}
	}
	return w, answers
}

// TestInjectionsStayInTheirWrapper guards that no text of a client or a provider reaches an
// agent as if atelierd had said it.
func TestInjectionsStayInTheirWrapper(t *testing.T) {
	t.Parallel()
	_, answers := hostile(t)
	found := 0
	for name, text := range answers {
		outside := ""
		for rest := text; rest != ""; {
			before, after, _ := strings.Cut(rest, opening)
			outside += before
			inside, end, _ := strings.Cut(after, closing)
			found += strings.Count(inside, "INJECTED")
			if strings.ContainsAny(inside, "<>") {
				t.Errorf("%s: a wrapper has a tag within: %.300s", name, inside)
			}
			rest = end
		}
		if i := strings.Index(outside, "INJECTED"); i >= 0 {
			t.Errorf("%s: outside of its wrapper: %.300s", name, outside[max(0, i-200):])
		}
	}
	if found < 40 {
		t.Errorf("only %d injections were shown; the test looks at too little", found)
	}
}

// TestNoAnswerHasASecret guards the key, the wallet, the configuration and the folder.
func TestNoAnswerHasASecret(t *testing.T) {
	t.Parallel()
	w, answers := hostile(t)
	for name, text := range answers {
		for _, secret := range []string{secretKey, w.dir, "market.example", "client-wallet-1"} {
			if strings.Contains(text, secret) && (secret != "client-wallet-1" || !strings.HasPrefix(name, "query")) {
				t.Errorf("%s has %q", name, secret)
			}
		}
	}
	if !strings.Contains(answers["get_order"], "[the key]") {
		t.Error("the brief with the key is not shown; the test looks at too little")
	}
}

// TestAStolenReadOnlyTokenChangesNothing calls each tool there is with a token that may only
// read, and with the fingerprints of what it has read.
func TestAStolenReadOnlyTokenChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	w.place("ord_2", order.PendingQuote)
	a := w.connect()
	before, acts := storetest.Dump(t, w.dir), 0
	prints := []string{a.fingerprint("ord_1"), a.fingerprint("ord_2"), fmt.Sprint(a.value("status", args{})["pause_fingerprint"])}
	for _, tool := range w.server.tools {
		for i, print := range prints {
			in := args{}
			for name, value := range (args{"order": []string{"ord_1", "ord_2", ""}[i], "fingerprint": print, "instructions": "x", "price_usd": "5", "reason": "x", "text": "x"}) {
				if _, ok := tool.schema.Properties[name]; ok {
					in[name] = value
				}
			}
			r := a.call(tool.Name, in)
			if !tool.Annotations.ReadOnlyHint {
				acts++
				if !r.failed || !strings.Contains(r.text, "is not allowed") {
					t.Errorf("%s: %+v", tool.Name, r)
				}
			}
		}
	}
	if after := storetest.Dump(t, w.dir); after != before || w.woken > 0 || acts < 24 {
		t.Errorf("after %d calls, %d of which woke the daemon, the ledger has changed from\n%s\nto\n%s", acts, w.woken, before, after)
	}
}
