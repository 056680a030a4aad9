package app

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
)

// This file is how the answers of the simulated provider differ from what they should be,
// as those of real ones do. What was paid for must be had all the same.

// simRecipe describes the provider to weeks that use a recipe.
var simRecipe = must(recipe.Parse("simulated.toml", []byte(`
title = "Simulated"
source = "https://provider.test/docs"
date = "2026-11-01"
base_url = "http://provider.test"
makes = ["image"]
headers = { Authorization = "Bearer {{key}}" }
[submit]
path = "/v1/jobs"
job = "data.id"
[submit.body]
prompt = "{{prompt}}"
[poll]
path = "/v1/jobs/{{job}}"
state = "data.state"
waiting = ["processing"]
done = ["succeeded"]
failed = ["failed", "canceled"]
refused = ["moderated"]
reason = "data.error"
[result]
files = "data.output"
[cost]
at = "data.cost_usd"
[errors]
code = "error.code"
rate = ["429"]
outage = ["503"]
refused = ["content"]
reason = "error.message"
[cancel]
path = "/v1/jobs/{{job}}/cancel"
only = ["processing"]
[probe]
path = "/v1/account"
`)))

// The shapes of the provider's API.
const (
	shapeReplicate = "replicate"
	shapeOwn       = "http"
	shapeRecipe    = "recipe"
)

// mostOdd is the longest time for which a result is late. It is less than the limit.
const mostOdd = order.LateLimit - time.Minute

// oddJob is what is odd in the answers about one job.
type oddJob struct {
	// unknown is how long the job is not known after its submission, hidden how long it
	// shows no output after its end, and late how long its link leads to something else
	// after that.
	unknown, hidden, late time.Duration
	form                  int // of what a late link answers
	// wrong: the first fetch gets another file.
	wrong   bool
	fetched int
}

// never is longer than any week.
const never = 1000 * 24 * time.Hour

// oddly decides what is odd about a job, and what it costs.
func (s *paidProvider) oddly(j *providerJob) {
	j.cost, j.form = providerPrice, s.odd.IntN(6)
	if s.shape != shapeReplicate && s.odd.IntN(3) == 0 {
		j.cost = providerPrice - 12_345
	}
	some := func() time.Duration { return time.Duration(1 + s.odd.Int64N(int64(mostOdd))) }
	switch s.odd.IntN(10) {
	case 0:
		j.unknown = some()
	case 1:
		j.hidden = some()
	case 2:
		j.late = some()
	case 3:
		j.hidden, j.late = some()/2, some()/2
	case 4:
		j.wrong = true
	case 5:
		j.wrong, j.late = true, some()
	case 6:
		if s.odd.IntN(3) == 0 && !s.calm {
			j.hidden = never
		}
	case 7:
		if s.odd.IntN(3) == 0 && !s.calm {
			j.late = never
		}
	}
	if j.ends == "failed" && j.why != indecency && s.shape != shapeReplicate && s.odd.IntN(2) == 0 {
		j.cost = 0 // paid back
	}
}

// gone reports whether the job's result is lost for good.
func (j *providerJob) gone() bool { return j.hidden == never || j.late == never }

// known reports whether the provider answers about a job.
func (j *providerJob) known() bool {
	return j != nil && time.Since(j.at) >= j.unknown && time.Since(j.ready) <= 24*time.Hour
}

// shown reports whether a job that is done shows its output.
func (j *providerJob) shown() bool { return time.Since(j.ready) >= j.hidden }

// spelled returns a word in some case. A job that runs may be called anything.
func (s *paidProvider) spelled(word string) string {
	if word == "processing" && s.odd.IntN(4) == 0 {
		word = []string{"contemplating", "queued_2", "Almost there"}[s.odd.IntN(3)]
	}
	switch s.odd.IntN(3) {
	case 0:
		return strings.ToUpper(word)
	case 1:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// number returns an id, which is a number in some weeks.
func (s *paidProvider) number(id string) any {
	if s.numbered {
		return json.Number(id)
	}
	return id
}

// cost returns what a job costs in one of the forms in which providers say it.
func (s *paidProvider) cost(c order.USD) any {
	plain := fmt.Sprintf("%d.%06d", c/order.Dollar, c%order.Dollar)
	forms := []any{plain, json.Number(plain)}
	if c == providerPrice {
		forms = append(forms, strings.Replace(plain, ".", ",", 1), nil, "cheap") // the price counts
	}
	return forms[s.odd.IntN(len(forms))]
}

// tell answers with the fields about a job, in the shape of the provider.
func (s *paidProvider) tell(w http.ResponseWriter, id, state string, j *providerJob) {
	answer := map[string]any{"id": s.number(id), "status": s.spelled(state)}
	switch {
	case state == "succeeded" && j.shown():
		answer["output"] = "http://" + providerHost + "/files/" + id + ".png"
	case state == "succeeded" && s.odd.IntN(2) == 0:
		answer["output"] = nil
	case state == "failed":
		answer["error"] = j.why
	}
	if s.shape == shapeRecipe {
		if state == "failed" && j.why == indecency {
			answer["status"] = s.spelled("moderated")
		}
		if state == "failed" || state == canceled || state == "succeeded" && j.shown() {
			answer["cost_usd"] = s.cost(j.cost)
		}
		answer["state"] = answer["status"]
		delete(answer, "status")
		answer = map[string]any{"data": answer}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// inside answers an error with status 200.
func (s *paidProvider) inside(w http.ResponseWriter, code any, message string) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": code, "message": message}})
}

// fileOf answers the link of a job, or the address of a job of the owner's server.
func (s *paidProvider) fileOf(w http.ResponseWriter, id string, j *providerJob) {
	if time.Since(j.ready) < j.hidden || time.Since(j.ready) < j.hidden+j.late || j.gone() {
		switch j.form {
		case 0:
			w.WriteHeader(http.StatusNotFound)
		case 1:
			if s.shape != shapeOwn { // whose key would be refused
				w.WriteHeader(http.StatusForbidden)
			}
		case 2:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!DOCTYPE html><title>Just a moment...</title>")
		case 3:
			w.Header().Set("Content-Type", "image/png")
		default:
			w.Header().Set("Content-Type", "image/png")
			w.Write(picture[:40])
		}
		return
	}
	w.Header().Set("Content-Type", "image/png")
	if text, ok := s.cost(j.cost).(string); ok && s.shape == shapeOwn {
		w.Header().Set("X-Cost-USD", text)
	} else if s.shape == shapeOwn && j.cost != providerPrice {
		w.Header().Set("X-Cost-USD", fmt.Sprintf("0.%06d", j.cost))
	}
	if j.fetched++; j.fetched == 1 && j.wrong {
		w.Header().Set("Content-Type", "application/pdf")
		_, _ = io.WriteString(w, "%PDF-1.4\n%%EOF") // the daemon may be gone
		return
	}
	fmt.Fprintf(w, "%sprovider %s", picture, id)
}

// cutAfterID sends the answer of h without its last letter, and cuts the connection.
func cutAfterID(w http.ResponseWriter, h func(http.ResponseWriter)) {
	rec := httptest.NewRecorder()
	h(rec)
	maps.Copy(w.Header(), rec.Header())
	body := strings.TrimSpace(rec.Body.String())
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	fmt.Fprint(w, body[:len(body)-1])
	_ = http.NewResponseController(w).Flush() // the daemon may be gone
	panic(http.ErrAbortHandler)
}

// useShape decides the shape of the week's provider.
func (w *world) useShape(seed uint64) {
	p := w.provider
	p.odd, p.numbered = rand.New(rand.NewPCG(seed, 26)), seed%3 == 1
	p.shape = []string{shapeOwn, shapeRecipe, shapeReplicate, shapeRecipe}[seed%4]
}

// checkCosts holds that each call whose end the daemon has learned is booked with what
// the provider charged for its job.
func (w *world) checkCosts(db *sql.DB) {
	rows := must(db.Query("SELECT ticket, state, cost_usd_micros, cancel_wanted_at IS NOT NULL FROM calls WHERE ticket <> ''"))
	defer rows.Close()
	for rows.Next() {
		var ticket, state string
		var cost order.USD
		var cancelled bool
		if err := rows.Scan(&ticket, &state, &cost, &cancelled); err != nil {
			w.t.Fatal(err)
		}
		j := w.provider.jobs[ticket]
		ended := state == string(order.CallDone) || state == string(order.CallFailed) || state == string(order.CallRefused)
		if j != nil && (cost < j.cost || ended && !cancelled && cost != j.cost) {
			w.t.Errorf("job %s (%s) is booked with %s, the provider charged %s", ticket, state, cost, j.cost)
		}
	}
}

// jobsOf describes the jobs of an order, for a week that has failed.
func (s *paidProvider) jobsOf(brief string) (lines []string) {
	for id, j := range s.jobs {
		if brief != "" && strings.HasPrefix(j.what, brief) {
			lines = append(lines, fmt.Sprintf("job %s began at %s, %s at %s, unknown for %s, hidden for %s, late for %s, another file: %v, fetched %d times",
				id, j.at.UTC().Format(time.DateTime), j.ends, j.ready.UTC().Format(time.DateTime), j.unknown, j.hidden, j.late, j.wrong, j.fetched))
		}
	}
	return lines
}

// lostWork reports whether a result of the order was lost at the provider.
func (w *world) lostWork(id string) bool {
	brief, ok := w.paid[id]
	for _, j := range w.provider.jobs {
		if ok && strings.HasPrefix(j.what, brief) && j.ends == "succeeded" && j.gone() {
			return true
		}
	}
	return false
}
