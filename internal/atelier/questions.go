package atelier

import (
	"encoding/json"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// Question is something that clients answer when they order a service. The answers
// come with the order.
type Question struct {
	Label string
	// Type is text, textarea or select; empty is text.
	Type     string
	Required bool
	Options  []string // for select
}

// Same reports whether two questions are the same to a client.
func (q Question) Same(other Question) bool {
	return order.NormalTitle(q.Label) == order.NormalTitle(other.Label) && q.kind() == other.kind() &&
		q.Required == other.Required && slices.Equal(q.Options, other.Options)
}

func (q Question) kind() string {
	if q.Type == "" {
		return "text"
	}
	return q.Type
}

// String describes the question in a line.
func (q Question) String() string {
	text := q.Label
	if q.kind() != "text" {
		text += " (" + q.kind() + ")"
	}
	if len(q.Options) > 0 {
		text += " [" + strings.Join(q.Options, ", ") + "]"
	}
	if q.Required {
		text += " *"
	}
	return text
}

// MarshalJSON writes the question as the marketplace takes it.
func (q Question) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Label    string   `json:"label"`
		Type     string   `json:"type"`
		Required bool     `json:"required"`
		Options  []string `json:"options,omitempty"`
	}{q.Label, q.kind(), q.Required, q.Options})
}

// questions is a lenient list of questions: an array, null, or an array encoded as a
// JSON string. An element may be a text instead of an object.
type questions struct {
	said bool
	list []Question
}

func (q *questions) UnmarshalJSON(raw []byte) error {
	*q = questions{said: true}
	if kind(raw) == "string" {
		s, _ := readText(raw)
		raw = []byte(s)
	}
	var rows []json.RawMessage
	if json.Unmarshal(raw, &rows) != nil {
		return nil
	}
	for _, row := range rows {
		var w struct {
			Label    label `json:"label"`
			Type     label `json:"type"`
			Required flag  `json:"required"`
			Options  links `json:"options"`
		}
		if kind(row) == "object" {
			if json.Unmarshal(row, &w) != nil {
				continue
			}
		} else if s, ok := readText(row); ok {
			w.Label = label(s)
		}
		if w.Label != "" {
			q.list = append(q.list, Question{string(w.Label), string(w.Type), w.Required.is(true), w.Options})
		}
	}
	return nil
}
