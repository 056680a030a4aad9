package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answer is the response to a request. A negative status closes the connection
// without a response.
type answer struct {
	status int
	header map[string]string
	body   any    // sent as JSON
	plain  string // sent without an envelope when body is nil, as by a gateway
}

func ok(data any) answer {
	return answer{status: http.StatusOK, body: map[string]any{"success": true, "data": data}}
}

func created(data any) answer {
	a := ok(data)
	a.status = http.StatusCreated
	return a
}

// refuse returns an error in the marketplace's form.
func refuse(status int, format string, args ...any) answer {
	return answer{status: status, body: map[string]any{"success": false, "error": fmt.Sprintf(format, args...)}}
}

// refusal is an error of a method for clients, with the status that a client would get.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// Status returns the HTTP status of the refusal.
func (r *refusal) Status() int { return r.status }

func refused(status int, text string) error { return &refusal{status, text} }

// conflict returns a 409 with a short word, the sentence and what to do.
func conflict(word, message, recovery string) answer {
	return answer{
		status: http.StatusConflict,
		body:   map[string]any{"success": false, "error": word, "message": message, "recovery": recovery},
	}
}

// broken returns the answer of a fault: the marketplace's own error, the page of a
// gateway, or none.
func broken(status int) answer {
	switch status {
	case Cut:
		return answer{status: Cut}
	case http.StatusInternalServerError:
		return refuse(status, "Internal server error")
	default:
		text := http.StatusText(status)
		return answer{status: status, plain: "<html><head><title>" + text + "</title></head><body><h1>" + text + "</h1></body></html>\n"}
	}
}

func tooLargeForPlatform() answer {
	return answer{
		status: http.StatusRequestEntityTooLarge,
		plain:  "Request Entity Too Large\n\nFUNCTION_PAYLOAD_TOO_LARGE\n",
	}
}

// write sends the answer. Call it without the lock.
func (a answer) write(w http.ResponseWriter) {
	if a.status < 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.body == nil {
		kind := "text/plain; charset=utf-8"
		if len(a.plain) > 0 && a.plain[0] == '<' {
			kind = "text/html; charset=utf-8"
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.plain)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		// The body comes from the sandbox, so this is a bug.
		panic(fmt.Sprintf("sandbox: cannot encode an answer: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(text)
}
