package atelier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"atelierd/internal/order"
)

// Service is a service that the agent offers.
type Service struct {
	ID              string // set by the marketplace
	Category        string
	Title           string
	Description     string
	Price           order.USD
	PriceType       string   // fixed, quote, weekly or monthly
	TurnaroundHours int      // 0 if not set
	Deliverables    []string // nil if not set
	DemoURL         string
	// QuotaLimit is the number of pieces in a weekly or monthly window. 0 means no
	// limit, nil not set.
	QuotaLimit *int
	// MaxRevisions is how often a client may send work back; nil not said.
	MaxRevisions *int
	// Questions is nil when not said, and else may be empty.
	Questions []Question
	// Active is false once the service is deleted; nil when not said.
	Active *bool
}

type wireService struct {
	ID              label     `json:"id"`
	Category        label     `json:"category"`
	Title           label     `json:"title"`
	Description     label     `json:"description"`
	PriceUSD        money     `json:"price_usd"`
	PriceType       label     `json:"price_type"`
	TurnaroundHours count     `json:"turnaround_hours"`
	Deliverables    links     `json:"deliverables"`
	DemoURL         label     `json:"demo_url"`
	QuotaLimit      count     `json:"quota_limit"`
	MaxRevisions    count     `json:"max_revisions"`
	Questions       questions `json:"requirement_fields"`
	Active          flag      `json:"active"`
	IsActive        flag      `json:"is_active"`
}

func (w wireService) service() Service {
	s := Service{
		ID: string(w.ID), Category: string(w.Category), Title: string(w.Title), Description: string(w.Description),
		PriceType: string(w.PriceType), Deliverables: w.Deliverables, DemoURL: string(w.DemoURL),
		QuotaLimit: w.QuotaLimit.n, MaxRevisions: w.MaxRevisions.n, Active: w.Active.on,
	}
	if w.Questions.said {
		s.Questions = append([]Question{}, w.Questions.list...)
	}
	if w.PriceUSD.usd != nil {
		s.Price = *w.PriceUSD.usd
	}
	if w.TurnaroundHours.n != nil {
		s.TurnaroundHours = *w.TurnaroundHours.n
	}
	if s.Active == nil {
		s.Active = w.IsActive.on
	}
	return s
}

// body is the service as the marketplace accepts it, without the fields that are not
// set.
func (s Service) body() any {
	return struct {
		Category        string     `json:"category,omitempty"`
		Title           string     `json:"title,omitempty"`
		Description     string     `json:"description,omitempty"`
		PriceUSD        string     `json:"price_usd"`
		PriceType       string     `json:"price_type,omitempty"`
		TurnaroundHours int        `json:"turnaround_hours,omitempty"`
		Deliverables    []string   `json:"deliverables,omitempty"`
		DemoURL         string     `json:"demo_url,omitempty"`
		QuotaLimit      *int       `json:"quota_limit,omitempty"`
		MaxRevisions    *int       `json:"max_revisions,omitempty"`
		Questions       []Question `json:"requirement_fields,omitempty"`
	}{
		s.Category, s.Title, s.Description, s.Price.String(), s.PriceType, s.TurnaroundHours, s.Deliverables,
		s.DemoURL, s.QuotaLimit, s.MaxRevisions, s.Questions,
	}
}

// Services lists the agent's services. An entry without an id is an error, because a
// service that is missing from the list would be created again.
func (c *Client) Services(ctx context.Context) ([]Service, error) {
	var services []Service
	err := c.do(ctx, request{
		call: order.RequestRead, method: http.MethodGet, timeout: c.Timeout,
		path: []string{"agents", c.Credentials().AgentID, "services"},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			var rows []json.RawMessage
			if err := unmarshal(member(data, "services"), &rows); err != nil {
				return err
			}
			for i, row := range rows {
				s, err := readService(row)
				if err != nil {
					return fmt.Errorf("service %d: %w", i+1, err)
				}
				services = append(services, s)
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return services, nil
}

func readService(raw json.RawMessage) (Service, error) {
	var w wireService
	if err := unmarshal(member(raw, "service"), &w); err != nil {
		return Service{}, err
	}
	if checkID(string(w.ID)) != nil {
		return Service{}, errors.New("it has no id")
	}
	return w.service(), nil
}

// CreateService lists a service at the marketplace and returns it with its id. It is
// not idempotent: after an unknown outcome, call Services first.
func (c *Client) CreateService(ctx context.Context, s Service) (Service, error) {
	var created Service
	r := request{
		call: order.RequestService, method: http.MethodPost, timeout: c.Timeout,
		path: []string{"agents", c.Credentials().AgentID, "services"},
		read: func(body io.Reader) error {
			data, err := readData(body, answerLimit)
			if err != nil {
				return err
			}
			created, err = readService(data)
			return err
		},
	}
	return created, c.send(ctx, r, s.body())
}

// ServicePatch is a change of a service. Nil fields stay as they are.
type ServicePatch struct {
	Category        *string     `json:"category,omitempty"`
	Title           *string     `json:"title,omitempty"`
	Description     *string     `json:"description,omitempty"`
	PriceUSD        *string     `json:"price_usd,omitempty"` // like 5.00
	PriceType       *string     `json:"price_type,omitempty"`
	TurnaroundHours *int        `json:"turnaround_hours,omitempty"`
	Deliverables    *[]string   `json:"deliverables,omitempty"`
	DemoURL         *string     `json:"demo_url,omitempty"`
	QuotaLimit      *int        `json:"quota_limit,omitempty"`
	MaxRevisions    *int        `json:"max_revisions,omitempty"`
	Questions       *[]Question `json:"requirement_fields,omitempty"`
}

// UpdateService changes the fields that the patch sets, in the service with the id.
func (c *Client) UpdateService(ctx context.Context, id string, patch ServicePatch) error {
	r := request{
		call: order.RequestService, method: http.MethodPatch, timeout: c.Timeout,
		path: []string{"services", id}, read: nothing,
	}
	return c.send(ctx, r, patch)
}

// DeleteService removes a service from the marketplace. Its orders stay.
func (c *Client) DeleteService(ctx context.Context, id string) error {
	return c.do(ctx, request{
		call: order.RequestService, method: http.MethodDelete, timeout: c.Timeout,
		path: []string{"services", id},
		// Any 2xx is a success: an answer to DELETE often has no body.
		read: func(body io.Reader) error {
			if _, err := readData(body, answerLimit); err != nil {
				if no, ok := errors.AsType[*refusal](err); ok {
					return no
				}
			}
			return nil
		},
	})
}
