package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestOpenAIDistinguishesARefusalFromAnOddAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		answer   said
		class    order.Class
		code     order.Code
		spending order.Charge
	}{
		{said{status: 200, body: `{"data":[]}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 200, body: `{"message":"welcome"}`}, order.Hold, order.CodeBadAnswer, order.ChargeUnknown},
		{said{status: 400, body: `{"error":{"code":"moderation_blocked","type":"user_error"}}`}, order.Fail, order.CodeRefused, order.ChargeNone},
		{said{status: 400, body: `{"error":{"code":"400","type":"content_policy_violation"}}`}, order.Fail, order.CodeRefused, order.ChargeNone},
		{said{status: 400, body: `{"error":{"code":"invalid_size"}}`}, order.Hold, order.CodeProviderRejected, order.ChargeNone},
		{said{status: 400, body: `{"error":{"message":"Invalid value for 'moderation'","code":"invalid_value"}}`}, order.Hold, order.CodeProviderRejected, order.ChargeNone},
		{said{status: 400, body: `{"error":{"message":"Your request was rejected by our safety system.","code":null}}`}, order.Fail, order.CodeRefused, order.ChargeNone},
		{said{status: 403, body: `{"code":"The caller does not have permission","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK"}`}, order.Fail, order.CodeRefused, order.ChargeNone},
		{said{status: 400, body: `{"code":"imagine:content-moderated","error":"Generated image rejected by content moderation.","usage":{"cost_in_usd_ticks":900000000}}`}, order.Fail, order.CodeRefused, order.ChargeFull},
		{said{status: 403, body: `{"error":{"message":"this key may not use the model"}}`}, order.Hold, order.CodeProviderKeyRefused, order.ChargeNone},
		{said{status: 429, body: `{"error":{"code":"insufficient_quota"}}`}, order.Hold, order.CodeNoCredit, order.ChargeNone},
		{said{status: 429, body: `{"error":{"type":"insufficient_quota"}}`}, order.Hold, order.CodeNoCredit, order.ChargeNone},
		{said{status: 400, body: `{"error":{"code":"billing_hard_limit_reached"}}`}, order.Hold, order.CodeNoCredit, order.ChargeNone},
		{said{status: 429, body: `{"error":{"code":"rate_limit_exceeded"}}`}, order.Wait, order.CodeProviderRateLimited, order.ChargeNone},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{"POST /images/generations": {test.answer}})
		_, f := s.generate(t, Spec{Type: "openai", Model: "gpt-image-1"}, generate.Request{})
		wantFailure(t, f, test.class, test.code, test.spending)
	}
}

func TestOpenAIReadsTheCostInEachForm(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]order.USD{
		`"usage":{"cost_in_usd_ticks":200000001}`: 20_001, // rounded up to a micro-dollar
		`"usage":{"cost":0.0391}`:                 39_100,
		`"usage":{"cost":-1}`:                     0,
		`"usage":{"cost":1e300}`:                  0,
		`"usage":"much"`:                          0,
		`"usage":{"total_tokens":4160}`:           0,
	} {
		made, f, _ := answered(t, Spec{Type: "openai", Model: "m", Key: key}, 200, `{"data":[{"b64_json":"b25l"}],`+body+`}`)
		if f != nil || made.Cost != want {
			t.Errorf("%s: got %v, %v, want %d", body, made.Cost, f, want)
		}
	}
	if got := openAICost(answer{header: http.Header{"X-Litellm-Response-Cost": {"4e-05"}}}); got != 40 {
		t.Errorf("got %d for the header", got)
	}
}

func TestOpenAISendsAnEditAsJSONOnRequest(t *testing.T) {
	t.Parallel()
	for n, field := range map[int]string{1: "image", 2: "images"} {
		s := script(t, map[string][]said{"POST /images/edits": {{status: 500}}})
		s.generate(t, Spec{Type: "openai", Model: "m", Params: map[string]any{"edits": "json"}}, generate.Request{References: pictures(t, n)})
		sent := s.requests("POST /images/edits")[0].body
		text, _ := json.Marshal(sent[field])
		if strings.Count(string(text), pictureURI) != n || sent["edits"] != nil || len(sent) != 3 {
			t.Errorf("%d: sent %v", n, sent)
		}
	}
}

// Most servers of this API know only the field image.
func TestOpenAINamesTheFieldOfAFormByTheNumberOfPictures(t *testing.T) {
	t.Parallel()
	for n, field := range map[int]string{1: "image", 2: "image[]", 3: "image[]"} {
		body, kind, err := form(map[string]any{"model": "m"}, pictures(t, n))
		if err != nil {
			t.Fatal(err)
		}
		_, options, err := mime.ParseMediaType(kind)
		if err != nil {
			t.Fatal(err)
		}
		got, err := multipart.NewReader(bytes.NewReader(body), options["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.File[field]) != n || len(got.File) != 1 {
			t.Errorf("%d pictures went as %v", n, got.File)
		}
	}
}

func TestOpenAISendsReferencesWithANewPictureWhereNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		input any
		sent  int
		want  any
	}{
		"one":              {"image_url", 2, pictureURI},
		"a list":           {[]any{"ref_images"}, 2, []any{pictureURI, pictureURI}},
		"without pictures": {"image_url", 0, nil},
	} {
		field, many := test.input.(string)
		if !many {
			field = "ref_images"
		}
		s := script(t, map[string][]said{"POST /images/generations": {{status: 500}}})
		s.generate(t, Spec{Type: "openai", Model: "m", Params: map[string]any{"image_input": test.input, "edits": "json"}}, generate.Request{References: pictures(t, test.sent)})
		if s.requests("POST /images/edits") != nil {
			t.Errorf("%s: asked for an edit", name)
		}
		sent := s.requests("POST /images/generations")[0].body
		if !reflect.DeepEqual(sent[field], test.want) || sent["image_input"] != nil || sent["edits"] != nil || sent["model"] != "m" || sent["prompt"] != "a lighthouse" {
			t.Errorf("%s: sent %v", name, sent)
		}
	}
}

func TestAnAnimationIsLeftOut(t *testing.T) {
	t.Parallel()
	list := pictures(t, 2)
	list[0].MIME = "image/gif"
	s := script(t, map[string][]said{"POST /images/generations": {{status: 500}}, "POST /images/edits": {{status: 500}}})
	s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{References: list})
	s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{References: list[:1]})
	if len(s.requests("POST /images/edits")) != 1 || len(s.requests("POST /images/generations")) != 1 {
		t.Errorf("sent %v", s.got)
	}
}

func TestAFormHoldsListsAndTablesAsJSON(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{`["a",1]`: []any{"a", 1}, `{"a":1}`: map[string]any{"a": 1}, "7": 7, "x": "x", "true": true} {
		if got := plain(value); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Not every provider of the images API lists its models.
func TestOpenAIIsReadyWithoutAListOfModels(t *testing.T) {
	t.Parallel()
	for status, alive := range map[int]bool{200: true, 404: true, 405: true, 401: false, 500: false} {
		s := script(t, map[string][]said{"GET /models": {{status: status}}})
		if err := s.provider(t, Spec{Type: "openai", Model: "m"}).Check(t.Context()); (err == nil) != alive {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

func TestOpenAIReportsAnUnknownModel(t *testing.T) {
	t.Parallel()
	gone := said{status: 404, body: `{"error":{"code":"model_not_found","message":"no such model"}}`}
	for name, c := range map[string]struct {
		list string
		one  said
		code order.Code
	}{
		"it is listed":               {`{"data":[{"id":"gpt-image-1"}]}`, gone, ""},
		"it is not there":            {`{"data":[{"id":"dall-e-3"}]}`, gone, order.CodeProviderNotFound},
		"it is there and not listed": {`{"data":[{"id":"dall-e-3"}]}`, said{status: 200, body: `{"id":"gpt-image-1"}`}, ""},
		"the outcome is unknown":     {`{"data":[]}`, said{status: 404, body: "not found"}, ""},
		"another form":               {`[{"id":"x"}]`, said{status: 500}, ""},
	} {
		s := script(t, map[string][]said{"GET /models": {{status: 200, body: c.list}}, "GET /models/gpt-image-1": {c.one}})
		err := s.provider(t, Spec{Type: "openai", Model: "gpt-image-1"}).Check(t.Context())
		f, _ := errors.AsType[*order.Failure](err)
		if (err != nil) != (c.code != "") || f != nil && f.Code != c.code {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The link of a call without a job is fetched again, because no later run could fetch
// what was paid for. In the end the attempt counts.
func TestAFileOfACallWithoutAJobIsFetchedAgain(t *testing.T) {
	t.Parallel()
	answer := said{status: 200, body: `{"data":[{"url":"{{base}}/f"}]}`}
	s := script(t, map[string][]said{"POST /images/generations": {answer}, "GET /f": {{status: 503}, {status: 503}, {status: 200, body: "made"}}})
	files, f := s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
	if f != nil || len(files) != 1 || files[0] != "made" {
		t.Fatalf("got %q, %v", files, f)
	}
	s = script(t, map[string][]said{"POST /images/generations": {answer}, "GET /f": {{status: 503}}})
	_, f = s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
	wantFailure(t, f, order.Retry, order.CodeFetch, order.ChargeUnknown)
	if f.Outage || len(s.requests("GET /f")) != 4 || len(s.requests("POST /images/generations")) != 1 {
		t.Errorf("outage %t after %d tries", f.Outage, len(s.requests("GET /f")))
	}
}

// The same call names the links again, so a result that is not there is waited for. A call
// that cannot be made again has no other link, and its outcome is unknown.
func TestALateLinkIsWaitedForIfTheCallCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	link := `{"data":[{"url":"{{base}}/f"}],"url":"{{base}}/f"}`
	s := script(t, map[string][]said{
		"POST /images/generations": {{status: 200, body: link}},
		"POST /":                   {{status: 200, body: link}},
		"GET /f":                   {{status: 404}},
	})
	_, f := s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Wait, order.CodeExpired, order.ChargePending)
	_, f = s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
	wantFailure(t, f, order.Retry, order.CodeExpired, order.ChargeUnknown)
}

// The hint must not promise a free retry where it is paid for.
func TestAForbiddenLinkIsHeldWithTheCostOfARetry(t *testing.T) {
	t.Parallel()
	link := `{"data":[{"url":"https://10.0.0.1/x"}],"url":"https://10.0.0.1/x"}`
	s := script(t, map[string][]said{
		"POST /images/generations": {{status: 200, body: link}},
		"POST /":                   {{status: 200, body: link, header: map[string]string{"Content-Type": "application/json"}}},
	})
	_, f := s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeNotFetched, order.ChargeFull)
	if !strings.Contains(f.Hint, "retry ORDER` makes another call, which is paid for") {
		t.Errorf("hint %q", f.Hint)
	}
	_, f = s.generate(t, Spec{Type: "http"}, generate.Request{})
	wantFailure(t, f, order.Hold, order.CodeNotFetched, order.ChargePending)
	if !strings.Contains(f.Hint, "retry ORDER` fetches it again") {
		t.Errorf("hint %q", f.Hint)
	}
}

func TestAPictureInADataAddressIsDecoded(t *testing.T) {
	t.Parallel()
	made, f, _ := answered(t, Spec{Type: "openai", Model: "m", Key: key}, 200, `{"data":[{"url":"data:image/png;base64,b25l"}]}`)
	if f != nil || content(t, made)[0] != "one" {
		t.Errorf("got %v, %v", made, f)
	}
}

func TestADataAddressThatCannotBeReadLeavesNoFile(t *testing.T) {
	t.Parallel()
	p, err := New(Spec{Type: "openai", BaseURL: "http://x.test", Model: "m", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = p.saveBlob(t.Context(), nil, blob{link: "data:image/png;base64,@"}, target{filepath.Join(dir, "a"), 1, 1})
	if f, ok := errors.AsType[*order.Failure](err); !ok || f.Code != order.CodeBadAnswer {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestAUselessResultCostsWhatTheProviderReports(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"https://10.0.0.1/x", "{{base}}/empty"} {
		s := script(t, map[string][]said{
			"GET /empty":               {{status: 200}},
			"POST /images/generations": {{status: 200, body: `{"data":[{"url":"` + link + `"}],"usage":{"cost":0.04}}`}},
		})
		_, f := s.generate(t, Spec{Type: "openai", Model: "m"}, generate.Request{})
		if f == nil || f.Cost != 40_000 || f.Charge != order.ChargeFull && f.Charge != order.ChargeUnknown {
			t.Errorf("%s: got %+v", link, f)
		}
	}
}
