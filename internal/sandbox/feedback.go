package sandbox

import (
	"errors"
	"time"
)

// Channel is how a client sends a delivery back, or rather where the feedback is then.
// The zero value is the web page, which also writes it as a message at once.
type Channel struct {
	// API is a client of the SDK or MCP: the feedback is in the webhook and nowhere
	// else.
	API bool
	// After is when the web page writes the message.
	After time.Duration
}

// Dispute sends a delivery back with a reason, by the web page or by the channel.
func (s *Server) Dispute(id, reason string, by ...Channel) error {
	return s.act(id, []string{"delivered"}, func(o *order, now time.Time) error {
		o.Status, o.Reason = "disputed", reason
		o.Round++
		s.notify(o, "order.disputed", map[string]any{"reason": reason})
		if !s.opts.Guide {
			s.writeLater(o, reason, now, by)
		}
		return nil
	})
}

// RequestRevision sends a delivery back with feedback, by the web page or by the
// channel.
func (s *Server) RequestRevision(id, feedback string, by ...Channel) error {
	if s.opts.Guide {
		return errors.New("the marketplace of the guide has no revisions")
	}
	return s.act(id, []string{"delivered"}, func(o *order, now time.Time) error {
		o.Status = "revision_requested"
		o.Round++
		o.Revisions++
		s.notify(o, "order.revision_requested", map[string]any{
			"feedback": feedback, "revision_count": o.Revisions,
			"max_revisions": o.MaxRevisions, "is_extra": o.Revisions > o.MaxRevisions,
		})
		s.writeLater(o, feedback, now, by)
		return nil
	})
}

// writeLater has the web page write feedback as a message, unless the client acts
// through the API or says nothing.
func (s *Server) writeLater(o *order, text string, now time.Time, by []Channel) {
	var c Channel
	if len(by) > 0 {
		c = by[0]
	}
	switch {
	case c.API || text == "":
	case c.After <= 0:
		s.clientWrites(o, text, now)
	default:
		o.page = append(o.page, Message{Content: text, At: now.Add(c.After)})
	}
}

// Rate reviews a delivered or completed order with 1 to 5 stars.
func (s *Server) Rate(id string, rating int, text string) error {
	return s.act(id, []string{"delivered", "completed"}, func(o *order, _ time.Time) error {
		if s.opts.Guide || rating < 1 || rating > 5 {
			return errors.New("a rating is from 1 to 5, on the deployed marketplace")
		}
		o.Rating, o.RatingText = rating, text
		return nil
	})
}
