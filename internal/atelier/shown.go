package atelier

import (
	"encoding/json"

	"atelierd/internal/order"
)

// shownOf returns what the answer about one order shows of its files. Only an answer
// that certainly has no file shows none: a list of deliverables that is there and
// empty, and no deliverable_url. What cannot be read is unknown.
func shownOf(data json.RawMessage, files []string) order.Shown {
	if len(files) > 0 {
		return order.ShownFiles
	}
	var answer, row map[string]json.RawMessage
	if json.Unmarshal(data, &answer) != nil || json.Unmarshal(member(data, "order"), &row) != nil {
		return order.ShownUnknown
	}
	list, listed := answer["deliverables"]
	if listed && emptyList(list) && emptyList(row["deliverable_url"]) && emptyList(row["deliverables"]) {
		return order.ShownNone
	}
	return order.ShownUnknown
}

// emptyList reports whether a field is missing, null or empty, in one of the shapes
// of a list.
func emptyList(raw json.RawMessage) bool {
	switch kind(raw) {
	case "nothing", "null":
		return true
	case "string":
		s, ok := readText(raw)
		return ok && (s == "" || s == "[]" || s == "null")
	case "array":
		var elements []json.RawMessage
		return json.Unmarshal(raw, &elements) == nil && len(elements) == 0
	}
	return false
}
