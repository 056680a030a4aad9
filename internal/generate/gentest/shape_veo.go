package gentest

import (
	"io"
	"net/http"
	"strings"
)

// veo is Google's API of videos. Its operations are found by a name with slashes, and a
// file is at an address that wants the key and redirects.
var veo = shape{
	jobs: true, wordless: true, forgets: true, reference: "base64", download: ":download?alt=media",
	part: byPath("/v1beta/models/paint-1/operations/"),
	signed: func(r *http.Request, _ []byte, key string) bool {
		return r.Header.Get("X-Goog-Api-Key") == key
	},
	serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
		id, file := strings.CutPrefix(r.URL.Path, "/files/")
		if id, keyed := strings.CutSuffix(id, ":download"); file && keyed {
			if !f.shape.signed(r, nil, f.key) {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			http.Redirect(w, r, "http://"+FakeHost+"/files/"+id, http.StatusFound)
			return
		}
		operations(f, w, r)
	},
	unseen: []string{`{"name":"models/paint-1/operations/job-1","done":true}`, `{"name":"models/paint-1/operations/job-1","done":true,"response":{"generateVideoResponse":{"generatedSamples":[]}}}`},
	refusals: []refusal{
		{Poll, 200, nil, `{"name":"x","done":true,"response":{"generateVideoResponse":{"raiMediaFilteredCount":1,"raiMediaFilteredReasons":["We could not show the face of a known person."]}}}`},
		{Poll, 200, nil, `{"name":"x","done":true,"response":{"generateVideoResponse":{"raiMediaFilteredReasons":["Audio was filtered."],"generatedSamples":[]}}}`},
		{Poll, 200, nil, `{"name":"x","done":true,"error":{"code":3,"message":"The prompt contains words that violate the usage guidelines."}}`},
		{Submit, 400, nil, `{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The prompt contains words that violate the usage guidelines."}}`},
	},
	failures: []failure{
		{refusal: refusal{Poll, 200, nil, `{"name":"x","done":true,"error":{"code":13,"message":"internal error"}}`}, means: "failed"},
		{refusal: refusal{Poll, 200, nil, `{"name":"x","done":true,"error":{"code":3,"message":"durationSeconds must be 4, 6 or 8"}}`}, means: "failed"},
		{refusal: refusal{Submit, 429, nil, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota"}}`}, means: "rate"},
		{refusal: refusal{Submit, 429, nil, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Your prepayment credits are depleted"}}`}, means: "credit"},
		{refusal: refusal{Submit, 400, nil, `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`}, means: "key"},
		{refusal: refusal{Poll, 503, nil, `{"error":{"code":503,"status":"UNAVAILABLE"}}`}, means: "outage"},
	},
}

// operations answers requests about operations, files and models.
func operations(f *Fake, w http.ResponseWriter, r *http.Request) {
	withJobs(func(_ *Fake, w http.ResponseWriter, r *http.Request, j *job) {
		switch {
		case j == nil:
			say(w, http.StatusOK, fields{"name": "models/paint-1", "supportedGenerationMethods": []string{"predictLongRunning"}})
		case r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, ":predictLongRunning"):
			w.WriteHeader(http.StatusNotFound)
		case j.done():
			say(w, http.StatusOK, fields{"name": "models/paint-1/operations/" + j.id, "done": true, "response": fields{
				"@type":                 "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse",
				"generateVideoResponse": fields{"generatedSamples": []any{fields{"video": fields{"uri": j.link() + f.shape.download}}}},
			}})
		default:
			io.WriteString(w, `{"name":"models/paint-1/operations/`+j.id+`"}`)
		}
	}, lastOf)(f, w, r)
}
