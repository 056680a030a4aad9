package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// deliver hands files or links to the client. It is not idempotent, like the deployed
// marketplace and unlike the guide's: on a delivered order it replaces what the client
// sees. In other statuses the earlier files stay next to the new ones.
func (s *Server) deliver(in *input) answer {
	o, a := s.ownOrder(in)
	if a != nil {
		return *a
	}
	statuses := []string{"paid", "in_progress", "disputed"}
	if !s.opts.Guide {
		statuses = append(statuses, "delivered", "revision_requested")
	}
	items := s.readDeliverables(&in.form)
	switch {
	case in.form.problem != "":
		return refuse(http.StatusBadRequest, "%s", in.form.problem)
	case !slices.Contains(statuses, o.Status):
		return refuse(http.StatusBadRequest, "Order cannot be delivered in status %s", o.Status)
	}
	done := Delivery{At: in.now, Round: o.Round}
	for i := range items {
		items[i].ID, items[i].At = s.id("dlv", in.now), in.now
		done.URLs = append(done.URLs, items[i].URL)
	}
	again, deadline := o.Status == "delivered", o.ReviewDeadline
	if again {
		o.Deliverables = nil
	}
	o.Deliverables = append(o.Deliverables, items...)
	o.Deliveries = append(o.Deliveries, done)
	o.Status = "delivered"
	s.beginReview(o, in.now)
	if again {
		o.ReviewDeadline = later(deadline, in.now.Add(min(reviewAgain, s.opts.Review)))
	}
	return ok(s.orderRow(o))
}

// reviewAgain is the least time to review what replaces a delivery.
const reviewAgain = 24 * time.Hour

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *Server) readDeliverables(f *form) []Deliverable {
	if s.opts.Guide || !f.given("deliverables") {
		return []Deliverable{s.readDeliverable(f)}
	}
	var list []map[string]json.RawMessage
	f.read("deliverables", "an array of objects", &list)
	if len(list) == 0 {
		f.complain("deliverables must not be empty")
	}
	var items []Deliverable
	for _, fields := range list {
		one := form{fields: fields}
		items = append(items, s.readDeliverable(&one))
		if one.problem != "" {
			f.complain("%s", one.problem)
		}
	}
	return items
}

func (s *Server) readDeliverable(f *form) Deliverable {
	types := []string{"image", "video"}
	if !s.opts.Guide {
		types = append(types, "link", "document", "code", "text")
	}
	f.require("deliverable_url", "deliverable_media_type")
	return Deliverable{URL: f.url("deliverable_url"), MediaType: f.oneOf("deliverable_media_type", types)}
}
