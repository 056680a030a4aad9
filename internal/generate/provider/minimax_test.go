package provider

import (
	"fmt"
	"slices"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

var minimaxSpec = Spec{Type: "minimax", Model: "MiniMax-Hailuo-02", Params: map[string]any{"duration": 6}}

const (
	minimaxSubmit = "POST /v1/video_generation"
	minimaxTask   = "GET /v1/query/video_generation?task_id=106"
	minimaxFile   = "GET /v1/files/retrieve?file_id=17684"
)

// coded is an answer of status 200 with its own code.
func coded(code int, fields string) said {
	return said{status: 200, body: fmt.Sprintf(`{%s"base_resp":{"status_code":%d,"status_msg":"message"}}`, fields, code)}
}

func TestMiniMaxReadsIDsAsNumbersOrTexts(t *testing.T) {
	t.Parallel()
	for _, quote := range []string{"", `"`} {
		s := script(t, map[string][]said{
			minimaxSubmit: {coded(0, `"task_id":`+quote+"106"+quote+",")},
			minimaxTask: {
				coded(0, `"status":"Preparing",`), coded(0, `"status":"Queueing",`), coded(0, `"status":"Processing",`),
				coded(0, `"status":"Success","file_id":`+quote+"17684"+quote+","),
			},
			minimaxFile: {coded(0, `"file":{"file_id":17684,"download_url":"{{base}}/f"},`)},
			"GET /f":    {{status: 200, body: "made"}},
		})
		files, f := s.generate(t, minimaxSpec, generate.Request{References: pictures(t, 1)})
		if f != nil || !slices.Equal(files, []string{"made"}) {
			t.Fatalf("quoted by %q: got %q, %v", quote, files, f)
		}
		sent := s.requests(minimaxSubmit)[0].body
		if sent["first_frame_image"] != pictureURI || sent["duration"] != 6.0 || sent["model"] != "MiniMax-Hailuo-02" {
			t.Errorf("sent %v", sent)
		}
	}
}

func TestMiniMaxCodesAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code     int
		class    order.Class
		word     order.Code
		spending order.Charge
	}{
		{1026, order.Fail, order.CodeRefused, order.ChargeNone},
		{1027, order.Fail, order.CodeRefused, order.ChargeNone},
		{1002, order.Wait, order.CodeProviderRateLimited, order.ChargeNone},
		{1004, order.Hold, order.CodeProviderKeyRefused, order.ChargeNone},
		{2049, order.Hold, order.CodeProviderKeyRefused, order.ChargeNone},
		{1008, order.Hold, order.CodeNoCredit, order.ChargeNone},
		{2013, order.Hold, order.CodeProviderRejected, order.ChargeNone},
		{1000, order.Retry, order.CodeOutage, order.ChargeNone},
		{1001, order.Retry, order.CodeOutage, order.ChargeUnknown},
		{1041, order.Wait, order.CodeProviderRateLimited, order.ChargeNone},
		{2056, order.Wait, order.CodeProviderRateLimited, order.ChargeNone},
		{2061, order.Hold, order.CodeProviderNotFound, order.ChargeNone},
		{1028, order.Hold, order.CodeNoCredit, order.ChargeNone},
		{9999, order.Retry, order.CodeProviderFailed, order.ChargeFull}, // unknown
		{0, order.Hold, order.CodeBadAnswer, order.ChargeUnknown},       // without a task
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.code), func(t *testing.T) {
			t.Parallel()
			s := script(t, map[string][]said{minimaxSubmit: {coded(test.code, `"task_id":"",`)}})
			_, f := s.generate(t, minimaxSpec, generate.Request{})
			wantFailure(t, f, test.class, test.word, test.spending)
		})
	}
}

func TestMiniMaxDistinguishesAFailedTaskFromAFailedPoll(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		answer   said
		class    order.Class
		code     order.Code
		spending order.Charge
	}{
		{"a task refused", coded(1027, `"status":"Fail",`), order.Fail, order.CodeRefused, order.ChargeFull},
		{"a task that failed", coded(0, `"status":"Fail",`), order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{"a task that failed by its input", coded(2013, `"status":"Fail",`), order.Retry, order.CodeProviderFailed, order.ChargeFull},
		{"a task without a file", coded(0, `"status":"Success","file_id":"",`), order.Wait, order.CodeNotVisible, order.ChargePending},
		{"a question too many", coded(1002, ""), order.Wait, order.CodeProviderRateLimited, order.ChargePending},
		{"a question that failed", coded(1000, ""), order.Retry, order.CodeOutage, order.ChargePending},
		{"a question with a bad key", coded(1004, ""), order.Hold, order.CodeProviderKeyRefused, order.ChargePending},
		{"a task that is gone", said{status: 404}, order.Wait, order.CodeExpired, order.ChargePending},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := script(t, map[string][]said{minimaxTask: {test.answer}})
			_, f := s.resumed(t, minimaxSpec, "106")
			wantFailure(t, f, test.class, test.code, test.spending)
		})
	}
}

func TestMiniMaxChecksTheKeyWithAnUnknownTask(t *testing.T) {
	t.Parallel()
	for code, alive := range map[int]bool{0: true, 2013: true, 1004: false, 2049: false} {
		s := script(t, map[string][]said{"GET /v1/query/video_generation?task_id=0": {coded(code, "")}})
		if err := s.provider(t, minimaxSpec).Check(t.Context()); (err == nil) != alive {
			t.Errorf("%d: got %v, want alive %v", code, err, alive)
		}
	}
}
