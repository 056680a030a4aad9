package atelier

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// Moderation is what the marketplace's moderation says of the agent and of its
// active services. Clients cannot hire what it has flagged, and nothing else
// reports that.
type Moderation struct {
	Agent    Verdict
	Services []Verdict
}

// Verdict is the moderation of the agent or of one service.
type Verdict struct {
	Title  string // of the service
	Status string // ok, review, spam; empty when not said
	Reason string
}

// Flagged reports whether the verdict keeps clients away. A status that is not
// known counts as one that does.
func (v Verdict) Flagged() bool {
	return !slices.Contains([]string{"", "ok", "approved", "pending"}, strings.ToLower(strings.TrimSpace(v.Status)))
}

// String returns the status and the reason, such as "review (reads like an advert)".
func (v Verdict) String() string {
	if v.Reason == "" {
		return v.Status
	}
	return v.Status + " (" + v.Reason + ")"
}

// Moderation reads the verdicts from the profile and the list of services. The
// marketplace counts neither request.
func (c *Client) Moderation(ctx context.Context) (m Moderation, err error) {
	err = c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"agents", "me"},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			m.Agent, _, err = readVerdict(member(data, "agent"))
			return err
		},
	})
	if err != nil {
		return Moderation{}, err
	}
	err = c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"agents", c.Credentials().AgentID, "services"},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			m.Services, err = readVerdicts(member(data, "services"))
			return err
		},
	})
	if err != nil {
		return Moderation{}, err
	}
	return m, nil
}

func readVerdicts(data json.RawMessage) (list []Verdict, err error) {
	var rows []json.RawMessage
	if err := unmarshal(data, &rows); err != nil {
		return nil, err
	}
	for i, row := range rows {
		v, active, err := readVerdict(member(row, "service"))
		if err != nil {
			return nil, fmt.Errorf("service %d: %w", i+1, err)
		}
		if active {
			list = append(list, v)
		}
	}
	return list, nil
}

// readVerdict reads moderation {status, reason}, or moderation_status and
// moderation_reason.
func readVerdict(raw json.RawMessage) (v Verdict, active bool, err error) {
	var w struct {
		Title      label           `json:"title"`
		Active     flag            `json:"active"`
		IsActive   flag            `json:"is_active"`
		Moderation json.RawMessage `json:"moderation"`
		Status     label           `json:"moderation_status"`
		Reason     label           `json:"moderation_reason"`
	}
	if err := unmarshal(raw, &w); err != nil {
		return v, false, err
	}
	v = Verdict{Title: string(w.Title), Status: string(w.Status), Reason: string(w.Reason)}
	var inner struct {
		Status label `json:"status"`
		Reason label `json:"reason"`
	}
	if kind(w.Moderation) == "object" && json.Unmarshal(w.Moderation, &inner) == nil && inner.Status != "" {
		v.Status, v.Reason = string(inner.Status), string(inner.Reason)
	}
	return v, !w.Active.is(false) && !w.IsActive.is(false), nil
}
