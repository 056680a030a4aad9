package mcp

import (
	"encoding/json"
	"regexp"
	"strings"

	"atelierd/internal/term"
)

// A kind says how an agent is shown the values of a field.
type kind int

const (
	// word is atelierd's own: a state, a code, a time, an amount.
	word kind = iota + 1
	// ident is a word if it looks like an id, and said otherwise.
	ident
	// said is short foreign text, and told is long. Hints are said too, because a hint
	// may contain the name of a provider's file.
	said
	told
	// given is JSON of somebody else, shown as text.
	given
	// part is an object or a list whose fields are looked up here again.
	part
	// counts is an object with numbers under names.
	counts
)

// The most characters of a value.
const (
	maxWord = 200
	maxSaid = 600
	maxTold = 6000
)

// fields are the fields that an agent is shown, by the names that they have in the JSON of
// the commands. What is not in this table is not shown: paths, addresses, wallets, and
// whatever a later version adds until somebody decides about it.
var fields = map[string]kind{
	// the daemon and the marketplace
	"daemon": part, "running": word, "version": word, "stopping": word, "silent": word, "stuck": word, "crashed": word, "why": said,
	"polls": part, "answered": word, "reached": word, "next": word, "kept": word, "limit": word, "error": told,
	"agent": part, "visible": word, "flagged": word, "read_at": word, "listings": part, "listed": word, "differ": word, "missing": word,
	"generators": part, "paused_since": word, "disk": part, "free_bytes": word, "low": word, "days_left": word,
	"backup": part, "last": word, "failed": said, "oldest_waiting": part, "due_soon": part, "orders_waiting": counts,
	"requests": part, "used": word, "refused": word, "ends_at": word, "calls": part, "call": word, "blocked_until": word, "unknown": word,
	"services": part, "paused_by_owner": part, "paused": part, "until": word, "delisted": word, "profile_differs": said,
	"spending": part, "today_usd": word, "cap_usd": word, "cap_reached": word, "waiting_orders": word, "work": part,
	"progress": said, "usual_seconds": word, "attention": part,
	// everywhere
	"what": word, "id": ident, "state": word, "code": word, "reason": said, "hint": said, "since": word, "name": said, "title": said,
	"kind": word, "round": word, "stage": word, "attempt": word, "by": word, "at": word, "text": told, "note": said, "tries": word,
	// orders
	"orders": counts, "order": part, "order_id": ident, "remote_status": word, "job_state": word, "run_at": word, "job_code": word, "job_reason": said,
	"service": said, "service_title": said, "price_usd": word, "fee_usd": word, "brief": told, "brief_english": told, "brief_spec": given,
	"rating": word, "review": told, "requirement_answers": given, "reference_urls": said, "reference_images": said,
	"created_at": word, "seen_at": word, "due_at": word, "delivered_at": word, "review_deadline": word, "completed_at": word, "missing_at": word,
	"window_ends_at": word, "files_removed_at": word, "attempts_removed_at": word, "texts_removed_at": word, "quota_total": word, "quota_used": word,
	"expected": word, "expected_unknown": said, "cost_usd": word,
	"jobs": part, "files": part, "takes": part, "attempts": part, "deliveries": part, "redeliveries": part, "quote": part, "pieces": part, "thread": part, "timeline": part,
	"take": word, "instructions": told, "from_these": word, "opened_at": word, "media_type": word, "mime": word, "bytes": word, "width": word, "height": word,
	"sha256": word, "removed_at": word, "outcome": word, "log": told, "started_at": word, "finished_at": word, "looks": word, "generator": said,
	"began_at": word, "sent_at": word, "settled_at": word, "source": word, "number": word, "request": told, "sent": word,
	"messages": part, "outbox": part, "party": word, "sender": said, "in_thread": word, "next_read_at": word, "n": word,
	// earnings
	"rows": part, "total": part, "not_completed_cost_usd": word, "samples_cost_usd": word, "unpaid_orders": ident, "unpaid_usd": word, "payouts_known": word,
	"in_review_orders": word, "in_review_usd": word, "to_approve_orders": word, "time_zone": word, "key": said, "gross_usd": word, "net_usd": word,
	"paid_usd": word, "profit_usd": word, "other_cost_usd": word, "lost_usd": word, "spent_usd": word, "rated_orders": word,
	"assistant": part, "all_cost_usd": word, "assistant_cost_usd": word, "rounds_with": part, "rounds_without": part,
	"delivered_rounds": word, "sent_back_rounds": word, "sent_back_percent": word,
}

// identifier is a text that can be nothing but an id.
var identifier = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,64}$`)

// object is an answer, or a part of one.
type object map[string]any

// shown returns what an agent is shown of a value. Secrets that should not be there anyway
// are replaced before a text is cut.
func (s *Server) shown(v any) (any, error) {
	data, err := encode(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(s.o.Redact(string(data))))
	dec.UseNumber()
	var decoded any
	if err := dec.Decode(&decoded); err != nil {
		return nil, err
	}
	return show(part, decoded), nil
}

// show returns a value as its kind is shown; nil if it is empty or not shown.
func show(k kind, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		if k == given {
			return quote(v)
		}
		list := []any{}
		for _, e := range v {
			if e := show(k, e); e != nil {
				list = append(list, e)
			}
		}
		return list
	case map[string]any:
		return showObject(k, v)
	case string:
		return showText(k, v)
	}
	return v // a number, true or false
}

func showObject(k kind, v map[string]any) any {
	switch k {
	case given, said:
		return quote(v)
	case part, counts:
	default:
		return nil
	}
	o := object{}
	for name, value := range v {
		kind := fields[name]
		if _, isNumber := value.(json.Number); k == counts && isNumber {
			kind, name = word, term.Line(brackets.Replace(name), maxWord)
		}
		if kind == 0 {
			continue
		}
		if shown := show(kind, value); shown != nil {
			o[name] = shown
		}
	}
	return o
}

func showText(k kind, text string) any {
	switch {
	case text == "":
		return nil
	case k == word, k == ident && identifier.MatchString(text):
		return term.Line(brackets.Replace(text), maxWord)
	case k == told:
		return cut(text, maxTold)
	case k == part, k == counts:
		return nil
	}
	return cut(text, maxSaid)
}

// quote returns JSON of somebody else as a foreign text.
func quote(v any) any {
	data, err := encode(v)
	if err != nil || strings.Trim(string(data), "{}[]") == "" {
		return nil
	}
	return cut(string(data), maxTold)
}
