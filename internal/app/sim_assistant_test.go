package app

import (
	"database/sql"
	"encoding/json"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"atelierd/internal/config"
	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/sandbox"
)

const simModelHost = "model.test"

var simAssistant = flag.Bool("sim.assistant", false, "have a language model write prompts and replies, check work and propose prices in a quarter of the weeks")

// The bounds of a price that the model proposes.
const (
	simLeastQuote = 8 * order.Dollar
	simMostQuote  = 20 * order.Dollar
)

// simModel is a language model in a quarter of the weeks, where that is asked for. It
// lies: it answers in other forms, names other prices and refuses. It stalls, loses
// answers and is down. It charges for each answer that it has begun.
type simModel struct {
	on   bool
	mu   sync.Mutex
	rng  *rand.Rand
	calm bool
	// charged is what it was paid for questions, and when.
	charged map[time.Time]order.USD
	asked   int
}

func newSimModel(seed uint64) *simModel {
	return &simModel{on: *simAssistant && seed%4 == 1, rng: rand.New(rand.NewPCG(seed, 51)), charged: map[time.Time]order.USD{}}
}

// assistantConfig gives a week the model.
func (w *world) assistantConfig() {
	if !w.model.on {
		return
	}
	w.cfg.Assistant = config.Assistant{
		BaseURL: "http://" + simModelHost + "/v1", Model: "model", Input: order.Dollar / 10, Output: order.Dollar / 5,
		Timeout: 2 * time.Minute, MaxTokens: 4000, Pictures: true,
	}
	w.cfg.Services = slices.Clone(w.cfg.Services)
	for i := range w.cfg.Services {
		s := &w.cfg.Services[i]
		switch s.Assist = []string{config.AssistPrompt}; s.Title {
		case simQuoted:
			s.Assist = append(s.Assist, config.AssistQuote)
			s.Quote = &config.Quote{Min: simLeastQuote, Max: simMostQuote}
		case simTitle:
			s.Assist = append(s.Assist, config.AssistCheck, config.AssistReply)
			s.CheckBelow, s.CheckAgain, s.Reply = 6, 1, config.ReplySend
		}
	}
}

func (m *simModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		w.WriteHeader(http.StatusOK) // a probe
		return
	}
	var q struct {
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		Format struct {
			Schema struct {
				Name string `json:"name"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(q.Messages) != 2 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	data := text(q.Messages[1].Content)
	answer := m.answer(q.Format.Schema.Name, data)
	fault, pause := m.draw()
	time.Sleep(pause)
	if fault != nil {
		fault(w, r)
		return
	}
	answer(w, r)
}

// text returns the text of a message, which may have pictures.
func text(content json.RawMessage) (s string) {
	if json.Unmarshal(content, &s) != nil {
		var parts []struct{ Text string }
		_ = json.Unmarshal(content, &parts)
		for _, p := range parts {
			s += p.Text
		}
	}
	return s
}

// draw returns what goes wrong with this question, and how long its answer takes. What the
// model has begun to answer is charged.
func (m *simModel) draw() (fault http.HandlerFunc, pause time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	luck := m.rng.Float64()
	if m.calm {
		luck = 1
	}
	switch {
	case luck < 0.05:
		return gentest.ChatStatus(http.StatusTooManyRequests, map[string]string{"Retry-After": "90"}), 0
	case luck < 0.08 || !m.calm && time.Now().Unix()/3600%13 == 0: // down for an hour
		return gentest.ChatStatus(http.StatusServiceUnavailable, nil), 0
	case luck < 0.10:
		return gentest.ChatError(429, "not now"), 0
	}
	m.charged[time.Now()] += simAnswer
	switch pause = time.Duration(m.rng.IntN(30)) * time.Second; {
	case luck < 0.14:
		return gentest.ChatLost, pause
	case luck < 0.17:
		return gentest.ChatCut, pause
	case luck < 0.20:
		return nil, time.Duration(1+m.rng.IntN(10)) * time.Minute // it stalls
	}
	return nil, pause
}

// simReply begins the replies to clients.
const simReply = "Thank you, we look at it: "

// simAnswer is what one answer costs: 1000 and 100 tokens.
const simAnswer = order.USD(120)

// answer returns the answer to a question. It depends on the question alone, so that a
// ledger that was restored gets the same one.
func (m *simModel) answer(schema, data string) http.HandlerFunc {
	h := fnv.New64a()
	_, _ = h.Write([]byte(data))
	n := h.Sum64()
	if schema == "quote" {
		price := []string{"12", "9.99", "0.01", "100000", "-3", "19.999"}[n%6]
		return gentest.ChatText(`{"price_usd": ` + price + `, "reason": "the client says so"}`)
	}
	if schema == "check" {
		score := []string{"10", "9", "7", "8", "6", "0", "3", "11", "-1", `"10"`}[n%10]
		return gentest.ChatText(`{"score": ` + score + `, "problems": ["It is not red."]}`)
	}
	if schema == "reply" {
		// Each question has its own answer, so that one that is sent twice is found.
		text := simReply + strings.Map(func(c rune) rune { return 'a' + c - '0' }, strconv.FormatUint(n, 10))
		return gentest.ChatText(`{"needs_reply": true, "text": "` + text + []string{"", "", "", " We give a refund.", " It costs $1."}[n%5] + `"}`)
	}
	var q struct{ Template string }
	_ = json.Unmarshal([]byte(data), &q)
	written := string(must(json.Marshal(map[string]any{"prompt": q.Template + " by a model", "requirements": []string{"It is a picture."}})))
	return []http.HandlerFunc{
		gentest.ChatText(written), gentest.ChatText(written), gentest.ChatTools(written), gentest.ChatTools(""),
		gentest.ChatText(strings.Replace(written, "{", `{"price_usd": "0.01", `, 1)), gentest.ChatText("Certainly! " + written),
		gentest.ChatTruncated(written[:len(written)/2]), gentest.ChatRefusal("no"), gentest.ChatText(`{"prompt": "", "requirements": []}`),
	}[n%9]
}

// again is how often the same work may be made again because of the model's check.
func (m *simModel) again() int {
	if m.on {
		return 1
	}
	return 0
}

func (m *simModel) setCalm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calm = true
}

// checkAssistant compares the model's bill with ours, and holds its answers to their limits.
func (w *world) checkAssistant(db *sql.DB, orders []sandbox.Order) {
	m := w.model
	if !m.on {
		return
	}
	var charged order.USD
	for at, usd := range m.charged {
		if !w.restores.lost(at) {
			charged += usd
		}
	}
	var booked order.USD
	var written, templates int
	w.expect(db.QueryRow("SELECT coalesce(sum(cost_usd_micros), 0) FROM calls WHERE purpose <> 'make'").Scan(&booked))
	w.expect(db.QueryRow("SELECT coalesce(sum(note = ''), 0), coalesce(sum(note <> ''), 0) FROM prompts").Scan(&written, &templates))
	var odd int
	w.expect(db.QueryRow("SELECT count(*) FROM calls WHERE purpose <> 'make' AND (state = 'unknown' AND cost_usd_micros < ? OR state = 'done' AND cost_usd_micros <> ?)",
		int64(simAnswer), int64(simAnswer)).Scan(&odd))
	if odd > 0 {
		w.t.Errorf("%d questions whose outcome is unknown or known are not booked with what they may have cost", odd)
	}
	if booked < charged {
		w.t.Errorf("the model was paid %s, and the calls say %s", charged, booked)
	}
	if written == 0 || templates == 0 {
		w.t.Errorf("the model wrote %d prompts, and the template %d, of %d questions", written, templates, m.asked)
	}
	var scores int
	w.expect(db.QueryRow("SELECT count(score) FROM checks").Scan(&scores))
	if scores == 0 {
		w.t.Error("the model gave no score")
	}
	replies := 0
	for _, o := range orders {
		for _, m := range o.Messages {
			if m.From == "provider" && strings.HasPrefix(m.Content, simReply) {
				if replies++; strings.Contains(m.Content, "refund") || strings.Contains(m.Content, "$") || o.ServiceTitle != simTitle {
					w.t.Errorf("the client of order %s got %q", o.ID, m.Content)
				}
			}
		}
		for _, q := range o.Quotes {
			if usd, err := order.ParseUSD(q.PriceUSD); err != nil || usd < simLeastQuote || usd > simMostQuote {
				w.t.Errorf("order %s was quoted %s", o.ID, q.PriceUSD)
			}
		}
	}
	w.checkAsked(db)
	if *simSeed != 0 {
		w.t.Logf("%d questions to the model, %d prompts, %d of the template, %d scores, %d replies, $%s",
			m.asked, written, templates, scores, replies, charged)
	}
}

// forOwner reports whether a price waits for the owner, because the model proposes none or
// one that is out of bounds. The owner may have looked for the last time before that.
func (w *world) forOwner(db *sql.DB, id string) bool {
	return w.model.on && (w.heldFor(db, id, order.CodeProposalBounds) || w.heldFor(db, id, order.CodeQuoteDeclined))
}

// checkAsked: no answer that was committed was asked for again, and no job has ended with a
// question that is open. A call with a note has an answer that came after the lease was lost.
func (w *world) checkAsked(db *sql.DB) {
	rows := must(db.Query(`
		SELECT j.order_id, j.round, sum(c.state = 'done' AND c.note = '') AS done, (SELECT count(*) FROM prompts AS p
		        WHERE p.order_id = j.order_id AND p.kind = j.kind AND p.round = j.round AND p.note = '') AS kept, sum(c.state = 'calling') AS open
		FROM calls AS c JOIN jobs AS j ON j.id = c.job_id WHERE c.purpose = 'prompt' GROUP BY j.id
		HAVING done <> kept OR open > 0 AND j.state = 'done'`))
	defer rows.Close()
	for rows.Next() {
		var id string
		var round, done, kept, open int
		w.expect(rows.Scan(&id, &round, &done, &kept, &open))
		w.t.Errorf("order %s round %d: %d answers were paid for, %d prompts are kept, %d questions are open", id, round, done, kept, open)
	}
	w.expect(rows.Err())
}
