package console

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// png is a picture that a generator has made for an order.
func (s *site) png(name, sum string) order.Artifact {
	s.Helper()
	path := filepath.Join("artifacts", name)
	if err := os.MkdirAll(filepath.Join(s.dir, "artifacts"), 0o700); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, path), []byte("png"), 0o600); err != nil {
		s.Fatal(err)
	}
	return order.Artifact{Path: path, Name: name, Bytes: 800_000, SHA256: strings.Repeat(sum, 64), MIME: "image/png", Media: "image", Width: 1024, Height: 1024}
}

// made has the next job make pictures that wait for approval.
func (s *site) made(names ...string) {
	s.Helper()
	r := order.Result{Next: order.StageUpload, Hold: order.Failf(order.Hold, order.CodeReview, "made, and waits for your approval")}
	for i, name := range names {
		r.Artifacts = append(r.Artifacts, s.png(name, string("abcdef"[i])))
	}
	s.work(order.LaneGenerate, r, nil)
}

// waiting places an order whose two pictures wait for approval, and logs in.
func (s *site) waiting(id string) {
	s.Helper()
	s.place(order.Facts{ID: id, Status: order.Paid, Brief: "a canyon", Price: dollars(12)})
	s.made(id+"-1.png", id+"-2.png")
	if s.get("/").StatusCode != http.StatusOK {
		s.want(s.link(), http.StatusSeeOther)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// form returns the hidden fields of a form of an order's page, with others besides.
func (s *site) form(id, act string, fields ...string) url.Values {
	s.Helper()
	body := s.get("/orders/" + id).body
	_, rest, ok := strings.Cut(body, `action="/orders/`+id+`/`+act+`"`)
	if !ok {
		s.Fatalf("the page of %s has no form for %s\n%.9000s", id, act, body)
	}
	text, _, _ := strings.Cut(rest, "</form>")
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(text, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return v
}

func (s *site) press(id, act string, form url.Values) answer {
	s.Helper()
	return s.send(http.MethodPost, "/orders/"+id+"/"+act, form)
}

// read returns what the ledger has of an order.
func (s *site) read(id string) view.History {
	s.Helper()
	h, err := view.Reader{Config: func() *config.Config { return s.cfg }, Store: s.store}.Order(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return h
}

func last(h view.History) view.Moment { return h.Timeline[len(h.Timeline)-1] }

func (s *site) by(h view.History, who order.Actor) bool {
	for _, m := range h.Timeline {
		if m.By == who {
			return true
		}
	}
	return false
}

// deliver has the next job delivered.
func (s *site) deliver() {
	s.Helper()
	s.work(order.LaneGenerate, order.Result{Next: order.StageDeliver, Artifacts: []order.Artifact{s.png("a.png", "a")}}, nil)
	turn, err := s.store.Turn(nil, order.LaneNetwork, true, time.Minute)
	if err != nil || turn.Job == nil {
		s.Fatal("nothing is to be delivered", err)
	}
	if err := s.store.Intend(*turn.Job, []string{"https://files.test/a.png"}); err != nil {
		s.Fatal(err)
	}
	done := &order.Done{Job: *turn.Job, Result: order.Result{Delivery: order.DeliveryConfirmed}}
	if _, err := s.store.Turn(done, order.LaneNetwork, false, time.Minute); err != nil {
		s.Fatal(err)
	}
}
