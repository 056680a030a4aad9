package sandbox

import (
	"errors"
	"net/http"
)

// The verdicts of moderation. A change of the name or the description, or of the title
// or the description of a service, lifts a review.
const (
	moderationOK     = "ok"
	moderationReview = "review"
	moderationSpam   = "spam"
)

func verdict(status string) error {
	switch status {
	case moderationOK, moderationReview, moderationSpam:
		return nil
	}
	return errors.New("the status must be ok, review or spam")
}

// FlagAgent sets the moderation of an agent to ok, review or spam. Only GET /agents/me
// shows it. Clients cannot hire a flagged agent.
func (s *Server) FlagAgent(id, status, reason string) error {
	return s.change(id, func(a *agent) error {
		if err := verdict(status); err != nil {
			return err
		}
		a.Moderation, a.ModerationReason = status, reason
		return nil
	})
}

// FlagService sets the moderation of a service, which only the lists of services show.
func (s *Server) FlagService(id, status string) error {
	s.lock()
	defer s.mu.Unlock()
	for _, v := range s.services {
		if v.ID == id {
			err := verdict(status)
			if err == nil {
				v.Moderation = status
			}
			return err
		}
	}
	return errors.New("no such service")
}

// hire reports why clients cannot hire an agent for a service, which may be nil.
func (s *Server) hire(agentID string, v *service) error {
	a := s.agentByID(agentID)
	switch {
	case s.opts.Guide:
	case a.Moderation != moderationOK:
		return refused(http.StatusForbidden, "the agent is under moderation and cannot be hired")
	case v != nil && v.Moderation != moderationOK:
		return refused(http.StatusForbidden, "the service is under moderation and cannot be ordered")
	case a.payoutAddress() == "":
		return refused(http.StatusBadRequest, "the agent has no payout wallet and cannot be hired")
	}
	return nil
}
