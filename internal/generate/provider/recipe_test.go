package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/generate/recipe"
	"atelierd/internal/order"
	"atelierd/internal/secret"
)

// plainRecipe has no words for a refusal.
const plainRecipe = `title = "Plain"
source = "https://docs.example.com"
date = "2026-11-25"
headers = { Authorization = "Bearer {{key}}", Trace = "{{uuid}}" }
[submit]
path = "/jobs"
job = "id"
body = { prompt = "{{prompt}}" }
[poll]
path = "/jobs/{{job}}"
state = "status"
done = ["done"]
failed = ["failed"]
[result]
files = "url"
[cost]
at = "cents"
unit_usd = 0.01
`

func parsed(t *testing.T, text string) Spec {
	t.Helper()
	r, err := recipe.Parse("plain.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Type: "recipe", Recipe: r}
}

func TestAFailedJobHoldsTheOrderIfNoWordSaysRefused(t *testing.T) {
	t.Parallel()
	says := func() *scripted {
		return script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: `{"status":"failed","error":"nsfw?"}`}}})
	}
	_, f := says().resumed(t, parsed(t, plainRecipe), "j1")
	wantFailure(t, f, order.Hold, order.CodeProviderFailed, order.ChargeFull)
	if f.Hint == "" || !strings.Contains(f.Error(), "nsfw?") {
		t.Errorf("got %v, hint %q", f, f.Hint)
	}
	refuses := strings.Replace(plainRecipe, "failed =", "refused = [\"blocked\"]\nfailed =", 1)
	_, f = says().resumed(t, parsed(t, refuses), "j1")
	wantFailure(t, f, order.Retry, order.CodeProviderFailed, order.ChargeFull)
	free := strings.Replace(refuses, "[cost]", "[cost]\nfree = [\"failed\"]", 1)
	_, f = says().resumed(t, parsed(t, free), "j1")
	wantFailure(t, f, order.Retry, order.CodeProviderFailed, order.ChargeNone)
}

func TestAJobThatFailsForWantOfCreditIsHeldAndFree(t *testing.T) {
	t.Parallel()
	text := plainRecipe + "[errors]\ncode = \"code\"\ncredit = [\"budget\"]\n"
	s := script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: `{"status":"failed","code":"budget"}`}}})
	_, f := s.resumed(t, parsed(t, text), "j1")
	wantFailure(t, f, order.Hold, order.CodeNoCredit, order.ChargeNone)
}

func TestAJobThatIsPaidBackIsFree(t *testing.T) {
	t.Parallel()
	text := strings.Replace(plainRecipe, "failed =", "refused = [\"blocked\"]\nfailed =", 1)
	for body, want := range map[string]order.Failure{
		`{"status":"failed","cents":0}`:    {Class: order.Retry, Code: order.CodeProviderFailed, Charge: order.ChargeNone},
		`{"status":"failed","cents":null}`: {Class: order.Retry, Code: order.CodeProviderFailed, Charge: order.ChargeFull},
		`{"status":"blocked","cents":"0"}`: {Class: order.Fail, Code: order.CodeRefused, Charge: order.ChargeNone},
		`{"status":"blocked"}`:             {Class: order.Fail, Code: order.CodeRefused, Charge: order.ChargeFull},
	} {
		s := script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: body}}})
		_, f := s.resumed(t, parsed(t, text), "j1")
		wantFailure(t, f, want.Class, want.Code, want.Charge)
	}
}

func TestAJobThatIsGoneIsAskedForAgain(t *testing.T) {
	t.Parallel()
	text := strings.Replace(plainRecipe, "failed =", "gone = [\"not found\"]\nfailed =", 1)
	s := script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: `{"status":"Not found"}`}}})
	_, f := s.resumed(t, parsed(t, text), "j1")
	wantFailure(t, f, order.Wait, order.CodeExpired, order.ChargePending)
}

func TestARefusalIsChargedUnlessItIsFree(t *testing.T) {
	t.Parallel()
	text := strings.Replace(plainRecipe, "failed =", "refused = [{ at = \"safe\", is = false }]\nfailed =", 1)
	for free, want := range map[string]order.Charge{"": order.ChargeFull, `free = ["refused"]`: order.ChargeNone} {
		s := script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: `{"status":"done","safe":false,"cents":5,"url":"{{base}}/f"}`}}})
		_, f := s.resumed(t, parsed(t, strings.Replace(text, "[cost]", "[cost]\n"+free, 1)), "j1")
		wantFailure(t, f, order.Fail, order.CodeRefused, want)
		if want == order.ChargeFull && f.Cost != 50_000 {
			t.Errorf("it cost %s", f.Cost)
		}
	}
}

func TestACostIsReadInItsUnit(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		"POST /jobs":  {{status: 201, body: `{"id":7}`}},
		"GET /jobs/7": {{status: 200, body: `{"status":"working"}`}, {status: 200, body: `{"status":"Done","cents":"5","url":"{{base}}/f"}`}},
		"GET /f":      {{status: 200, body: "made"}},
	})
	made, err := s.provider(t, parsed(t, plainRecipe)).Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: t.TempDir()})
	if err != nil || made.Cost != 50_000 || len(made.Files) != 1 {
		t.Errorf("got %+v, %v", made, err)
	}
	polls := s.requests("GET /jobs/7")
	if len(polls) != 2 || polls[0].header.Get("Trace") == polls[1].header.Get("Trace") || len(polls[0].header.Get("Trace")) != 36 {
		t.Errorf("each request needs an id of its own: %v", polls)
	}
}

// elsewhere is a network in which each host answers by the path, and records the key.
type elsewhere struct {
	says map[string]string
	keys map[string]string
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.URL.Host + r.URL.Path
	e.keys[at] = r.Header.Get("X-Key")
	body, there := e.says[at]
	status := http.StatusOK
	if !there {
		status = http.StatusNotFound
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestAJobIsAskedForWhereItsAddressSaysIfTheKeyMayGoThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ address, asked string }{
		"a cluster of the provider": {"https://api.eu4.bfl.ai/v1/get_result", "api.eu4.bfl.ai/v1/get_result"},
		"another host":              {"https://bfl.ai.example/v1/get_result", "api.bfl.ai/v1/get_result"},
		"no TLS":                    {"http://api.eu4.bfl.ai/v1/get_result", "api.bfl.ai/v1/get_result"},
		"another port":              {"https://api.eu4.bfl.ai:8443/v1/get_result", "api.bfl.ai/v1/get_result"},
	} {
		r, err := recipe.Open("bfl")
		if err != nil {
			t.Fatal(err)
		}
		net := elsewhere{keys: map[string]string{}, says: map[string]string{
			"api.bfl.ai/v1/flux-2-pro": fmt.Sprintf(`{"id":"j1","polling_url":%q}`, test.address+"?id=j1"),
			test.asked:                 `{"id":"j1","status":"Ready","cost":4,"result":{"sample":"https://delivery.bfl.ai/f.png"}}`,
			"delivery.bfl.ai/f.png":    "made",
		}}
		p, err := New(Spec{
			Type: "recipe", Recipe: r, Model: "flux-2-pro", Transport: net, PollInterval: time.Millisecond,
			Key: func() (secret.Text, error) { return secret.New("k-123"), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		made, err := p.Generate(t.Context(), generate.Request{Prompt: "a lighthouse", OutputDir: t.TempDir()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file, err := os.ReadFile(made.Files[0])
		if err != nil || !bytes.Equal(file, []byte("made")) || made.Cost != 40_000 {
			t.Errorf("%s: got %q, %v, cost %s", name, file, err, made.Cost)
		}
		if net.keys[test.asked] != "k-123" || net.keys["delivery.bfl.ai/f.png"] != "" || net.keys["bfl.ai.example/v1/get_result"] != "" {
			t.Errorf("%s: the key went to %v", name, net.keys)
		}
	}
}

func TestACallThatStillRunsIsCollectedUnderItsKey(t *testing.T) {
	t.Parallel()
	for _, answer := range []said{
		{status: 409, body: `{"detail":"running"}`, header: map[string]string{"Retry-After": "7"}},
		{status: 504, body: `{"detail":"late"}`, header: map[string]string{"Retry-After": "7", "X-Comfy-Error-Type": "deadline_exceeded"}},
	} {
		r, err := recipe.Open("comfy-router")
		if err != nil {
			t.Fatal(err)
		}
		s := script(t, map[string][]said{"POST /v2/models/bfl/flux": {answer, {status: 200, body: `{"result":{"sample":"{{base}}/f"}}`}}, "GET /f": {{status: 200, body: "made"}}})
		spec, req := Spec{Type: "recipe", Recipe: r, Model: "bfl/flux"}, generate.Request{Call: generate.Call{Key: "c-1"}}
		_, f := s.generate(t, spec, req)
		wantFailure(t, f, order.Wait, order.CodeBusy, order.ChargePending)
		if f.After != 7*time.Second {
			t.Errorf("it waits %s", f.After)
		}
		req.Call.Resumed = true
		if files, f := s.generate(t, spec, req); f != nil || files[0] != "made" {
			t.Errorf("got %q, %v", files, f)
		}
		for _, h := range s.requests("POST /v2/models/bfl/flux") {
			if h.header.Get("Idempotency-Key") != "c-1" {
				t.Errorf("the key of the call is %q", h.header.Get("Idempotency-Key"))
			}
		}
	}
}

func TestAccountStopsAreNotRateLimits(t *testing.T) {
	t.Parallel()
	text := plainRecipe + "[errors]\ncode = \"code\"\nok = [0]\ncredit = [1101]\nrate = [1302]\nkey = [1002]\noutage = [5001]\nwrong = [1201]\nreason = \"message\"\n"
	for body, want := range map[string]struct {
		class  order.Class
		code   order.Code
		charge order.Charge
	}{
		`{"code":1101,"message":"in arrears"}`: {order.Hold, order.CodeNoCredit, order.ChargeNone},
		`{"code":1302}`:                        {order.Wait, order.CodeProviderRateLimited, order.ChargeNone},
		`{"code":"1002"}`:                      {order.Hold, order.CodeProviderKeyRefused, order.ChargeNone},
		`{"code":5001}`:                        {order.Retry, order.CodeOutage, order.ChargeNone},
		`{"code":1201}`:                        {order.Hold, order.CodeProviderRejected, order.ChargeNone},
		`{"code":9999,"message":"new"}`:        {order.Hold, order.CodeBadAnswer, order.ChargeUnknown},
	} {
		for _, status := range []int{429, 200} {
			if status == 429 && strings.Contains(body, "9999") {
				continue // the status counts
			}
			s := script(t, map[string][]said{"POST /jobs": {{status: status, body: body}}})
			_, f := s.generate(t, parsed(t, text), generate.Request{})
			wantFailure(t, f, want.class, want.code, want.charge)
		}
	}
}

func TestARecipeReadsReasonsCostsAndTheBalance(t *testing.T) {
	t.Parallel()
	const more = "[errors]\ncode = \"error.code\"\nrefused = [\"*sensitive*\"]\n[probe]\npath = \"/account\"\nbalance = \"credit\"\n"
	text := strings.Replace(plainRecipe, "failed =", "reason = \"error.message\"\nfailed =", 1) + more
	for name, test := range map[string]struct {
		body   string
		class  order.Class
		code   order.Code
		reason string
		cost   order.USD
	}{
		"a failed job that cost something":     {`{"status":"failed","cents":2,"error":{"code":"X","message":"no worker"}}`, order.Retry, order.CodeProviderFailed, "no worker", 20_000},
		"a failed job whose code is a refusal": {`{"status":"failed","error":{"code":"OutputVideoSensitiveContent","message":"a face"}}`, order.Fail, order.CodeRefused, "a face", 0},
	} {
		s := script(t, map[string][]said{"GET /jobs/j1": {{status: 200, body: test.body}}})
		_, f := s.resumed(t, parsed(t, text), "j1")
		wantFailure(t, f, test.class, test.code, order.ChargeFull)
		if !strings.Contains(f.Error(), test.reason) || f.Cost != test.cost {
			t.Errorf("%s: got %v, cost %s", name, f, f.Cost)
		}
	}
	for body, code := range map[string]order.Code{`{"credit":"12.5"}`: "", `{"credit":0}`: order.CodeNoCredit, `{}`: ""} {
		s := script(t, map[string][]said{"GET /account": {{status: 200, body: body}}})
		f, _ := errors.AsType[*order.Failure](s.provider(t, parsed(t, text)).Check(t.Context()))
		if (f == nil) != (code == "") || f != nil && f.Code != code {
			t.Errorf("a check that answers %s: %v", body, f)
		}
	}
}

func TestTheIDOfACutAnswerIsKept(t *testing.T) {
	t.Parallel()
	s := script(t, map[string][]said{
		"POST /jobs":   {{status: 200, body: `{"ID":"j1","status":"sta`}},
		"GET /jobs/j1": {{status: 200, body: `{"status":"done","url":"{{base}}/f"}`}},
		"GET /f":       {{status: 200, body: "made"}},
	})
	if files, f := s.generate(t, parsed(t, plainRecipe), generate.Request{}); f != nil || files[0] != "made" {
		t.Errorf("got %q, %v", files, f)
	}
}

// The first answer says that the job is done, and only the result what became of each
// picture.
func TestAResultSaysThatItIsRefusedOrFailed(t *testing.T) {
	t.Parallel()
	r, err := recipe.Open("stable-horde")
	if err != nil {
		t.Fatal(err)
	}
	const ok, censored, faulted = `{"img":"{{base}}/f","state":"ok"}`, `{"img":"{{base}}/x","state":"censored"}`, `{"img":"","state":"faulted"}`
	for pictures, want := range map[string]struct {
		class order.Class
		code  order.Code
	}{
		censored:                  {order.Fail, order.CodeRefused},
		censored + "," + censored: {order.Fail, order.CodeRefused},
		faulted:                   {order.Retry, order.CodeProviderFailed},
		ok + "," + censored:       {},
		ok + "," + faulted:        {},
	} {
		s := script(t, map[string][]said{
			"GET /generate/check/j1":  {{status: 200, body: `{"done":true,"faulted":false}`}},
			"GET /generate/status/j1": {{status: 200, body: `{"done":true,"generations":[` + pictures + `]}`}},
			"GET /f":                  {{status: 200, body: "made"}},
		})
		files, f := s.resumed(t, Spec{Type: "recipe", Recipe: r, Model: "m"}, "j1")
		if want.code != "" {
			wantFailure(t, f, want.class, want.code, order.ChargeFull)
		} else if f != nil || len(files) != 1 || files[0] != "made" {
			t.Errorf("%s: got %q, %v", pictures, files, f)
		}
	}
}

// A path of a new recipe may be wrong, and only the answer shows it.
func TestAFieldOfTheRecipeThatFindsNothingIsNamed(t *testing.T) {
	t.Parallel()
	submitted, text := said{status: 200, body: `{"id":"j1"}`}, plainRecipe+"[errors]\nreason = \"fault.text\"\n"
	for want, says := range map[string]struct{ submit, poll said }{
		"submit.job":                     {submit: said{status: 200, body: `{"ticket":"j1"}`}},
		"section poll":                   {submitted, said{status: 200, body: `{"state":"done"}`}},
		"result.files finds nothing":     {submitted, said{status: 200, body: `{"status":"done","link":"https://example.com/f"}`}},
		"result.files finds no link":     {submitted, said{status: 200, body: `{"status":"done","url":"f.png"}`}},
		"the provider answered 400: why": {submit: said{status: 400, body: `{"fault":{"text":"why"}}`}},
	} {
		s := script(t, map[string][]said{"POST /jobs": {says.submit}, "GET /jobs/j1": {says.poll}})
		if _, f := s.generate(t, parsed(t, text), generate.Request{}); f == nil || !strings.Contains(f.Error(), want) {
			t.Errorf("got %v, want %s", f, want)
		}
	}
}
