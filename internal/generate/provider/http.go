package provider

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// ownServer asks the owner's own service for files. Its address is the base URL. The
// service answers at once with the file or with links to files, or with 202 and a
// Location that is polled until it has them. A request carries an idempotency key,
// under which it may be repeated. The key of the Spec is never sent. It signs the
// requests.
//
// Params go to the service, except health, the path below the base URL that Check
// requests.
type ownServer struct {
	spec   Spec
	health string
	params map[string]any
}

var httpNeeds = Needs{
	Type: "http", Params: []string{"health"},
	References: References{Image: Unlimited, Video: Unlimited, Animations: true},
}

func newHTTP(s Spec) (backend, error) {
	b := &ownServer{spec: s, params: with(map[string]any{}, s.Params)}
	if value, there := b.params["health"]; there {
		path, _ := value.(string)
		if !strings.HasPrefix(path, "/") {
			return nil, errors.New(`params.health must be a path such as "/health"`)
		}
		b.health = path
		delete(b.params, "health")
	}
	return b, nil
}

// repeats: the service promises not to charge twice for one idempotency key.
func (b *ownServer) repeats() bool { return true }

func (b *ownServer) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	body, err := b.encode(req)
	if err != nil {
		return "", nil, err
	}
	header := signed(c.key, body)
	header.Set("Content-Type", "application/json")
	if req.Call.Key != "" {
		header.Set("Idempotency-Key", req.Call.Key)
	}
	a, err := c.do(ctx, call{method: http.MethodPost, header: header, body: body, paid: true})
	if err != nil {
		return "", nil, err
	}
	switch {
	case a.ok() && a.status != http.StatusAccepted:
		out, err := b.made(a)
		return "", out, err
	case a.ok():
		ticket := a.header.Get("Location")
		if ticket == "" {
			f := a.unusable("the service answered 202 without a Location")
			f.Class = order.Hold // the same request would be answered in the same way
			return "", nil, f.WithHint("let the service answer 202 with a Location below base_url, then run %s", retryCommand)
		}
		_, err := below(c, ticket)
		return ticket, nil, err
	}
	if keyReused(a) {
		return "", nil, reused(a)
	}
	if a.status == http.StatusConflict && req.Call.Key != "" { // it still works on the first request
		return "", nil, a.busy()
	}
	if no, said := b.verdict(a); said && no.refused() {
		f := a.refused(order.ChargeNone, "%s", no.Reason)
		f.Cost, _ = b.cost(a, no.Cost)
		return "", nil, f
	}
	f := a.failure()
	if f.Code == order.CodeProviderRejected {
		f.Hint = `fix the service; to refuse an order, answer 422 with {"refused": true, "reason": "..."}`
	}
	return "", nil, f
}

// keyReused reports whether the service has the key with another body: it answers 409
// or 422, and its text names idempotency.
func keyReused(a answer) bool {
	return (a.status == http.StatusConflict || a.status == http.StatusUnprocessableEntity) &&
		bytes.Contains(bytes.ToLower(a.body), []byte("idempotency"))
}

// reused returns the failure of a call whose key the service has with another body. The
// call with that body may have been paid for.
func reused(a answer) *order.Failure {
	f := order.Failf(order.Hold, order.CodeKeyReused, "the service knows the call's key with another request: %s", a.snippet()).
		WithHint("look at the service's own record of the order; %s makes another call, which is paid for", retryCommand)
	f.Charge = order.ChargeUnknown
	return f
}

func (b *ownServer) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	address, err := below(c, ticket)
	if err != nil {
		return nil, err
	}
	a, err := c.get(ctx, address, signed(c.key, nil))
	if err != nil {
		return nil, err
	}
	switch {
	case a.status == http.StatusAccepted:
		var state struct {
			Progress lenient.Number `json:"progress"`
		}
		_ = lenient.Unmarshal(a.body, &state) // it may be empty
		c.progress(order.Progress{Phase: order.PhaseMaking, Fraction: state.Progress.Value()})
		return nil, nil
	case a.ok():
		return b.made(a)
	case a.gone():
		return nil, a.expired("its job")
	}
	if no, said := b.verdict(a); said {
		f := a.failed("%s", cmp.Or(string(no.Reason), "no reason given"))
		if no.refused() {
			f = a.refused(order.ChargeFull, "%s", no.Reason)
		}
		return nil, b.charged(f, a, no.Cost)
	}
	return nil, a.failure()
}

// probe requests the service's health path. Without one, any answer to a GET will do,
// because the service need not support GET.
func (b *ownServer) probe(ctx context.Context, c *conn) error {
	if b.health != "" {
		return c.probe(ctx, b.health, signed(c.key, nil))
	}
	a, err := c.do(ctx, call{method: http.MethodGet, header: signed(c.key, nil)})
	if err != nil {
		return err
	}
	if a.status >= 500 || a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
		return a.failure()
	}
	return nil
}

// signed returns a header with the signature of a body, in the form of the
// marketplace's webhooks: t=<unix>,v1=<hex of HMAC-SHA256(key, "t.body")>. Without a
// key it is empty.
func signed(key secret.Text, body []byte) http.Header {
	header := http.Header{}
	if key.Empty() {
		return header
	}
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	header.Set("X-Atelierd-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac.Sum(nil)))
	return header
}

// below returns the address of a Location, which is relative to the request. It must
// be at the service's host.
func below(c *conn, location string) (string, error) {
	u, err := c.base.Parse(location)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return "", order.Failf(order.Hold, order.CodeElsewhere, "the service's Location is not an http or https address").
			WithHint("let the service answer 202 with a Location below base_url")
	}
	u.Fragment = ""
	return c.target(u.String())
}

// ownResult is the JSON by which the service names files at other addresses.
type ownResult struct {
	URL  json.RawMessage `json:"url"`
	URLs json.RawMessage `json:"urls"`
	Cost json.RawMessage `json:"cost_usd"`
	ownVerdict
	// Error is what some services answer instead. Without it, a text under another type
	// than JSON is a file, whatever its fields say.
	Error json.RawMessage `json:"error"`
}

// links returns the addresses of the files.
func (r ownResult) links() []string { return linksIn([]any{anyOf(r.URL), anyOf(r.URLs)}) }

// made reads a success. A JSON object that names files does so under any content type.
// Any other text under another type than JSON is the file.
func (b *ownServer) made(a answer) (*output, error) {
	kind := mediaType(a.header)
	isJSON := isJSON(kind)
	var result ownResult
	err := lenient.Unmarshal(a.body, &result)
	out := linked(result.links())
	if len(out.blobs) == 0 && isJSON {
		out.blobs = foundIn(a.body)
	}
	out.cost, _ = b.cost(a, result.Cost)
	switch {
	case len(out.blobs) > 0:
		return out, nil
	case err == nil && result.refused():
		return nil, b.charged(a.refused(order.ChargeFull, "%s", result.Reason), a, result.Cost)
	case err == nil && (isJSON || result.Error != nil) && !a.inside().ok():
		return nil, a.inside().failure()
	case a.torn != nil:
		return nil, a.torn
	case !isJSON && len(a.body) > 0:
		out.cost, _ = b.cost(a, nil)
		out.blobs, out.whole = []blob{{data: a.body, file: a.file, mime: kind}}, true
		return out, nil
	case err != nil && len(a.body) > 0:
		return nil, a.decode(&result)
	case len(a.body) == 0, unfilled(anyOf(a.body)):
		return nil, a.notVisible()
	}
	f := a.noFile()
	f.Charge = order.ChargePending // the same request is answered in the same way, and paid for once
	return nil, f
}

// ownVerdict is the body of a 422: the service refuses the order, or its job failed.
type ownVerdict struct {
	Refused lenient.Text `json:"refused"`
	Reason  lenient.Text `json:"reason"`
}

func (v ownVerdict) refused() bool { return v.Refused == "true" || v.Refused == "1" }

func (b *ownServer) verdict(a answer) (v ownResult, said bool) {
	return v, a.status == http.StatusUnprocessableEntity && lenient.Unmarshal(a.body, &v) == nil
}

// cost returns the cost that the service reports in its JSON or in a header, and whether
// it does. If the amount cannot be read, the result is kept and the configured price
// counts.
func (b *ownServer) cost(a answer, raw json.RawMessage) (cost order.USD, said bool) {
	var wire lenient.Text
	_ = wire.UnmarshalJSON(raw) // it never fails
	text := string(wire)
	if text == "" && len(raw) > 0 && string(raw) != "null" {
		text = string(raw) // of no use, which is logged
	}
	if text == "" {
		text = strings.TrimSpace(a.header.Get("X-Cost-USD"))
	}
	if text == "" {
		return 0, false
	}
	cost, err := order.ParseUSD(text)
	if err != nil {
		b.spec.Log.Warn("cannot read the service's cost", "error", a.redact.Replace(err.Error()))
		return 0, false
	}
	return cost, true
}

// charged returns the failure of a job with what the service says that it cost: nothing
// if that is 0.
func (b *ownServer) charged(f *order.Failure, a answer, raw json.RawMessage) *order.Failure {
	cost, said := b.cost(a, raw)
	if said && cost == 0 {
		return f.Nothing()
	}
	return f.WithCost(cost)
}

// encode returns the order as the service reads it. Lists are never null.
func (b *ownServer) encode(req generate.Request) ([]byte, error) {
	wire := ownRequest{
		OrderID: req.OrderID, Round: req.Round, Attempt: req.Attempt, Prompt: req.Prompt, Brief: req.Brief,
		English: req.BriefEnglish, Spec: req.BriefSpec,
		Answers: req.RequirementAnswers, Messages: []ownMessage{}, References: []ownReference{}, Params: b.params,
		Service:  ownService{req.Service.Title, req.Service.Category, list(req.Service.Deliverables)},
		Previous: list(req.PreviousDeliverables), Instructions: req.Instructions, Problems: req.Problems, Notes: list(req.Notes),
	}
	if req.Piece > 0 {
		wire.Piece = &ownPiece{req.Piece, req.Ask}
	}
	for _, t := range req.PreviousTakes {
		wire.Takes = append(wire.Takes, ownTake{t.Number, t.Instructions, list(t.URLs)})
	}
	for _, m := range req.Messages {
		wire.Messages = append(wire.Messages, ownMessage{m.From, m.Text, m.At.UTC()})
	}
	for _, r := range req.References {
		content, err := read(r)
		if err != nil {
			return nil, err
		}
		wire.References = append(wire.References, ownReference{r.URL, r.MIME, content})
	}
	body, err := json.Marshal(wire)
	if err != nil {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "cannot write the order as JSON: %w", err).Nothing()
	}
	return body, nil
}

func list(s []string) []string { return append([]string{}, s...) }

// ownRequest is the order as the service reads it.
type ownRequest struct {
	OrderID  string          `json:"order_id"`
	Round    int             `json:"round"`
	Attempt  int             `json:"attempt"`
	Piece    *ownPiece       `json:"piece,omitempty"`
	Prompt   string          `json:"prompt"`
	Brief    string          `json:"brief"`
	English  string          `json:"brief_english"`
	Spec     json.RawMessage `json:"brief_spec"`
	Answers  json.RawMessage `json:"requirement_answers"`
	Messages []ownMessage    `json:"messages"`
	Service  ownService      `json:"service"`
	Previous []string        `json:"previous_deliverables"`
	// Without instructions, takes before or problems, the body is what it was in earlier versions:
	// a call that is made again needs the same.
	Instructions string         `json:"instructions,omitempty"`
	Takes        []ownTake      `json:"previous_takes,omitempty"`
	Problems     []string       `json:"problems,omitempty"`
	Notes        []string       `json:"notes"`
	References   []ownReference `json:"references"`
	Params       map[string]any `json:"params"`
}

// ownTake is what was made for the same work before. URLs are those of uploaded files.
type ownTake struct {
	Number       int      `json:"take"`
	Instructions string   `json:"instructions"`
	URLs         []string `json:"urls"`
}

// ownPiece is present only for a piece of a subscription.
type ownPiece struct {
	Number  int    `json:"number"`
	Request string `json:"request"`
}

type ownMessage struct {
	From string    `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

type ownService struct {
	Title        string   `json:"title"`
	Category     string   `json:"category"`
	Deliverables []string `json:"deliverables"`
}

// ownReference is a picture of the client's. Its bytes are base64 in JSON.
type ownReference struct {
	URL       string `json:"url"`
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
}
