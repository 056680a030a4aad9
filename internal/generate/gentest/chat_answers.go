package gentest

import (
	"io"
	"maps"
	"net/http"
)

// This file has the answers of a Chat that are none, or not only one. They follow the
// published descriptions of OpenAI, OpenRouter, LiteLLM and of servers behind a proxy.

// ChatRefusal answers with the model's refusal, which is not in the content.
func ChatRefusal(why string) http.HandlerFunc {
	return ChatAnswer("stop", fields{"content": nil, "refusal": why})
}

// ChatTruncated answers with the beginning of a text, because max_tokens was reached.
func ChatTruncated(text string) http.HandlerFunc {
	return ChatAnswer("length", fields{"content": text})
}

// ChatTools answers with a call of a tool that nobody has offered, next to a text or, if that
// is empty, in place of one.
func ChatTools(text string) http.HandlerFunc {
	message := fields{"content": nil, "tool_calls": []any{fields{
		"id": "call_1", "type": "function", "function": fields{"name": "approve_order", "arguments": `{"order":"another"}`},
	}}}
	if text != "" {
		message["content"] = text
	}
	return ChatAnswer("tool_calls", message)
}

// ChatError answers with an error although the status is 200, as a router does whose
// upstream fails.
func ChatError(code any, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, fields{"error": fields{"code": code, "message": message}})
	}
}

// ChatFailed answers with a choice that has ended in an error.
func ChatFailed(code any, message string) http.HandlerFunc {
	return chatChoices(fields{
		"index": 0, "finish_reason": "error", "message": fields{"role": "assistant", "content": ""},
		"error": fields{"code": code, "message": message},
	})
}

// ChatEmpty answers without any choice.
func ChatEmpty() http.HandlerFunc { return chatChoices() }

func chatChoices(choices ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, fields{"id": "chatcmpl-1", "object": "chat.completion", "choices": append([]any{}, choices...)})
	}
}

// ChatPage answers with a page of a proxy.
func ChatPage(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Welcome</title></head><body>nginx</body></html>")
	}
}

// ChatStreamed answers with a stream that nobody has asked for, and cuts it off before its
// end if it is told to.
func ChatStreamed(end StreamEnd) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"{\"text\":"},"finish_reason":null}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		if end == StreamCut {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "data: [DONE]\n\n")
	}
}

// StreamEnd is how a stream ends.
type StreamEnd int

// The ends of a stream.
const (
	StreamDone StreamEnd = iota
	StreamCut
)

// ChatCounted answers with a text and what a server says that it has used: some count no
// tokens, and some name what it has cost.
func ChatCounted(text string, usage map[string]any, header map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		body := fields{"id": "chatcmpl-1", "object": "chat.completion", "choices": []any{
			fields{"index": 0, "message": fields{"role": "assistant", "content": text}, "finish_reason": "stop"},
		}}
		if usage != nil {
			body["usage"] = maps.Clone(usage)
		}
		say(w, http.StatusOK, body)
	}
}
