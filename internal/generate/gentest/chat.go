package gentest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Chat is a server of the chat completions API as an http.Handler. It is written from the
// published description and not from the client.
type Chat struct {
	key string

	mu       sync.Mutex
	paid     int
	requests []ChatRequest
	next     []http.HandlerFunc
	says     func(ChatRequest) string
}

// ChatRequest is a question that a Chat got.
type ChatRequest struct {
	Header http.Header
	// Task is the system message, Text what the user message says, and Pictures the data
	// URLs in it.
	Task, Text string
	Pictures   []string
	Schema     string // its name
	// Fields are the fields that the schema asks for, each with its own.
	Fields    map[string]any
	MaxTokens int
}

// NewChat returns a server that demands the key unless it is empty. says is what its model
// answers to a question.
func NewChat(key string, says func(ChatRequest) string) *Chat { return &Chat{key: key, says: says} }

// Next has the next questions answered by the handlers, one each.
func (c *Chat) Next(h ...http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = append(c.next, h...)
}

// Paid returns how many questions the model has worked on.
func (c *Chat) Paid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paid
}

// Requests returns the questions so far, answered or not.
func (c *Chat) Requests() []ChatRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]ChatRequest(nil), c.requests...)
}

// ServeHTTP implements http.Handler.
func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case c.key != "" && r.Header.Get("Authorization") != "Bearer "+c.key:
		say(w, http.StatusUnauthorized, fields{"error": fields{"message": "Incorrect API key provided", "code": "invalid_api_key"}})
	case r.Method == http.MethodGet && r.URL.Path == "/v1/models":
		say(w, http.StatusOK, fields{"object": "list", "data": []any{fields{"id": "model", "object": "model"}}})
	case r.Method == http.MethodPost && r.URL.Path == "/v1/chat/completions":
		c.complete(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (c *Chat) complete(w http.ResponseWriter, r *http.Request) {
	req, wrong := readChat(r)
	if wrong != "" {
		say(w, http.StatusBadRequest, fields{"error": fields{"message": wrong, "type": "invalid_request_error"}})
		return
	}
	c.mu.Lock()
	c.requests = append(c.requests, req)
	answer := func(w http.ResponseWriter, _ *http.Request) { ChatText(c.says(req))(w, r) }
	if len(c.next) > 0 {
		answer, c.next = c.next[0], c.next[1:]
	}
	c.mu.Unlock()
	counted := &paidWriter{ResponseWriter: w}
	defer func() {
		if counted.ok {
			c.mu.Lock()
			c.paid++
			c.mu.Unlock()
		}
	}()
	answer(counted, r)
}

// paidWriter notes whether the answer is one that the model has worked for.
type paidWriter struct {
	http.ResponseWriter
	began, ok bool
}

func (w *paidWriter) WriteHeader(status int) {
	w.began, w.ok = true, w.ok || status == http.StatusOK
	w.ResponseWriter.WriteHeader(status)
}

func (w *paidWriter) Write(p []byte) (int, error) {
	w.ok = w.ok || !w.began
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *paidWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readChat reads a question. wrong says what the published description does not allow.
func readChat(r *http.Request) (req ChatRequest, wrong string) {
	var wire struct {
		Model    string `json:"model"`
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		MaxTokens int             `json:"max_tokens"`
		Stream    bool            `json:"stream"`
		Tools     json.RawMessage `json:"tools"`
		Format    struct {
			Type   string `json:"type"`
			Schema struct {
				Name   string         `json:"name"`
				Strict bool           `json:"strict"`
				Schema map[string]any `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&wire); {
	case err != nil:
		return req, "the body is no question: " + err.Error()
	case wire.Model == "" || len(wire.Messages) != 2 || wire.Messages[0].Role != "system" || wire.Messages[1].Role != "user":
		return req, "it needs a model, a system message and a user message"
	case wire.Stream || wire.Tools != nil:
		return req, "it wants a stream, or has tools"
	case wire.Format.Type != "json_schema" || wire.Format.Schema.Name == "" || !wire.Format.Schema.Strict || !strict(wire.Format.Schema.Schema):
		return req, "its response_format is no strict schema"
	}
	req.Header, req.Schema, req.MaxTokens = r.Header, wire.Format.Schema.Name, wire.MaxTokens
	req.Fields, _ = wire.Format.Schema.Schema["properties"].(map[string]any)
	if json.Unmarshal(wire.Messages[0].Content, &req.Task) != nil {
		return req, "the system message is no text"
	}
	if json.Unmarshal(wire.Messages[1].Content, &req.Text) == nil {
		return req, ""
	}
	return req, req.parts(wire.Messages[1].Content)
}

// parts reads a user message of several parts.
func (r *ChatRequest) parts(content json.RawMessage) (wrong string) {
	var parts []struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Image struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return "the user message is neither a text nor a list of parts"
	}
	for _, p := range parts {
		switch {
		case p.Type == "text":
			r.Text += p.Text
		case p.Type == "image_url" && strings.HasPrefix(p.Image.URL, "data:image/"):
			r.Pictures = append(r.Pictures, p.Image.URL)
		default:
			return "a part of the user message is " + p.Type
		}
	}
	return ""
}

// strict reports whether a schema is what strict ones have to be: each object closed, and
// each of its fields required.
func strict(schema map[string]any) bool {
	if schema["type"] != "object" {
		items, _ := schema["items"].(map[string]any)
		return schema["type"] != nil && (items == nil || strict(items))
	}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	if schema["additionalProperties"] != false || len(required) != len(properties) || len(properties) == 0 {
		return false
	}
	for _, p := range properties {
		inner, _ := p.(map[string]any)
		if !strict(inner) {
			return false
		}
	}
	return true
}

// ChatText answers with a text of the model.
func ChatText(text string) http.HandlerFunc { return ChatAnswer("stop", fields{"content": text}) }

// ChatAnswer answers with a message of the model that ended for a reason. It has counted 1000
// tokens of the question and 100 of the answer.
func ChatAnswer(finish string, message map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		message["role"] = "assistant"
		say(w, http.StatusOK, fields{
			"id": "chatcmpl-1", "object": "chat.completion", "created": 1780000000, "model": "model",
			"choices": []any{fields{"index": 0, "message": message, "finish_reason": finish}},
			"usage":   fields{"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
		})
	}
}

// ChatCut answers with the beginning of an answer, and ends the connection.
func ChatCut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "4096")
	_, _ = io.WriteString(w, `{"id":"chatcmpl-1","choices":[{"index":0,"message":{"role":"assistant","content":"{\"prompt\":`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// ChatLost works on the question and ends the connection without an answer.
func ChatLost(w http.ResponseWriter, _ *http.Request) {
	if p, ok := w.(*paidWriter); ok {
		p.ok = true
	}
	panic(http.ErrAbortHandler)
}

// ChatStatus answers with a status and the error that the description has for it.
func ChatStatus(status int, header map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		say(w, status, fields{"error": fields{"message": fmt.Sprintf("the server says %d", status), "type": "error", "code": nil}})
	}
}
