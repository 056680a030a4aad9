package mcp

import (
	"strings"
	"testing"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

var everything = []string{"approve", "redo", "reply", "send_draft", "discard_draft", "quote", "retry", "cancel", "pause", "resume"}

// acted returns the events of an order that an agent's token has caused.
func (w *world) acted(id string) (texts []string) {
	w.Helper()
	h, err := w.daemon.History(w.Context(), id)
	w.must(err)
	for _, e := range h.Events {
		if e.By == "agent:night-watch" {
			texts = append(texts, e.Text)
		} else if e.By != "" {
			w.Errorf("%q was done by %s", e.Text, e.By)
		}
	}
	return texts
}

func (w *world) state(id string) order.State {
	w.Helper()
	o, err := w.daemon.Order(w.Context(), id)
	w.must(err)
	return o.State
}

// TestEachActionIsDoneByItsToken guards that each tool does what it says, once, in the name
// of the token.
func TestEachActionIsDoneByItsToken(t *testing.T) {
	t.Parallel()
	refused := func(w *world) {
		w.place("ord_1", order.Paid)
		w.work(order.Result{}, order.Failf(order.Hold, order.CodeRefused, "no%s", injection))
	}
	for tool, each := range map[string]struct {
		prepare func(w *world)
		more    args
		state   order.State
	}{
		"approve":       {func(w *world) { w.review("ord_1", w.paint("a.png", 64)) }, nil, order.StateWorking},
		"redo":          {func(w *world) { w.review("ord_1", w.paint("a.png", 64)) }, args{"instructions": "less red"}, order.StateWorking},
		"reply":         {func(w *world) { w.review("ord_1", w.paint("a.png", 64)) }, args{"text": "It is ready tomorrow."}, order.StateHeld},
		"send_draft":    {(*world).draft, nil, order.StateHeld},
		"discard_draft": {(*world).draft, nil, order.StateHeld},
		"quote":         {func(w *world) { w.place("ord_1", order.PendingQuote) }, args{"price_usd": "$15.50"}, order.StateWorking},
		"retry":         {refused, nil, order.StateWorking},
		"cancel":        {refused, args{"reason": "we draw no logos"}, order.StateHeld},
	} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			each.prepare(w)
			a := w.connect(tool)
			in := args{"order": "ord_1"}
			for name, v := range each.more {
				in[name] = v
			}
			for _, wrong := range []any{nil, "", "x", "7f3k2m-9x2kq81d0a-c4r7tn", 5} {
				if in["fingerprint"] = wrong; wrong == nil {
					delete(in, "fingerprint")
				}
				if r := a.call(tool, in); !r.failed {
					t.Errorf("with the fingerprint %v: %s", wrong, r.text)
				}
			}
			if texts := w.acted("ord_1"); len(texts) > 0 {
				t.Fatalf("what was refused has done %q", texts)
			}
			in["fingerprint"] = a.fingerprint("ord_1")
			if v := a.value(tool, in); v["done"] != true || v["order_id"] != "ord_1" || v["state"] != string(each.state) {
				t.Errorf("the answer is %v, want the state %s", v, each.state)
			}
			if texts := w.acted("ord_1"); len(texts) == 0 || w.state("ord_1") != each.state || w.woken != 1 {
				t.Errorf("done %q, the order is %s, the daemon was woken %d times", texts, w.state("ord_1"), w.woken)
			}
			before := len(w.acted("ord_1"))
			if r := a.call(tool, in); !r.failed || !strings.Contains(r.text, "othing was done") || len(w.acted("ord_1")) != before {
				t.Errorf("with the old fingerprint: %+v, done %q", r, w.acted("ord_1"))
			}
		})
	}
}

// draft is an order under review whose client has a draft of the assistant waiting.
func (w *world) draft() {
	w.Helper()
	w.review("ord_1", w.paint("a.png", 64))
	_, err := w.daemon.ApplyThread(order.Thread{OrderID: "ord_1", Answer: true})
	w.must(err)
	w.work(order.Result{Next: order.StageSend, Draft: "It is red.", Hold: order.Failf(order.Hold, order.CodeDraft, "it waits")}, nil)
}

// TestWhatChangedMeanwhileIsNotApproved guards that an agent approves what it has looked at.
func TestWhatChangedMeanwhileIsNotApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect("approve", "redo", "reply")
	seen := a.fingerprint("ord_1")
	a.value("redo", args{"order": "ord_1", "fingerprint": seen, "instructions": "less red"})
	w.work(order.Result{Next: order.StageUpload, Artifacts: []order.Artifact{w.paint("b.png", 72)}, Hold: order.Failf(order.Hold, order.CodeReview, "look at it")}, nil)
	r := a.call("approve", args{"order": "ord_1", "fingerprint": seen})
	if !r.failed || !strings.Contains(r.text, "look at take 2") || w.state("ord_1") != order.StateHeld {
		t.Errorf("approved unseen: %+v; the order is %s", r, w.state("ord_1"))
	}
	for _, each := range []struct {
		in   args
		name string
	}{{args{"order": "ord_1"}, "b.png"}, {args{"order": "ord_1", "take": 1}, "a.png"}} {
		v := a.value("get_order", each.in)
		if name, _ := field(v, "pictures", 0, "file", "name").(string); !strings.HasPrefix(name, opening+each.name) || field(v, "pictures", 1) != nil {
			t.Errorf("get_order %v shows %v, want %s alone", each.in, v["pictures"], each.name)
		}
	}
	seen = a.fingerprint("ord_1")
	_, err := w.daemon.ApplyThread(order.Thread{OrderID: "ord_1", Messages: []order.Message{
		{ID: "m1", Party: order.PartyClient, Text: "hello", At: time.Now()}, {ID: "m2", Party: order.PartyClient, Text: "in blue, please", At: time.Now()},
	}})
	w.must(err)
	if r := a.call("reply", args{"order": "ord_1", "fingerprint": seen, "text": "It is red."}); !r.failed || !strings.Contains(r.text, "has written again") {
		t.Errorf("answered without reading: %+v", r)
	}
}

func TestARedoNeedsACap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect("redo")
	in := args{"order": "ord_1", "fingerprint": a.fingerprint("ord_1"), "instructions": "less red"}
	w.capped = false
	if r := a.call("redo", in); !r.failed || !strings.Contains(r.text, "order_usd or day_usd") {
		t.Errorf("without a cap: %+v", r)
	}
	w.capped = true
	in["instructions"] = " "
	if r := a.call("redo", in); !r.failed || !strings.Contains(r.text, "needs instructions") {
		t.Errorf("without instructions: %+v", r)
	}
	in["instructions"], in["only"] = "less red", []int{2}
	if r := a.call("redo", in); !r.failed || !strings.Contains(r.text, "There is no file 2; the last take has 1. Nothing was done.") {
		t.Errorf("a file that there is not: %+v", r)
	}
	in["only"] = []int{1}
	a.value("redo", in)
}

func TestAPauseNeedsWhatIsPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect("pause", "resume")
	seen := func() any { t.Helper(); return a.value("status", args{})["pause_fingerprint"] }
	for _, in := range []args{{}, {"fingerprint": "x"}, {"fingerprint": seen(), "hours": -1}, {"fingerprint": seen(), "hours": 721}, {"fingerprint": seen(), "service": "Sculptures"}} {
		if r := a.call("pause", in); !r.failed {
			t.Errorf("pause %v: %s", in, r.text)
		}
	}
	first := seen()
	a.value("pause", args{"fingerprint": first, "service": "images", "hours": 2, "reason": "the model is down"})
	if r := a.call("pause", args{"fingerprint": first}); !r.failed || !strings.Contains(r.text, "has changed") {
		t.Errorf("with the old fingerprint: %+v", r)
	}
	list, err := w.daemon.Pauses(t.Context())
	if err != nil || len(list) != 1 || list[0].Service != "Images" || list[0].By != "agent:night-watch" || time.Until(list[0].Until) > 2*time.Hour {
		t.Fatalf("paused is %+v, %v", list, err)
	}
	if r := a.call("resume", args{"fingerprint": seen()}); !r.failed || !strings.Contains(r.text, "not paused") {
		t.Errorf("resumed everything: %+v", r)
	}
	a.value("resume", args{"fingerprint": seen(), "service": "Images"})
	if list, err := w.daemon.Pauses(t.Context()); err != nil || len(list) != 0 || w.woken != 2 {
		t.Errorf("paused is %+v, %v; woken %d times", list, err, w.woken)
	}
}

// TestAPauseThatComesInBetweenIsNotReplaced guards that the transaction itself compares what the
// agent was shown.
func TestAPauseThatComesInBetweenIsNotReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.connect("pause")
	in := args{"fingerprint": a.value("status", args{})["pause_fingerprint"], "service": "images", "hours": 1}
	w.meanwhile = func() {
		w.must(store.Owner{Store: w.daemon, By: "cli:jo"}.Pause(order.Pause{Service: "Images", Reason: "on holiday"}, nil))
	}
	if r := a.call("pause", in); !r.failed || !strings.Contains(r.text, "has changed") {
		t.Errorf("paused over another pause: %+v", r)
	}
	if list, err := w.daemon.Pauses(t.Context()); err != nil || len(list) != 1 || list[0].By != "cli:jo" || !list[0].Until.IsZero() {
		t.Errorf("paused is %+v, %v", list, err)
	}
}

// TestErrorsAreSentences guards that an agent learns what to do, and nothing of this machine.
func TestErrorsAreSentences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	w.place("ord_11", order.PendingQuote)
	a := w.connect(everything...)
	seen := a.fingerprint("ord_11")
	for _, each := range []struct {
		tool string
		in   any
		want string
	}{
		{"get_order", args{}, `get_order needs the argument "order". It takes order, pictures, references, skip, take.`},
		{"get_order", args{"order": "ord_1", "url": "x"}, `get_order has no argument "url".`},
		{"get_order", args{"order": 5}, `The argument "order" of get_order has to be a text, and is "number".`},
		{"get_order", args{"order": "ord_1", "skip": -1}, "cannot be below 0"},
		{"get_order", args{"order": "nothing"}, "There is no such order."},
		{"get_order", []string{"ord_1"}, "have to be an object"},
		{"attempts", args{"order": ""}, "There is no such order."},
		{"list_orders", args{"state": "lost"}, `"lost" is no state of an order.`},
		{"list_orders", args{"limit": 51}, "from 1 to 50"},
		{"list_orders", args{"search": "ab"}, "3 characters"},
		{"status", args{"x": 1}, "It takes no arguments."},
		{"query", args{"sql": "DELETE FROM orders"}, "Only SELECT is allowed"},
		{"query", args{"sql": "SELECT * FROM orders"}, "cannot be read; read the views"},
		{"quote", args{"order": "ord_11", "fingerprint": seen, "price_usd": "0.001"}, "is not a price above 0"},
		{"approve", args{"order": "ord_11", "fingerprint": seen}, "does not wait for approval. Nothing was done."},
		{"reply", args{"order": "ord_11", "fingerprint": seen, "text": strings.Repeat("x", 2001)}, "2001 characters"},
	} {
		r := a.call(each.tool, each.in)
		if !r.failed || !strings.Contains(r.text, each.want) {
			t.Errorf("%s %v: failed %v, %q, want %q", each.tool, each.in, r.failed, r.text, each.want)
		}
		if strings.Contains(r.text, w.dir) || !strings.HasSuffix(r.text, ".") {
			t.Errorf("%s %v: %q is no sentence", each.tool, each.in, r.text)
		}
	}
	if w.woken > 0 {
		t.Errorf("woken %d times", w.woken)
	}
}

// TestARetrySaysWhatStillWaits guards that an agent does not take files for sent that wait for
// an approval.
func TestARetrySaysWhatStillWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.review("ord_1", w.paint("a.png", 64))
	a := w.connect("cancel", "retry")
	a.value("cancel", args{"order": "ord_1", "fingerprint": a.fingerprint("ord_1"), "reason": "no time"})
	v := a.value("retry", args{"order": "ord_1", "fingerprint": a.fingerprint("ord_1")})
	if v["waits_for_approval"] != true || v["state"] != string(order.StateHeld) {
		t.Errorf("the answer is %v", v)
	}
}
