package console

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

func TestApproveCanBeTakenBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.want(s.get("/orders/ord_1"), http.StatusOK, "made, and waits for your yes", "Approve and deliver", "Sends both files", "10 seconds", "$12.00", "$10.80")
	if strings.Contains(s.get("/orders/ord_1").body, `action="/orders/ord_1/retry"`) {
		t.Error("a retry is offered, which would send what waits for approval")
	}
	a := s.press("ord_1", "approve", s.form("ord_1", "approve"))
	s.want(a, http.StatusSeeOther)
	h := s.read("ord_1")
	wait := time.Until(h.Jobs[0].RunAt)
	if h.Order.State != order.StateWorking || h.Jobs[0].Code != order.CodeApproved || wait < time.Second || wait > takeBackTime {
		t.Fatalf("after the approval: %s, job %+v", h.Order.State, h.Jobs[0])
	}
	if m := last(h); m.By != "console:jo" || m.Text != order.ActApprove {
		t.Errorf("the timeline has %+v", m)
	}
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, "<strong>Approved.</strong> Goes to the client in", "Take it back")
	if body := s.get("/orders/ord_1").body; strings.Contains(body, "Approve and deliver") {
		t.Error("an approved order can be approved again")
	}
	a = s.press("ord_1", "takeback", s.form("ord_1", "takeback"))
	s.want(a, http.StatusSeeOther)
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, "Taken back.", "Approve and deliver")
	if h := s.read("ord_1"); h.Order.State != order.StateHeld || last(h).By != "daemon" && last(h).By != "console:jo" {
		t.Errorf("after it was taken back: %s, %+v", h.Order.State, last(h))
	}
}

// TestADecisionLeadsToTheNextOrder guards that the way back of the last decision stays in
// view there.
func TestADecisionLeadsToTheNextOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.waiting("ord_2")
	s.want(s.get("/orders/ord_1"), http.StatusOK, `href="/orders/ord_2"`, "Next that needs you, 2 of 2")
	a := s.press("ord_1", "approve", s.form("ord_1", "approve"))
	to := a.Header.Get("Location")
	if !strings.HasPrefix(to, "/orders/ord_2?") {
		t.Fatalf("after the approval comes %s", to)
	}
	page := s.get(to)
	s.want(page, http.StatusOK, "is approved.", "Goes to the client in", `action="/orders/ord_1/takeback"`, `action="/orders/ord_2/approve"`)
	s.want(s.press("ord_1", "takeback", s.form("ord_1", "takeback")), http.StatusSeeOther)
	if h := s.read("ord_1"); h.Order.State != order.StateHeld {
		t.Errorf("the first order is %s", h.Order.State)
	}
}

func TestARedoIsComparedWithWhatWasBefore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.want(s.press("ord_1", "redo", s.form("ord_1", "redo", "instructions", "  ")), http.StatusUnprocessableEntity, "Say what should be different.")
	if n := len(s.read("ord_1").Takes); n != 0 {
		t.Fatalf("without instructions %d takes were opened", n)
	}
	s.want(s.press("ord_1", "redo", s.form("ord_1", "redo", "instructions", "calmer <b>", "from_these", "1")), http.StatusSeeOther)
	h := s.read("ord_1")
	if len(h.Takes) != 1 || h.Takes[0].Instructions != "calmer <b>" || !h.Takes[0].FromThese || h.Order.State != order.StateWorking {
		t.Fatalf("after the redo: %s, %+v", h.Order.State, h.Takes)
	}
	s.want(s.get("/orders/ord_1"), http.StatusOK, "Will be made.")
	s.made("new-1.png", "new-2.png")
	page := s.get("/orders/ord_1")
	s.want(page, http.StatusOK, `<label for="show-both">Side by side</label>`, "Before · 1 of 2", "New · 2 of 2", "calmer &lt;b&gt;", "round 0, take 1")
	if n := strings.Count(page.body, `class="before"`); n != 2 {
		t.Errorf("%d pictures from before are shown, want 2", n)
	}
}

// TestOneOfSeveralFilesIsNamedAsWrong guards the choice of files below the instructions.
func TestOneOfSeveralFilesIsNamedAsWrong(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.want(s.get("/orders/ord_1"), http.StatusOK, `name="file" value="1" id="redo-file-1">`, `name="file" value="2" id="redo-file-2">`)
	form := s.form("ord_1", "redo", "instructions", "less red")
	for _, wrong := range []string{"3", "x", "0"} {
		form["file"] = []string{"2", wrong}
		s.want(s.press("ord_1", "redo", form), http.StatusUnprocessableEntity, "There is no", `value="2" id="redo-file-2" checked>`, ">less red</textarea>")
	}
	form["file"] = []string{"2"}
	s.want(s.press("ord_1", "redo", form), http.StatusSeeOther)
	if h := s.read("ord_1"); len(h.Takes) != 1 || h.Takes[0].Instructions != "Of the 2 files, change only file 2 (ord_1-2.png). Keep file 1 (ord_1-1.png) as before.\nless red" {
		t.Errorf("the takes are %+v", h.Takes)
	}
	s.made("one.png")
	if body := s.get("/orders/ord_1").body; strings.Contains(body, `name="file"`) {
		t.Error("a single file can be chosen")
	}
}

func TestTheOtherActions(t *testing.T) {
	t.Parallel()
	held := func(code order.Code) func(s *site) {
		return func(s *site) {
			s.place(order.Facts{ID: "ord_1", Status: order.Paid, Brief: "a cat", Price: dollars(12)})
			s.work(order.LaneGenerate, order.Result{}, order.Failf(order.Hold, code, "no <i>"))
		}
	}
	for name, each := range map[string]struct {
		prepare func(s *site)
		act     string
		fields  []string
		shows   string // before it
		check   func(h view.History) bool
	}{
		"retry": {held(order.CodeNeverArrived), "retry", nil, "Retry once the marketplace works again", func(h view.History) bool { return h.Order.State == order.StateWorking }},
		"redo":  {held(order.CodeNoFiles), "redo", []string{"instructions", "more"}, "Have them made", func(h view.History) bool { return len(h.Takes) == 1 }},
		"cancel": {held(order.CodeRejected), "cancel", []string{"reason", "no time"}, "Cancel our work", func(h view.History) bool {
			return h.Order.Code == order.CodeOwner && h.Order.Reason == "no time"
		}},
		"quote": {
			func(s *site) { s.place(order.Facts{ID: "ord_1", Status: order.PendingQuote, Brief: "a cat"}) }, "quote",
			[]string{"price", "$15.50"},
			"Name a price", func(h view.History) bool { return h.Quote != nil && h.Quote.PriceUSD == "15.50" },
		},
		"assign": {
			func(s *site) { s.place(order.Facts{ID: "ord_1", Status: order.Paid, ServiceTitle: "Murals"}) }, "assign",
			[]string{"service", "Videos"},
			"Which service makes it?", func(h view.History) bool { return h.Order.Service == "Videos" },
		},
		"reply": {held(order.CodeNoPrompt), "reply", []string{"text", "What is it\r\nabout?"}, "Ask in the thread", func(h view.History) bool {
			return len(h.Thread.Outbox) == 1 && h.Thread.Outbox[0].Text == "What is it\nabout?"
		}},
		"resubmit": {func(s *site) {
			s.place(order.Facts{ID: "ord_1", Status: order.Paid, Price: dollars(12)})
			s.deliver()
			s.place(order.Facts{ID: "ord_1", Status: order.Delivered, Price: dollars(12)})
		}, "resubmit", nil, "with the client", func(h view.History) bool { return len(h.Redeliveries) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			each.prepare(s)
			s.want(s.link(), http.StatusSeeOther)
			s.want(s.get("/orders/ord_1"), http.StatusOK, each.shows)
			form := s.form("ord_1", each.act, each.fields...)
			a := s.press("ord_1", each.act, form)
			s.want(a, http.StatusSeeOther)
			h := s.read("ord_1")
			if !each.check(h) {
				t.Errorf("the order is %s (%s), %+v", h.Order.State, h.Order.Code, h.Jobs)
			}
			s.want(s.get(a.Header.Get("Location")), http.StatusOK)
			if !s.by(h, "console:jo") {
				t.Errorf("nobody is named in the timeline: %+v", h.Timeline)
			}
			if again, after := s.press("ord_1", each.act, form), s.read("ord_1"); len(after.Timeline) != len(h.Timeline) || len(after.Thread.Outbox) != len(h.Thread.Outbox) {
				t.Errorf("a second press acted again (status %d): %+v", again.StatusCode, after.Timeline)
			}
		})
	}
}

// TestARetrySaysWhatStillWaits guards that the page does not say that work goes on which waits
// for the owner.
func TestARetrySaysWhatStillWaits(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	s.want(s.press("ord_1", "cancel", s.form("ord_1", "cancel", "reason", "no time")), http.StatusSeeOther)
	a := s.press("ord_1", "retry", s.form("ord_1", "retry"))
	s.want(a, http.StatusSeeOther)
	s.want(s.get(a.Header.Get("Location")), http.StatusOK, "The order waits for your yes.")
}

// TestARefusedActionIsASentence guards that nobody decides on what he has not seen, and that
// what he typed is not lost.
func TestARefusedActionIsASentence(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	approve, redo := s.form("ord_1", "approve"), s.form("ord_1", "redo", "instructions", "much <calmer>", "from_these", "1")
	s.want(s.press("ord_1", "approve", approve), http.StatusSeeOther)
	a := s.press("ord_1", "approve", approve)
	s.want(a, http.StatusConflict, "Nothing was done.", "approved this order", "goes to the client in", "Show it")
	s.want(s.press("ord_1", "takeback", s.form("ord_1", "takeback")), http.StatusSeeOther)
	s.want(s.press("ord_1", "redo", s.form("ord_1", "redo", "instructions", "other")), http.StatusSeeOther)
	s.made("new-1.png", "new-2.png")
	a = s.press("ord_1", "approve", approve)
	s.want(a, http.StatusConflict, "Nothing was done.", "look at take 2", "New · 1 of 2")
	a = s.press("ord_1", "redo", redo)
	s.want(a, http.StatusConflict, "Nothing was done.", ">much &lt;calmer&gt;</textarea>")
	for _, change := range []string{"", "nonsense", "000000-0000000000-000000"} {
		form := s.form("ord_1", "approve")
		form.Set("if", change)
		if a := s.press("ord_1", "approve", form); a.StatusCode < 400 {
			t.Errorf("with the fingerprint %q the approval has status %d", change, a.StatusCode)
		}
	}
	if h := s.read("ord_1"); h.Order.State != order.StateHeld || len(h.Takes) != 1 {
		t.Errorf("a refused action did something: %s, %+v", h.Order.State, h.Takes)
	}
	for _, path := range []string{"/orders/ord_9/approve", "/orders/ord_1/dance", "/orders/ord_1/log/1x", "/orders/ord_1/log/9"} {
		method := http.MethodPost
		if strings.Contains(path, "log") {
			method = http.MethodGet
		}
		s.want(s.send(method, path, s.form("ord_1", "approve")), http.StatusNotFound)
	}
}

func TestOnlyAnOwnerActsOnAnOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	form := s.form("ord_1", "approve")
	forged := url.Values{"token": {"x" + form.Get("token")}, "if": form["if"]}
	s.want(s.press("ord_1", "approve", forged), http.StatusForbidden)
	s.want(s.press("ord_1", "approve", url.Values{"if": form["if"]}), http.StatusForbidden)
	s.reads()
	page := s.get("/orders/ord_1")
	s.want(page, http.StatusOK, "You can look at everything.", "a canyon")
	if strings.Contains(page.body, `action="/orders/`) || strings.Contains(page.body, "<textarea") {
		t.Error("a reader is shown forms")
	}
	for act := range orderActs {
		s.want(s.press("ord_1", act, url.Values{"token": {s.token()}, "if": form["if"]}), http.StatusForbidden)
	}
	if h := s.read("ord_1"); h.Order.State != order.StateHeld {
		t.Errorf("the order is %s", h.Order.State)
	}
}

// TestForeignTextsOfAnOrderStayTexts guards that nothing that a client, a provider or a
// marketplace wrote is markup, or can be pressed.
func TestForeignTextsOfAnOrderStayTexts(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><a href="javascript:x" onclick='y'>` + "\x1b\u202e" + `https://evil.example/{{.}}`
	s := newSite(t)
	s.place(order.Facts{
		ID: "ord_1", Status: order.Paid, Brief: evil, BriefEnglish: evil + "2", ServiceTitle: "Images " + evil, ClientWallet: evil,
		ReferenceURLs: []string{evil, "javascript:alert(1)"}, Answers: []byte(fmt.Sprintf("{%q: %q}", `"><script>`, `<img src=x onerror=y>`)), Price: dollars(5),
	})
	s.work(order.LaneGenerate, order.Result{Log: evil}, order.Failf(order.Hold, order.CodeRejected, "%s", evil).WithHint("%s", evil))
	if _, err := s.store.ApplyThread(order.Thread{OrderID: "ord_1", Messages: []order.Message{
		{ID: "m1", Party: order.PartyClient, Text: evil, At: time.Now()}, {ID: "m2", Party: order.PartyOther, Sender: evil, Text: evil, At: time.Now()},
	}}); err != nil {
		t.Fatal(err)
	}
	s.want(s.link(), http.StatusSeeOther)
	refused := s.press("ord_1", "redo", s.form("ord_1", "redo", "instructions", evil+strings.Repeat("x", 5000)))
	s.want(refused, http.StatusUnprocessableEntity)
	refused2 := s.press("ord_1", "cancel", url.Values{"token": {s.token()}, "if": {"0"}, "reason": {evil}, "price": {evil}, "service": {evil}, "key": {evil}, "text": {evil}})
	s.want(refused2, http.StatusUnprocessableEntity)
	s.want(s.get("/orders/ord_1/log/1"), http.StatusOK, "What it wrote")
	for _, a := range []answer{s.get("/orders/ord_1"), s.get("/orders/ord_1/log/1"), refused, refused2, s.get("/orders/ord_1?before=" + url.QueryEscape(evil) + "&done=" + url.QueryEscape(evil) + "&of=" + url.QueryEscape(evil))} {
		for _, bad := range []string{"<script>alert", "<a href=\"javascript", "onclick='", "<img src=x", `href="https://evil`, `href="javascript`, `src="https://evil`} {
			if strings.Contains(a.body, bad) {
				t.Errorf("%s has %q", a.Request.URL.Path, bad)
			}
		}
		if typed := a.StatusCode != http.StatusOK; !typed && strings.ContainsAny(a.body, "\x1b\u202e") { // what an owner typed stays as it is
			t.Errorf("%s has control characters", a.Request.URL.Path)
		}
	}
	s.want(s.get("/orders/ord_1"), http.StatusOK, `<span class="ctl">U+202E</span>`, "&lt;script&gt;alert(1)")
}

// TestPiecesAreShownAndDecidedOnLikeRounds guards the subscriptions: each piece has its
// pictures, its state and its own redo.
func TestPiecesAreShownAndDecidedOnLikeRounds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.place(order.Facts{ID: "ord_1", Status: order.InProgress, Brief: "a picture a week", Price: dollars(40)})
	s.work(order.LaneGenerate, order.Result{}, order.Failf(order.Wait, order.CodeWindow, "the window is open"))
	ask := order.Message{ID: "m1", Party: order.PartyClient, Text: "a fox <i>", At: time.Now()}
	if _, err := s.store.ApplyThread(order.Thread{OrderID: "ord_1", Pieces: true, Messages: []order.Message{ask}}); err != nil {
		t.Fatal(err)
	}
	s.made("one.png")
	s.want(s.link(), http.StatusSeeOther)
	page := s.get("/orders/ord_1")
	s.want(page, http.StatusOK, "Pieces", "Piece 1", "a fox &lt;i&gt;", "made, and waits for your yes", "Approve and send", "Redo piece 1 with instructions")
	s.want(s.press("ord_1", "redo", s.form("ord_1", "redo", "instructions", "a red one")), http.StatusSeeOther)
	if takes := s.read("ord_1").Takes; len(takes) != 1 || takes[0].Kind != order.KindPiece {
		t.Fatalf("the takes are %+v", takes)
	}
	s.made("two.png")
	s.want(s.get("/orders/ord_1"), http.StatusOK, "Side by side", "a red one")
	s.want(s.press("ord_1", "approve", s.form("ord_1", "approve")), http.StatusSeeOther)
	s.want(s.get("/orders/ord_1"), http.StatusOK, "Approved.", "Take it back")
	for _, j := range s.read("ord_1").Jobs {
		if j.Kind == order.KindPiece && (j.State != order.JobReady || j.Code != order.CodeApproved) {
			t.Errorf("the piece is %+v", j)
		}
	}
}

// TestAnActionAboveACapCannotBePressed guards that the button says why.
func TestAnActionAboveACapCannotBePressed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.cfg.Generators = map[string]config.Generator{"flux": {Cost: 60_000}}
	s.cfg.Spending.Day = 50_000
	s.waiting("ord_1")
	s.want(s.get("/orders/ord_1"), http.StatusOK, "Redo for about $0.06</button>", "Would pass today&#39;s cap: $0.00 &#43; $0.06 of $0.05.", "midnight UTC")
	if !regexp.MustCompile(`<button[^>]* disabled[^>]*>Redo`).MatchString(s.get("/orders/ord_1").body) {
		t.Error("the button can be pressed")
	}
}

// TestAPageThatHasNotChangedIsTheSame guards that a stream sends nothing for an order that
// stays as it is.
func TestAPageThatHasNotChangedIsTheSame(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.waiting("ord_1")
	first := s.get("/orders/ord_1").body
	_, a, _ := strings.Cut(first, `data-live="order-work"`)
	_, b, _ := strings.Cut(s.get("/orders/ord_1").body, `data-live="order-work"`)
	if a == "" || a != b {
		t.Error("the second look at a page is another one")
	}
}
