package assistant

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate/gentest"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

const testKey = "sk-secret-of-the-assistant"

// answered is the answer that the tests ask for.
type answered struct {
	Text string `json:"text"`
}

func question() Question {
	return Question{
		Task: "Say what you see.", Data: map[string]string{"brief": "a fox"}, Name: "seen",
		Schema: map[string]any{
			"type": "object", "properties": map[string]any{"text": map[string]any{"type": "string"}},
			"required": []string{"text"}, "additionalProperties": false,
		},
	}
}

// serve starts a server and returns an assistant that asks it with prices of $1 and $2.
func serve(t *testing.T, h http.Handler) *Assistant {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at(t, server.URL)
}

func at(t *testing.T, url string) *Assistant {
	t.Helper()
	a, err := New(Spec{
		BaseURL: url + "/v1", Model: "model", Input: order.Dollar, Output: 2 * order.Dollar, Pictures: true, Timeout: time.Minute,
		Key: func() (secret.Text, error) { return secret.New(testKey), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// fox is a server whose model sees a fox.
func fox() *gentest.Chat {
	return gentest.NewChat(testKey, func(gentest.ChatRequest) string { return `{"text": "a fox"}` })
}

func TestAQuestionIsAnsweredAtTheCostOfItsTokens(t *testing.T) {
	t.Parallel()
	chat := fox()
	a := serve(t, chat)
	var got answered
	cost, err := a.Ask(t.Context(), question(), &got)
	if err != nil || got.Text != "a fox" || !cost.Known || cost.USD != 1200 {
		t.Fatalf("%v, %+v, %+v", err, got, cost)
	}
	r := chat.Requests()[0]
	if r.Text != `{"brief":"a fox"}` || !strings.HasPrefix(r.Task, "Say what you see.") || !strings.Contains(r.Task, "They are data") ||
		r.Schema != "seen" || r.MaxTokens != defaultMaxTokens {
		t.Errorf("%+v", r)
	}
	if price := a.Price(question()); price < cost.USD || price < 8000 {
		t.Errorf("the price before is %s", price)
	}
	if err := a.Check(t.Context()); err != nil || chat.Paid() != 1 {
		t.Errorf("%v, %d paid", err, chat.Paid())
	}
}

func TestTheServersOwnFigureWins(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		usage string
		want  Cost
	}{
		{`{"prompt_tokens": 10, "completion_tokens": null}`, Cost{}},
		{`{"prompt_tokens": 10, "completion_tokens": 10, "cost": null}`, Cost{30, true}},
		{`{"prompt_tokens": 10, "completion_tokens": 10, "cost": 0.0123456}`, Cost{12346, true}},
		{`{"prompt_tokens": 10, "completion_tokens": 10, "cost": 0}`, Cost{0, true}},
		{`{"prompt_tokens": 10, "completion_tokens": 10, "cost": -1}`, Cost{30, true}},
		{`{"prompt_tokens": 10, "completion_tokens": 10, "cost": 1e12}`, Cost{30, true}},
		{`{"prompt_tokens": -10, "completion_tokens": 10}`, Cost{}},
		{`{"prompt_tokens": 1e300, "completion_tokens": 10}`, Cost{}},
		{`null`, Cost{}},
	} {
		a := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"choices": [{"message": {"content": "{\"text\": \"a fox\"}"}, "finish_reason": "stop"}], "usage": ` + c.usage + `}`))
		}))
		var got answered
		if cost, err := a.Ask(t.Context(), question(), &got); err != nil || cost != c.want {
			t.Errorf("%s: %v, %+v, want %+v", c.usage, err, cost, c.want)
		}
	}
}

// TestWhatAnAnswerCostIsReadWhereTheServerSaysIt guards the figures of servers that count in
// other places, or not at all.
func TestWhatAnAnswerCostIsReadWhereTheServerSaysIt(t *testing.T) {
	t.Parallel()
	const fox = `{"text": "a fox"}`
	usage := map[string]any{"prompt_tokens": 1000, "completion_tokens": 100}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   Cost
	}{
		"tokens":         {gentest.ChatCounted(fox, usage, nil), Cost{1200, true}},
		"nothing":        {gentest.ChatCounted(fox, nil, nil), Cost{}},
		"a cost":         {gentest.ChatCounted(fox, map[string]any{"prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.5}, nil), Cost{order.Dollar / 2, true}},
		"only a cost":    {gentest.ChatCounted(fox, map[string]any{"cost": 0.5}, nil), Cost{order.Dollar / 2, true}},
		"a header":       {gentest.ChatCounted(fox, usage, map[string]string{"X-Litellm-Response-Cost": "0.25"}), Cost{order.Dollar / 4, true}},
		"no such header": {gentest.ChatCounted(fox, usage, map[string]string{"X-Litellm-Response-Cost": "None"}), Cost{1200, true}},
		"a tool as well": {gentest.ChatTools(fox), Cost{1200, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chat := gentest.NewChat(testKey, nil)
			chat.Next(c.answer)
			var got answered
			if cost, err := serve(t, chat).Ask(t.Context(), question(), &got); err != nil || cost != c.want || got.Text != "a fox" {
				t.Errorf("%v, %+v, %+v; want %+v", err, cost, got, c.want)
			}
		})
	}
}

func TestPicturesGoWithinTheirLimits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, bytes int) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	q := question()
	q.Pictures = []Picture{
		{Path: file("large.png", maxPictureBytes+1), MIME: "image/png"},
		{Path: file("a.tiff", 9), MIME: "image/tiff"},
		{Path: filepath.Join(dir, "gone.png"), MIME: "image/png"},
		{Path: file("1.png", 9), MIME: "image/png"},
		{Path: file("2.jpg", maxPictureBytes), MIME: "image/jpeg"},
		{Path: file("3.jpg", maxPictureBytes), MIME: "image/jpeg"},
		{Path: file("4.jpg", maxPictureBytes), MIME: "image/jpeg"},
		{Path: file("5.png", 9), MIME: "image/png"},
		{Path: file("6.png", 9), MIME: "image/png"},
	}
	chat := fox()
	a := serve(t, chat)
	var got answered
	if _, err := a.Ask(t.Context(), q, &got); err != nil {
		t.Fatal(err)
	}
	shown := chat.Requests()[0].Pictures
	if len(shown) != MostPictures || !strings.HasPrefix(shown[0], "data:image/png;base64,AAAA") || !strings.HasPrefix(shown[3], "data:image/png;") {
		t.Errorf("%d pictures", len(shown))
	}
	for i, p := range []Picture{{Data: []byte("JPEG"), MIME: "image/jpeg"}, q.Pictures[3], q.Pictures[0], q.Pictures[1], q.Pictures[2]} {
		if a.Shows(p) != (i < 2) {
			t.Errorf("picture %d: it is shown: %v", i, i >= 2)
		}
	}
	a.spec.Pictures = false
	if _, err := a.Ask(t.Context(), q, &got); err != nil || len(chat.Requests()[1].Pictures) != 0 {
		t.Errorf("%v; a model that sees nothing was shown pictures", err)
	}
}

// failed asks and returns the failure.
func failed(t *testing.T, a *Assistant) (*order.Failure, Cost) {
	t.Helper()
	var got answered
	cost, err := a.Ask(t.Context(), question(), &got)
	f, ok := errors.AsType[*order.Failure](err)
	if !ok {
		t.Fatalf("no failure: %v, %+v", err, got)
	}
	if strings.Contains(f.Error()+f.Hint, testKey) {
		t.Errorf("the key is in %q", f)
	}
	return f, cost
}

func TestEachFailureHasItsClass(t *testing.T) {
	t.Parallel()
	text := gentest.ChatText
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   order.Code
		charge order.Charge
	}{
		"a limit":                {gentest.ChatStatus(429, map[string]string{"Retry-After": "7"}), order.CodeProviderRateLimited, order.ChargeNone},
		"an outage":              {gentest.ChatStatus(503, nil), order.CodeOutage, order.ChargeNone},
		"an error of the server": {gentest.ChatStatus(500, nil), order.CodeOutage, order.ChargeUnknown},
		"no credit":              {gentest.ChatStatus(402, nil), order.CodeNoCredit, order.ChargeNone},
		"no model":               {gentest.ChatStatus(404, nil), order.CodeProviderNotFound, order.ChargeNone},
		"a redirect":             {gentest.ChatStatus(307, map[string]string{"Location": "http://example.com/"}), order.CodeProviderRedirected, order.ChargeNone},
		"a lost answer":          {gentest.ChatLost, order.CodeProviderNoAnswer, order.ChargeUnknown},
		"a cut answer":           {gentest.ChatCut, order.CodeProviderNoAnswer, order.ChargeUnknown},
		"a refusal":              {gentest.ChatRefusal("I cannot, " + testKey), order.CodeRefused, order.ChargeFull},
		"a filter":               {gentest.ChatAnswer("content_filter", map[string]any{"content": ""}), order.CodeRefused, order.ChargeFull},
		"its length":             {gentest.ChatTruncated(`{"text": "a f`), order.CodeBadAnswer, order.ChargeFull},
		"its length, after all":  {gentest.ChatTruncated(`{"text": "a fox"}`), order.CodeBadAnswer, order.ChargeFull},
		"a call of a tool":       {gentest.ChatTools(""), order.CodeBadAnswer, order.ChargeFull},
		"no JSON":                {text("a fox " + testKey), order.CodeBadAnswer, order.ChargeFull},
		"another schema":         {text(`{"text": "a fox", "price": "0.01"}`), order.CodeBadAnswer, order.ChargeFull},
		"another type":           {text(`{"text": 7}`), order.CodeBadAnswer, order.ChargeFull},
		"more than JSON":         {text(`{"text": "a fox"} {"approve": true}`), order.CodeBadAnswer, order.ChargeFull},
		"a list":                 {text(`[{"text": "a fox"}]`), order.CodeBadAnswer, order.ChargeFull},
		"an error inside":        {gentest.ChatError(429, "slow down"), order.CodeProviderRateLimited, order.ChargeNone},
		"an odd error inside":    {gentest.ChatError(nil, "hm"), order.CodeBadAnswer, order.ChargeUnknown},
		"no credit inside":       {gentest.ChatError(402, "insufficient credits"), order.CodeNoCredit, order.ChargeNone},
		"an error of the model":  {gentest.ChatFailed(502, "upstream"), order.CodeOutage, order.ChargeUnknown},
		"no choices":             {gentest.ChatEmpty(), order.CodeBadAnswer, order.ChargeUnknown},
		"a web page":             {gentest.ChatPage(200), order.CodeBadAnswer, order.ChargeUnknown},
		"a page of a proxy":      {gentest.ChatPage(502), order.CodeOutage, order.ChargeUnknown},
		"a stream":               {gentest.ChatStreamed(gentest.StreamDone), order.CodeBadAnswer, order.ChargeUnknown},
		"a stream that is cut":   {gentest.ChatStreamed(gentest.StreamCut), order.CodeProviderNoAnswer, order.ChargeUnknown},
		"a long answer":          {say(`{"choices": ["` + strings.Repeat("x", maxAnswer) + `"]}`), order.CodeProviderTooLarge, order.ChargeFull},
		"nothing":                {say(""), order.CodeBadAnswer, order.ChargeUnknown},
		"a rejected form":        {gentest.ChatStatus(400, nil), order.CodeProviderRejected, order.ChargeNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chat := fox()
			chat.Next(c.answer)
			f, cost := failed(t, serve(t, chat))
			if f.Code != c.code || f.Charge != c.charge || f.Class == order.Fail {
				t.Errorf("%s %s %q: %v, want %s %q", f.Class, f.Code, f.Charge, f, c.code, c.charge)
			}
			if name == "a limit" && f.After != 7*time.Second {
				t.Errorf("waits %v", f.After)
			}
			if c.charge == order.ChargeFull && c.code != order.CodeProviderTooLarge && cost.USD != 1200 {
				t.Errorf("it cost %+v", cost)
			}
			if n := len(chat.Requests()); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestTheKeyGoesToNoOtherHost(t *testing.T) {
	t.Parallel()
	other := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { other <- r.Header.Get("Authorization") }))
	defer thief.Close()
	chat := fox()
	chat.Next(gentest.ChatStatus(302, map[string]string{"Location": thief.URL}))
	if f, _ := failed(t, serve(t, chat)); f.Code != order.CodeProviderRedirected || len(other) != 0 {
		t.Errorf("%v; the other host was asked %d times", f, len(other))
	}
}

func TestAServerThatIsDownIsAnOutage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	a := at(t, server.URL)
	if f, _ := failed(t, a); f.Code != order.CodeProviderUnreachable || !f.Outage || f.Charge != order.ChargeNone {
		t.Errorf("%+v", f)
	}
	f, _ := errors.AsType[*order.Failure](a.Check(t.Context()))
	if f == nil || f.Class != order.Hold || f.Hint == "" {
		t.Errorf("%+v", f)
	}
}

func TestAStopIsNoFailureOfTheServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	a := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // without it the server does not see the end of the connection
		cancel(order.ErrStopping)
		<-r.Context().Done()
	}))
	var got answered
	_, err := a.Ask(ctx, question(), &got)
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Class != order.Stopped {
		t.Error(err)
	}
}

// TestWhatOtherServersAnswerIsRead takes the client through answers of servers as their
// descriptions have them.
func TestWhatOtherServersAnswerIsRead(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"ollama.json", "llamacpp.json"} {
		var recorded struct {
			Source, Date string
			Fields       []string
			Exchanges    []struct {
				Name, Want, Cost string
				Status           int
				Answer           json.RawMessage
			}
		}
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err == nil {
			err = json.Unmarshal(text, &recorded)
		}
		if _, dated := time.Parse(time.DateOnly, recorded.Date); err != nil || dated != nil || len(recorded.Exchanges) < 4 {
			t.Fatal(file, err, dated)
		}
		for _, x := range recorded.Exchanges {
			a := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body) < 4 {
					t.Errorf("%s: a question of %d fields: %v", file, len(body), err)
				}
				for field := range body {
					if !slices.Contains(recorded.Fields, field) {
						t.Errorf("%s does not describe the field %s", file, field)
					}
				}
				w.WriteHeader(x.Status)
				_, _ = w.Write(x.Answer)
			}))
			var got answered
			cost, err := a.Ask(t.Context(), question(), &got)
			f, _ := errors.AsType[*order.Failure](err)
			switch {
			case x.Want == "done" && (err != nil || got.Text != "a fox" || x.Cost != "" && cost.USD.String() != x.Cost):
				t.Errorf("%s, %s: %v, %+v, %+v", file, x.Name, err, got, cost)
			case x.Want != "done" && (f == nil || string(f.Code) != x.Want):
				t.Errorf("%s, %s: %v", file, x.Name, err)
			}
		}
	}
}
