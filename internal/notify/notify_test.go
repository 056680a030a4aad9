package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"atelierd/internal/secret"
)

// got is one request as a service received it.
type got struct {
	method, path, query string
	header              http.Header
	body                map[string]any
}

// service is a stand-in for a service over HTTP, with one answer to everything.
type service struct {
	*httptest.Server
	mu   sync.Mutex
	seen []got
}

func serve(t *testing.T, status int, header http.Header, answer string) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		g := got{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header, nil}
		if err := json.Unmarshal(data, &g.body); err != nil {
			t.Errorf("the body %.80q: %v", data, err)
		}
		s.mu.Lock()
		s.seen = append(s.seen, g)
		s.mu.Unlock()
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) one(t *testing.T) got {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) != 1 {
		t.Fatalf("%d requests, want one", len(s.seen))
	}
	return s.seen[0]
}

func known(text string) func() (secret.Text, error) {
	return func() (secret.Text, error) { return secret.New(text), nil }
}

func target(t *testing.T, s Spec) Target {
	t.Helper()
	to, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

var hello = Message{
	ID: "notice-7", Title: "1 order needs you", Text: "order ord_1: held <b>@everyone</b> & *more*\nhttps://example.com/a_b_c",
	Urgent: true, At: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC),
}

func send(t *testing.T, to Target, m Message) string {
	t.Helper()
	ref, err := to.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestNtfyPublishesToTheTopicOfTheAddress(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{"id":"x","event":"message","topic":"my-agent"}`)
	to := target(t, Spec{Type: TypeNtfy, URL: known(s.URL + "/my-agent"), Token: known("tk_secret")})
	send(t, to, hello)
	g := s.one(t)
	if g.method != "POST" || g.path != "/" || g.body["topic"] != "my-agent" || g.body["title"] != hello.Title || g.body["message"] != hello.Text ||
		g.body["priority"] != 4.0 || g.header.Get("Authorization") != "Bearer tk_secret" {
		t.Errorf("received %+v", g)
	}
}

func TestNtfyCutsOnBytes(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{}`)
	send(t, target(t, Spec{Type: TypeNtfy, URL: known(s.URL + "/t")}), Message{Title: "long", Text: strings.Repeat("ü", 4000)})
	text := s.one(t).body["message"].(string)
	if len(text) > ntfyBytes || len(text) < ntfyBytes-8 || !utf8.ValidString(text) || !strings.HasSuffix(text, "…") {
		t.Errorf("the message has %d bytes and ends with %q", len(text), text[len(text)-6:])
	}
}

func TestNtfyShowsAWholeTitle(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{}`)
	long := "the client of o1 wrote: " + strings.Repeat("schön ", 50) + "!"
	send(t, target(t, Spec{Type: TypeNtfy, URL: known(s.URL + "/t")}), Message{Title: long, Text: "`atelierd messages o1`"})
	g := s.one(t)
	if title := g.body["title"].(string); len(title) > ntfyTitle || g.body["message"] != long+"\n`atelierd messages o1`" {
		t.Errorf("received %v", g.body)
	}
}

func TestTelegramSendsWithoutMarkupAndEdits(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{"ok":true,"result":{"message_id":42}}`)
	to := target(t, Spec{Type: TypeTelegram, URL: known(s.URL), Token: known("123:abc"), Chat: "-100"})
	if ref := send(t, to, hello); ref != "42" {
		t.Errorf("the message is named %q", ref)
	}
	g := s.one(t)
	if g.path != "/bot123:abc/sendMessage" || g.body["text"] != hello.Title+"\n"+strings.ReplaceAll(hello.Text, "@", "@\u2060") || g.body["parse_mode"] != nil || g.body["chat_id"] != "-100" {
		t.Errorf("received %+v", g)
	}
	if err := to.(Editor).Edit(t.Context(), "42", hello); err != nil {
		t.Error(err)
	}
	if g := s.seen[1]; g.path != "/bot123:abc/editMessageText" || g.body["message_id"] != 42.0 {
		t.Errorf("the edit is %+v", g)
	}
}

func TestTelegramCutsOnUTF16(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{"ok":true,"result":{"message_id":42}}`)
	send(t, target(t, Spec{Type: TypeTelegram, URL: known(s.URL), Token: known("1:a"), Chat: "1"}), Message{Title: strings.Repeat("🎨", 3000)})
	if n := len(utf16.Encode([]rune(s.one(t).body["text"].(string)))); n > telegramUnits || n < telegramUnits-2 {
		t.Errorf("the text has %d units", n)
	}
}

func TestDiscordCallsNobodyAndEdits(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `{"id":"9001"}`)
	to := target(t, Spec{Type: TypeDiscord, URL: known(s.URL + "/api/webhooks/1/tok?thread_id=5")})
	if ref := send(t, to, hello); ref != "9001" {
		t.Errorf("the message is named %q", ref)
	}
	g := s.one(t)
	want := `**1 order needs you**` + "\n" + `order ord\_1: held \<b\>@everyone\</b\> & \*more\*` + "\n" + `https://example.com/a_b_c`
	if g.query != "thread_id=5&wait=true" || g.body["content"] != want || len(g.body["allowed_mentions"].(map[string]any)["parse"].([]any)) != 0 {
		t.Errorf("received %+v", g)
	}
	if err := to.(Editor).Edit(t.Context(), "9001", hello); err != nil {
		t.Error(err)
	}
	if g := s.seen[1]; g.method != "PATCH" || g.path != "/api/webhooks/1/tok/messages/9001" {
		t.Errorf("the edit is %+v", g)
	}
}

func TestSlackEscapes(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, nil, `ok`)
	send(t, target(t, Spec{Type: TypeSlack, URL: known(s.URL + "/services/T/B/x")}), hello)
	if g := s.one(t); !strings.Contains(g.body["text"].(string), "held &lt;b&gt;@everyone&lt;/b&gt; &amp; *more*") {
		t.Errorf("received %+v", g)
	}
}

func TestAWebhookGetsTheSameIDAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, 204, nil, ``)
	send(t, target(t, Spec{Type: TypeWebhook, URL: known(s.URL + "/hook"), Token: known("bearer-token")}), hello)
	g := s.one(t)
	if g.header.Get("Idempotency-Key") != "notice-7" || g.body["id"] != "notice-7" || g.body["urgent"] != true || g.body["at"] != "2026-11-25T14:00:00Z" ||
		g.header.Get("Authorization") != "Bearer bearer-token" {
		t.Errorf("received %+v", g)
	}
}

func TestACommandReadsTheMessage(t *testing.T) {
	t.Parallel()
	var input map[string]any
	to := target(t, Spec{Type: TypeCommand, Run: func(_ context.Context, in []byte) error { return json.Unmarshal(in, &input) }})
	send(t, to, hello)
	if input["title"] != hello.Title {
		t.Errorf("the program read %v", input)
	}
	to = target(t, Spec{Type: TypeCommand, Run: func(context.Context, []byte) error { return errors.New("exit status 3\n") }})
	_, err := to.Send(t.Context(), hello)
	if f, ok := errors.AsType[*Failure](err); !ok || f.Kind != Later || f.Reason != "exit status 3" {
		t.Errorf("the failure is %v", err)
	}
}

// Each answer is one that the service documents, or that its clients expect.
func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		typ    string
		status int
		header http.Header
		answer string
		kind   Kind
		after  time.Duration
	}{
		"ntfy limits requests":        {TypeNtfy, 429, nil, `{"code":42901,"http":429,"error":"limit reached: too many requests"}`, Later, 0},
		"ntfy's day is used up":       {TypeNtfy, 429, nil, `{"code":42908,"http":429,"error":"limit reached: daily message quota"}`, Later, time.Hour},
		"ntfy has no room":            {TypeNtfy, 507, nil, `{"code":50701}`, Later, 0},
		"ntfy's token is wrong":       {TypeNtfy, 401, nil, `{"code":40101,"error":"unauthorized"}`, Broken, 0},
		"ntfy forbids the topic":      {TypeNtfy, 403, nil, `{"code":40301,"error":"forbidden"}`, Broken, 0},
		"ntfy refuses a message":      {TypeNtfy, 400, nil, `{"code":40024,"error":"invalid request"}`, Refused, 0},
		"telegram limits":             {TypeTelegram, 429, nil, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 17","parameters":{"retry_after":17}}`, Later, 17 * time.Second},
		"telegram's token is wrong":   {TypeTelegram, 401, nil, `{"ok":false,"description":"Unauthorized"}`, Broken, 0},
		"the user blocked the bot":    {TypeTelegram, 403, nil, `{"ok":false,"description":"Forbidden: bot was blocked by the user"}`, Broken, 0},
		"no such chat":                {TypeTelegram, 400, nil, `{"ok":false,"description":"Bad Request: chat not found"}`, Broken, 0},
		"the chat has moved":          {TypeTelegram, 400, nil, `{"ok":false,"description":"Bad Request: group chat was upgraded","parameters":{"migrate_to_chat_id":-1001}}`, Broken, 0},
		"telegram is not telegram":    {TypeTelegram, 200, nil, `<html>`, Later, 0},
		"discord limits":              {TypeDiscord, 429, http.Header{"Retry-After": {"1"}}, `{"message":"You are being rate limited.","retry_after":1.5,"global":false}`, Later, 1500 * time.Millisecond},
		"discord's webhook is gone":   {TypeDiscord, 404, nil, `{"message":"Unknown Webhook","code":10015}`, Broken, 0},
		"slack limits":                {TypeSlack, 429, http.Header{"Retry-After": {"30"}}, `rate_limited`, Later, 30 * time.Second},
		"slack's channel is archived": {TypeSlack, 410, nil, `channel_is_archived`, Broken, 0},
		"slack refuses":               {TypeSlack, 400, nil, `invalid_payload`, Refused, 0},
		"a webhook is down":           {TypeWebhook, 502, nil, ``, Later, 0},
		"a webhook redirects":         {TypeWebhook, 302, http.Header{"Location": {"https://elsewhere.example"}}, ``, Broken, 0},
		"a wait beyond reason":        {TypeWebhook, 503, http.Header{"Retry-After": {"99999999"}}, ``, Later, mostWait},
		"a wait that is no number":    {TypeWebhook, 503, http.Header{"Retry-After": {"NaN"}}, ``, Later, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.status, c.header, c.answer)
			_, err := target(t, Spec{Type: c.typ, URL: known(s.URL + "/my-topic"), Token: known("123:secret"), Chat: "1"}).Send(t.Context(), hello)
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Kind != c.kind || f.After != c.after {
				t.Errorf("the failure is %#v", err)
			}
		})
	}
}

// An edit whose answer was lost is refused when it is sent again.
func TestAnEditThatChangesNothingIsDone(t *testing.T) {
	t.Parallel()
	s := serve(t, 400, nil, `{"ok":false,"description":"Bad Request: message is not modified"}`)
	if err := target(t, Spec{Type: TypeTelegram, URL: known(s.URL), Token: known("1:a"), Chat: "1"}).(Editor).Edit(t.Context(), "3", hello); err != nil {
		t.Error(err)
	}
}

// TestNoSecretIsInAReason guards addresses and tokens, which may be secret: also if the
// connection fails, the address is malformed, or the service repeats what it was sent.
func TestNoSecretIsInAReason(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	redirects := serve(t, 307, http.Header{"Location": {"http://127.0.0.1:1/s3cr3t-value"}}, ``)
	for _, typ := range []string{TypeNtfy, TypeTelegram, TypeDiscord, TypeSlack, TypeWebhook} {
		for name, address := range map[string]string{"closed": closed.URL, "redirect": redirects.URL, "malformed": "http://[::1/", "no scheme": "s3cr3t-value"} {
			t.Run(typ+" "+name, func(t *testing.T) {
				t.Parallel()
				_, err := target(t, Spec{Type: typ, URL: known(address + "/s3cr3t-value"), Token: known("s3cr3t-value"), Chat: "1"}).Send(t.Context(), hello)
				if err == nil || strings.Contains(err.Error(), "s3cr3t") {
					t.Errorf("the reason is %v", err)
				}
			})
		}
	}
	repeats := serve(t, 400, nil, `{"error":"s3cr3t-value","description":"s3cr3t-value","message":"s3cr3t-value"}`)
	for _, typ := range []string{TypeNtfy, TypeTelegram, TypeDiscord, TypeSlack, TypeWebhook} {
		_, err := target(t, Spec{Type: typ, URL: known(repeats.URL + "/s3cr3t-value"), Token: known("s3cr3t-value"), Chat: "1"}).Send(t.Context(), hello)
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the reason of %s is %v", typ, err)
		}
	}
}
