package gentest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// shape is one provider's API.
type shape struct {
	jobs  bool // a call returns the id of a job, which is polled
	again bool // a call may be made again under the same key
	keyed bool // a call carries an idempotency key
	bare  bool // the body of a 200 is the file itself
	links bool // the answer to a call holds links
	// wordless: it does not name the state of a job.
	wordless bool
	// download is added to the address of a file: that address wants the key, and redirects
	// to the file.
	download string
	// fresh are headers whose value is new in each request.
	fresh []string
	// signed reports whether the request carries the key as the provider demands.
	signed func(r *http.Request, body []byte, key string) bool
	part   func(r *http.Request) Part
	serve  func(f *Fake, w http.ResponseWriter, r *http.Request)
	// cancels returns the job that a request is to cancel, "" for none of those that are
	// known, and whether it is such a request. It is nil where no job can be cancelled.
	cancels func(f *Fake, r *http.Request) (id string, ok bool)
	// refusals are its answers to content that it refuses.
	refusals []refusal
	// failures are its other answers that report an error.
	failures []failure
	// forgets: it answers 404 to a job that it forgot.
	forgets bool
	// unseen are its answers to a poll of a job that is done and whose result is not
	// visible yet.
	unseen []string
	// progress are its answers to a poll that say how far the job is.
	progress []progress
	// more are scenarios of its own.
	more []scenario
	// beside are its answers to the call that have other files next to the result, such
	// as an overview or what it saw on the way. They are not for the client.
	beside []func(*job) any
	// reference is how it gets a client's picture: base64, multipart, upload or
	// link.
	reference string
}

// refusal is one way in which a provider refuses.
type refusal struct {
	part   Part
	status int
	header http.Header
	body   string
}

// failure is an answer that reports an error. means is the name of the error.
type failure struct {
	refusal
	means string
	free  bool
}

// progress is an answer about a job that runs, at an address that ends in a text, and what
// it means.
type progress struct {
	at     string
	status int
	body   string
	means  order.Progress
}

func bearer(r *http.Request, _ []byte, key string) bool {
	return r.Header.Get("Authorization") == "Bearer "+key
}

func password(r *http.Request, _ []byte, key string) bool {
	name, given, ok := r.BasicAuth()
	return ok && name == remoteUser && given == key
}

// byPath returns the parts of most providers: a POST is the call, a path with one
// of the prefixes is a poll, and files have their own.
func byPath(polls ...string) func(*http.Request) Part {
	return func(r *http.Request) Part {
		switch {
		case strings.HasPrefix(r.URL.Path, "/files/"), strings.HasPrefix(r.URL.Path, "/view"):
			return Fetch
		case r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/upload/"):
			return Submit
		}
		for _, p := range polls {
			if strings.HasPrefix(r.URL.Path, p) {
				return Poll
			}
		}
		return Other
	}
}

// withJobs serves a provider of jobs. show answers with a job, which is nil if it is
// not known.
func withJobs(show func(f *Fake, w http.ResponseWriter, r *http.Request, j *job), id func(r *http.Request) string) func(*Fake, http.ResponseWriter, *http.Request) {
	part := byPath("/")
	return func(f *Fake, w http.ResponseWriter, r *http.Request) {
		switch part(r) {
		case Fetch:
			j := f.find(last(r.URL.Path))
			if j == nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Write(j.file())
		case Submit:
			show(f, w, r, f.begin(""))
		default:
			j := f.find(id(r))
			if j == nil && f.shape.part(r) == Poll {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			show(f, w, r, j)
		}
	}
}

func lastOf(r *http.Request) string { return last(r.URL.Path) }

// pick returns yes when the job is done, else no.
func pick(j *job, yes, no string) string {
	if j.done() {
		return yes
	}
	return no
}

var shapes = map[string]shape{
	"openai": {
		signed: bearer, part: byPath(), reference: "multipart",
		serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				say(w, http.StatusOK, fields{"data": []any{fields{"id": "gpt-image-1"}}})
				return
			}
			say(w, http.StatusOK, fields{"created": 1, "data": []any{fields{"b64_json": f.begin("").base64()}}})
		},
		refusals: []refusal{
			{Submit, 400, nil, `{"error":{"code":"moderation_blocked","message":"your request was rejected","type":"image_generation_user_error"}}`},
			{Submit, 400, nil, `{"error":{"code":"content_policy_violation","message":"no"}}`},
			{Submit, 200, nil, `{"data":[]}`}, // xAI, which has two more
			{Submit, 403, nil, `{"code":"The caller does not have permission","error":"Content violates usage guidelines."}`},
			{Submit, 400, nil, `{"code":"imagine:content-moderated","error":"Generated image rejected by content moderation."}`},
		},
	},
	"gemini": {
		part: byPath(), reference: "base64",
		signed: func(r *http.Request, _ []byte, key string) bool { return r.Header.Get("X-Goog-Api-Key") == key },
		serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				say(w, http.StatusOK, fields{"name": "models/gemini"})
				return
			}
			say(w, http.StatusOK, fields{"candidates": []any{
				fields{"finishReason": "STOP", "content": fields{"parts": []any{fields{"text": "here it is"}}}},
				fields{"finishReason": "STOP", "content": fields{"parts": []any{fields{"inlineData": fields{"mimeType": "image/png", "data": f.begin("").base64()}}}}},
			}})
		},
		refusals: append(finished("SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "RECITATION"),
			refusal{Submit, 200, nil, `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`}),
	},
	"veo": veo,
	"replicate": {
		jobs: true, signed: bearer, part: byPath("/v1/predictions/"), forgets: true, reference: "base64",
		cancels: cancelAt(http.MethodPost, "/v1/predictions/", "/cancel"),
		serve: withJobs(func(f *Fake, w http.ResponseWriter, r *http.Request, j *job) {
			if j == nil { // a model, for a probe
				say(w, http.StatusOK, fields{"name": "flux"})
				return
			}
			answer := fields{"id": j.id, "status": pick(j, "succeeded", "processing"), "urls": fields{"get": "https://api.replicate.com/v1/predictions/" + j.id}}
			if j.done() {
				answer["output"] = []string{j.link()}
			}
			say(w, http.StatusCreated, answer)
		}, lastOf),
		progress: []progress{
			{"", 200, `{"id":"job-1","status":"starting","logs":""}`, order.Progress{Phase: order.PhaseQueued}},
			{"", 200, `{"id":"job-1","status":"processing","logs":"loading: 100%|####| 4/4\n  0%|    | 0/20\r 45%|##  | 9/20 [00:01<00:01]"}`, order.Progress{Phase: order.PhaseMaking, Fraction: 0.45}},
		},
		unseen:   []string{`{"id":"job-1","status":"succeeded","output":null}`, `{"id":"job-1","status":"succeeded"}`},
		refusals: []refusal{{Poll, 200, nil, `{"id":"job-1","status":"failed","error":"NSFW content detected. Try another prompt."}`}},
	},
	"fal": {
		jobs: true, part: byPath("/fal-ai/flux/requests/"), forgets: true, reference: "base64",
		cancels: cancelAt(http.MethodPut, "/fal-ai/flux/requests/", "/cancel"),
		signed: func(r *http.Request, _ []byte, key string) bool {
			return r.Header.Get("Authorization") == "Key "+key && r.Header.Get("X-Fal-No-Retry") == "1"
		},
		serve: withJobs(func(f *Fake, w http.ResponseWriter, r *http.Request, j *job) {
			base := "https://queue.fal.run/fal-ai/flux/requests/" + j.id
			switch {
			case r.Method == http.MethodPost:
				say(w, http.StatusOK, fields{"request_id": j.id, "status_url": base + "/status", "response_url": base, "cancel_url": base + "/cancel"})
			case strings.HasSuffix(r.URL.Path, "/status"):
				say(w, http.StatusOK, fields{"status": pick(j, "COMPLETED", "IN_PROGRESS"), "request_id": j.id})
			default:
				say(w, http.StatusOK, fields{"images": []any{fields{"url": j.link(), "content_type": "image/png"}}})
			}
		}, func(r *http.Request) string { return last(strings.TrimSuffix(r.URL.Path, "/status")) }),
		progress: []progress{
			{"/status", 202, `{"status":"IN_QUEUE","queue_position":2}`, order.Progress{Phase: order.PhaseQueued, Queue: 3}},
			{"/status", 202, `{"status":"IN_PROGRESS","logs":[{"message":"seed 7"},{"message":" 60%|###  | 6/10"}]}`, order.Progress{Phase: order.PhaseMaking, Fraction: 0.6}},
		},
		unseen: []string{`{"status":"COMPLETED","images":null}`},
		refusals: []refusal{
			{Submit, 422, nil, `{"detail":[{"type":"content_policy_violation","msg":"flagged"}]}`},
			{Submit, 400, http.Header{"X-Fal-Error-Type": {"content_policy_violation"}}, `{"detail":"flagged"}`},
		},
	},
	"luma": {
		jobs: true, signed: bearer, part: byPath("/dream-machine/v1/generations/"), forgets: true, reference: "link",
		serve: withJobs(func(f *Fake, w http.ResponseWriter, r *http.Request, j *job) {
			switch {
			case j == nil:
				say(w, http.StatusOK, fields{"credit_balance": 100})
				return
			case r.Method == http.MethodPost && !slices.Contains([]string{"image", "video"}, lastOf(r)):
				w.WriteHeader(http.StatusNotFound)
				return
			}
			answer := fields{"id": j.id, "state": pick(j, "completed", "dreaming"), "assets": nil}
			if j.done() {
				answer["assets"] = fields{"image": j.link()}
			}
			say(w, http.StatusCreated, answer)
		}, lastOf),
		progress: []progress{{"", 200, `{"id":"job-1","state":"queued"}`, order.Progress{Phase: order.PhaseQueued}}},
		unseen:   []string{`{"id":"job-1","state":"completed","assets":null}`, `{"id":"job-1","state":"completed","assets":{"image":null}}`},
		refusals: []refusal{{Poll, 200, nil, `{"id":"job-1","state":"failed","failure_reason":"400: prompt not allowed because advanced moderation failed"}`}},
	},
	"minimax": {
		jobs: true, signed: bearer, part: byPath("/v1/query/", "/v1/files/retrieve"), forgets: true, reference: "base64",
		serve: withJobs(func(f *Fake, w http.ResponseWriter, r *http.Request, j *job) {
			fine := fields{"status_code": 0, "status_msg": "success"}
			switch {
			case j == nil:
				say(w, http.StatusOK, fields{"base_resp": fields{"status_code": 2013, "status_msg": "invalid params"}})
			case r.Method == http.MethodPost:
				say(w, http.StatusOK, fields{"task_id": j.id, "base_resp": fine})
			case strings.HasPrefix(r.URL.Path, "/v1/files/"):
				say(w, http.StatusOK, fields{"file": fields{"file_id": 7, "download_url": j.link()}, "base_resp": fine})
			case j.done():
				say(w, http.StatusOK, fields{"task_id": j.id, "status": "Success", "file_id": j.id, "base_resp": fine})
			default:
				say(w, http.StatusOK, fields{"task_id": j.id, "status": "Queueing", "base_resp": fine})
			}
		}, func(r *http.Request) string { return r.URL.Query().Get("task_id") + r.URL.Query().Get("file_id") }),
		progress: []progress{{"/query/video_generation", 200, `{"task_id":"job-1","status":"Preparing","base_resp":{"status_code":0}}`, order.Progress{Phase: order.PhaseQueued}}},
		unseen: []string{
			`{"task_id":"job-1","status":"Success","file_id":"","base_resp":{"status_code":0}}`,
			`{"task_id":"job-1","status":"Success","base_resp":{"status_code":0}}`,
		},
		refusals: []refusal{
			{Submit, 200, nil, `{"task_id":"","base_resp":{"status_code":1026,"status_msg":"new sensitive content"}}`},
			{Poll, 200, nil, `{"status":"Fail","base_resp":{"status_code":1027,"status_msg":"sensitive output"}}`},
		},
	},
	"http": {
		jobs: true, again: true, keyed: true, bare: true, part: byPath("/jobs/"), forgets: true, reference: "base64",
		signed: func(r *http.Request, body []byte, key string) bool {
			stamp, mac, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Atelierd-Signature"), "t="), ",v1=")
			sum := hmac.New(sha256.New, []byte(key))
			sum.Write([]byte(stamp + "."))
			sum.Write(body)
			return mac == hex.EncodeToString(sum.Sum(nil))
		},
		serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
			j := f.find(last(r.URL.Path))
			switch {
			case r.Method == http.MethodPost:
				j = f.begin(r.Header.Get("Idempotency-Key"))
				w.Header().Set("Location", "/jobs/"+j.id)
				w.WriteHeader(http.StatusAccepted)
			case !strings.HasPrefix(r.URL.Path, "/jobs/"):
				w.WriteHeader(http.StatusMethodNotAllowed)
			case j == nil:
				w.WriteHeader(http.StatusNotFound)
			case j.done():
				w.Header().Set("Content-Type", "image/png")
				w.Write(j.file())
			default:
				w.WriteHeader(http.StatusAccepted)
			}
		},
		progress: []progress{
			{"", 202, `{"progress":0.4}`, order.Progress{Phase: order.PhaseMaking, Fraction: 0.4}},
			{"", 202, `{"progress":"NaN"}`, order.Progress{Phase: order.PhaseMaking}},
		},
		refusals: []refusal{
			{Submit, 422, nil, `{"refused":true,"reason":"not my style"}`},
			{Poll, 422, nil, `{"refused":true,"reason":"not my style"}`},
		},
	},
	"comfyui": {
		signed: password, jobs: true, again: true, part: byPath("/history/", "/queue"), reference: "upload", cancels: comfyCancel,
		progress: []progress{
			{"/queue", 200, `{"queue_running":[[1,"another"]],"queue_pending":[[9,"x"],[7,"11111111-2222-4333-8444-555555555555"],[3,"y"],[5,"z"]]}`, order.Progress{Phase: order.PhaseQueued, Queue: 3}},
			{"/queue", 200, `{"queue_running":[[7,"11111111-2222-4333-8444-555555555555"]],"queue_pending":[]}`, order.Progress{Phase: order.PhaseMaking}},
		},
		serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
			switch path := r.URL.Path; {
			case path == "/prompt":
				id, _ := wire(r)["prompt_id"].(string)
				j := f.begin("") // it would run the same id twice
				j.id = id
				say(w, http.StatusOK, fields{"prompt_id": id, "number": 1, "node_errors": fields{}})
			case path == "/queue":
				running, waiting := [][]any{}, [][]any{}
				for _, j := range f.jobs {
					entry := []any{1, j.id, fields{}}
					switch {
					case j.waits:
						waiting = append(waiting, entry)
					case !j.done():
						running = append(running, entry)
					}
				}
				say(w, http.StatusOK, fields{"queue_running": running, "queue_pending": waiting})
			case strings.HasPrefix(path, "/history/"):
				j := f.find(last(path))
				if j == nil || !j.done() {
					say(w, http.StatusOK, fields{})
					return
				}
				say(w, http.StatusOK, fields{j.id: fields{
					"status":  fields{"status_str": "success", "completed": true},
					"outputs": fields{"9": fields{"images": []any{fields{"filename": j.id, "subfolder": "", "type": "output"}}}},
				}})
			case path == "/view":
				j := f.find(r.URL.Query().Get("filename"))
				if j == nil {
					w.WriteHeader(http.StatusNotFound)
					return
				}
				w.Write(j.file())
			case strings.HasPrefix(path, "/object_info/"):
				say(w, http.StatusOK, fields{last(path): fields{"input": fields{}}})
			case path == "/upload/image":
				say(w, http.StatusOK, fields{"name": "reference.png", "subfolder": "", "type": "input"})
			default:
				say(w, http.StatusOK, fields{"system": fields{}})
			}
		},
	},
	"a1111": {
		signed: password, again: true, part: byPath(), reference: "base64",
		serve: func(f *Fake, w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				say(w, http.StatusOK, []any{fields{"title": "v1-5 [abc]", "model_name": "v1-5"}})
				return
			}
			say(w, http.StatusOK, fields{"images": []string{f.begin("").base64()}, "info": "{}"})
		},
		beside: []func(*job) any{
			func(j *job) any { // ControlNet appends its map
				return fields{"images": []string{j.base64(), aside}, "info": `{"index_of_first_image":0,"all_seeds":[1]}`}
			},
			func(j *job) any {
				return fields{"images": []string{aside, j.base64(), aside}, "info": fields{"index_of_first_image": 1, "all_seeds": []int{1}}}
			},
		},
	},
}

// finished returns Gemini's answers that end because of the content.
func finished(reasons ...string) (list []refusal) {
	for _, r := range reasons {
		list = append(list, refusal{Submit, 200, nil, `{"candidates":[{"finishReason":"` + r + `","content":{"parts":[]}}]}`})
	}
	return list
}
