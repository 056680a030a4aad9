package sandbox

import (
	"encoding/json"
	"net/http"
	"time"
)

// Service is a service of an agent.
type Service struct {
	ID              string   `json:"id"`
	AgentID         string   `json:"agent_id"`
	Category        string   `json:"category"`
	Title           string   `json:"title"`
	Description     string   `json:"description"`
	PriceUSD        string   `json:"price_usd"`
	PriceType       string   `json:"price_type"`
	TurnaroundHours int      `json:"turnaround_hours"`
	Deliverables    []string `json:"deliverables"`
	DemoURL         string   `json:"demo_url"`
	QuotaLimit      int      `json:"quota_limit"`
	// MaxRevisions is the number of revisions in the price. RequirementFields are
	// questions to the client.
	MaxRevisions      int             `json:"max_revisions"`
	RequirementFields json.RawMessage `json:"requirement_fields,omitempty"`

	Moderation string    `json:"moderation_status"` // ok, review or spam
	Active     bool      `json:"active"`            // false after deletion
	CreatedAt  time.Time `json:"created_at"`
}

type service struct{ Service }

func (s *Server) readService(f *form, v *service) {
	set(f, "category", &v.Category, f.oneOf("category", s.capabilities()))
	if s.opts.Guide {
		set(f, "title", &v.Title, f.text("title", 3, 100))
		set(f, "description", &v.Description, f.text("description", 10, 1000))
	} else {
		set(f, "title", &v.Title, f.title("title"))
		set(f, "description", &v.Description, f.listing("description", 40, 1000))
	}
	set(f, "price_usd", &v.PriceUSD, f.price("price_usd", 0))
	set(f, "price_type", &v.PriceType, f.oneOf("price_type", []string{"fixed", "quote", "weekly", "monthly"}))
	set(f, "turnaround_hours", &v.TurnaroundHours, f.whole("turnaround_hours", 1))
	set(f, "deliverables", &v.Deliverables, f.list("deliverables"))
	set(f, "demo_url", &v.DemoURL, f.url("demo_url"))
	set(f, "quota_limit", &v.QuotaLimit, f.whole("quota_limit", 0))
	if micros, _ := parseUSD(v.PriceUSD); micros == 0 && v.PriceType != "quote" {
		f.complain("price_usd must be positive unless the price is quoted for each order")
	}
	if v.PriceType == "quote" || v.PriceType == "fixed" && s.opts.Guide {
		v.QuotaLimit = 0 // ignored
	}
	if s.opts.Guide {
		return
	}
	set(f, "max_revisions", &v.MaxRevisions, f.whole("max_revisions", 0))
	if v.MaxRevisions > 10 {
		f.complain("max_revisions must be 0-10")
	}
	var fields []map[string]any
	if f.read("requirement_fields", "an array of objects", &fields) {
		v.RequirementFields = f.fields["requirement_fields"]
	}
}

func (s *Server) createService(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	f := &in.form
	f.require("category", "title", "description", "price_usd", "price_type")
	v := &service{Service{AgentID: in.agent.ID, TurnaroundHours: 48, MaxRevisions: revisionsByDefault, Moderation: moderationOK, Active: true, CreatedAt: in.now}}
	s.readService(f, v)
	if f.problem != "" {
		return refuse(http.StatusBadRequest, "%s", f.problem)
	}
	v.ID = s.id("svc", in.now)
	s.services = append(s.services, v)
	return created(s.serviceRow(v))
}

func (s *Server) serviceRow(v *service) map[string]any {
	sh := s.shaper(v.ID)
	out := map[string]any{
		"id": v.ID, "agent_id": v.AgentID, "category": v.Category, "title": v.Title,
		"description": v.Description, "price_usd": v.PriceUSD, "price_type": v.PriceType,
		"turnaround_hours": v.TurnaroundHours, "deliverables": sh.list(v.Deliverables),
		"demo_url": orNull(v.DemoURL), "quota_limit": v.QuotaLimit,
		"active": sh.flag(v.Active), "created_at": sh.time(v.CreatedAt),
	}
	if !s.opts.Guide {
		out["moderation_status"] = v.Moderation
		out["max_revisions"], out["requirement_fields"] = v.MaxRevisions, sh.value(v.RequirementFields)
	}
	sh.extra(out)
	return out
}

func (s *Server) listServices(in *input) answer {
	if a := foreignAgent(in); a != nil {
		return *a
	}
	rows := []any{}
	for _, v := range s.services {
		if v.AgentID == in.agent.ID && v.Active {
			rows = append(rows, s.serviceRow(v))
		}
	}
	return ok(rows)
}

// ownService returns the service of the path if it belongs to the agent.
func (s *Server) ownService(in *input) (*service, *answer) {
	a := refuse(http.StatusNotFound, "Service not found")
	for _, v := range s.services {
		if v.ID != in.r.PathValue("service") {
			continue
		}
		if v.AgentID == in.agent.ID {
			return v, nil
		}
		a = refuse(http.StatusForbidden, "This service does not belong to your agent")
	}
	return nil, &a
}

func (s *Server) changeService(in *input) answer {
	v, a := s.ownService(in)
	if a != nil {
		return *a
	}
	changed := *v
	s.readService(&in.form, &changed)
	if in.form.problem != "" {
		return refuse(http.StatusBadRequest, "%s", in.form.problem)
	}
	if (in.form.given("title") || in.form.given("description")) && changed.Moderation == moderationReview {
		changed.Moderation = moderationOK
	}
	*v = changed
	return ok(s.serviceRow(v))
}

func (s *Server) deleteService(in *input) answer {
	v, a := s.ownService(in)
	if a != nil {
		return *a
	}
	v.Active = false
	return ok(map[string]any{"id": v.ID})
}

// Services returns all services with the deleted ones, oldest first.
func (s *Server) Services() []Service {
	s.lock()
	defer s.mu.Unlock()
	list := make([]Service, 0, len(s.services))
	for _, v := range s.services {
		list = append(list, v.Service)
	}
	return list
}
