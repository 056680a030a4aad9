package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// Message is one message of an order.
type Message struct {
	ID      string    `json:"id"`
	From    string    `json:"sender_type"` // client or provider
	Content string    `json:"content"`
	At      time.Time `json:"created_at"`
}

func (s *Server) addMessage(o *order, from, content string, now time.Time) Message {
	m := Message{ID: s.id("msg", now), From: from, Content: content, At: now}
	o.Messages = append(o.Messages, m)
	return m
}

// clientWrites adds a message of the client and notifies the agent.
func (s *Server) clientWrites(o *order, text string, at time.Time) {
	s.addMessage(o, "client", text, at)
	s.notify(o, "order.message", map[string]any{"content": text})
}

func (s *Server) messageRow(o *order, m Message) map[string]any {
	sh := s.shaper(m.ID)
	row := map[string]any{
		"id": m.ID, "order_id": o.ID, "sender_type": m.From,
		"content": m.Content, "created_at": sh.time(m.At),
	}
	sh.extra(row)
	return row
}

// threadPage is how many messages of a thread are listed: the oldest. The others are in
// no answer.
const threadPage = 50

func (s *Server) listMessages(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	rows := []any{}
	shown := o.Messages
	if !s.opts.Guide {
		shown = shown[:min(len(shown), threadPage)]
	}
	for _, m := range shown {
		rows = append(rows, s.messageRow(o, m))
	}
	return ok(rows)
}

func (s *Server) postMessage(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	in.form.require("content")
	content := in.form.text("content", 1, 2000)
	open := []string{"paid", "in_progress", "delivered", "completed", "disputed", "revision_requested"}
	switch {
	case in.form.problem != "":
		return refuse(http.StatusBadRequest, "%s", in.form.problem)
	case !slices.Contains(open, o.Status):
		return refuse(http.StatusBadRequest, "Messages are not available in status %s", o.Status)
	}
	o.countPiece(content, in.now)
	return ok(s.messageRow(o, s.addMessage(o, "provider", content, in.now)))
}
