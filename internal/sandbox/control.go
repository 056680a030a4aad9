package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// route is one call of the client's side.
type route struct {
	pattern string
	handle  func(*http.Request) answer
}

// control returns the client's side over HTTP. It only calls the methods of Server,
// which have all the rules.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.controlRoutes() {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) {
			r.handle(req).write(w)
			_, _ = io.WriteString(w, "\n") // so that the prompt after curl begins a new line
		})
	}
	return mux
}

func (s *Server) controlRoutes() []route {
	return []route{
		{"GET /sandbox/agents", func(*http.Request) answer { return ok(s.Agents()) }},
		{"POST /sandbox/agents", s.controlAddAgent},
		{"POST /sandbox/agents/{agent}/{act}", s.controlAgent},
		{"POST /sandbox/services/{service}/flag", s.controlFlagService},
		{"GET /sandbox/services", func(*http.Request) answer { return ok(s.Services()) }},
		{"GET /sandbox/orders", func(*http.Request) answer { return ok(s.Orders()) }},
		{"POST /sandbox/orders", s.controlPlaceOrder},
		{"GET /sandbox/orders/{order}", s.controlShowOrder},
		{"POST /sandbox/orders/{order}/{act}", s.controlAct},
		{"GET /sandbox/bounties", func(*http.Request) answer { return ok(s.Bounties()) }},
		{"POST /sandbox/bounties", s.controlPostBounty},
		{"POST /sandbox/bounties/{bounty}/{act}", s.controlBounty},
		{"POST /sandbox/rows", s.controlAddRow},
		{"POST /sandbox/down", s.controlDown},
		{"GET /sandbox/requests", func(*http.Request) answer { return ok(s.Requests()) }},
		{"GET /sandbox/files", func(*http.Request) answer { return ok(s.Files()) }},
		{"/sandbox/", func(*http.Request) answer { return noControl() }},
	}
}

func noControl() answer { return refuse(http.StatusNotFound, "the sandbox has no such call") }

func (s *Server) controlAddAgent(r *http.Request) answer {
	var n struct {
		Name string `json:"name"`
		ID   string `json:"agent_id"`
		Key  string `json:"api_key"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	id, key, err := s.AddAgent(n.Name, n.ID, n.Key)
	return done(map[string]any{"agent_id": id, "api_key": key}, err)
}

func (s *Server) controlAgent(r *http.Request) answer {
	var n struct {
		Status   string `json:"status"`
		Reason   string `json:"reason"`
		Lamports int64  `json:"lamports"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	switch id := r.PathValue("agent"); r.PathValue("act") {
	case "key":
		key, err := s.RotateKey(id)
		return done(map[string]any{"api_key": key}, err)
	case "flag":
		return done(nil, s.FlagAgent(id, n.Status, n.Reason))
	case "link_x":
		return done(nil, s.LinkX(id))
	case "fund":
		return done(nil, s.FundAgent(id, n.Lamports))
	}
	return noControl()
}

func (s *Server) controlFlagService(r *http.Request) answer {
	var n struct {
		Status string `json:"status"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	return done(nil, s.FlagService(r.PathValue("service"), n.Status))
}

func (s *Server) controlPlaceOrder(r *http.Request) answer {
	var n NewOrder
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	id, err := s.PlaceOrder(n)
	return done(map[string]any{"id": id}, err)
}

func (s *Server) controlShowOrder(r *http.Request) answer {
	o, found := s.Order(r.PathValue("order"))
	if !found {
		return refuse(http.StatusNotFound, "no such order")
	}
	return ok(o)
}

func (s *Server) controlPostBounty(r *http.Request) answer {
	var n NewBounty
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	id, err := s.PostBounty(n)
	return done(map[string]any{"id": id}, err)
}

func (s *Server) controlAddRow(r *http.Request) answer {
	row, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err == nil {
		err = s.AddRawRow(row)
	}
	return done(nil, err)
}

func (s *Server) controlDown(r *http.Request) answer {
	var n struct {
		Down bool `json:"down"`
	}
	err := readControl(r, &n)
	if err == nil {
		s.SetDown(n.Down)
	}
	return done(nil, err)
}

func (s *Server) controlAct(r *http.Request) answer {
	var n struct {
		Text   string `json:"text"`
		API    bool   `json:"api"`
		After  int    `json:"after_seconds"`
		Rating int    `json:"rating"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	id, by := r.PathValue("order"), Channel{API: n.API, After: time.Duration(n.After) * time.Second}
	switch r.PathValue("act") {
	case "pay":
		return done(nil, s.Pay(id))
	case "approve":
		return done(nil, s.Approve(id))
	case "dispute":
		return done(nil, s.Dispute(id, n.Text, by))
	case "revise":
		return done(nil, s.RequestRevision(id, n.Text, by))
	case "cancel":
		return done(nil, s.Cancel(id))
	case "vanish":
		return done(nil, s.Vanish(id))
	case "reappear":
		return done(nil, s.Reappear(id))
	case "rate":
		return done(nil, s.Rate(id, n.Rating, n.Text))
	case "confirm":
		return done(nil, s.ConfirmPayout(id))
	case "message":
		return done(nil, s.ClientMessage(id, n.Text))
	}
	return noControl()
}

// readControl reads the JSON object of a request. An empty body is an empty object.
func readControl(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil || len(text) == 0 {
		return err
	}
	return json.Unmarshal(text, into)
}

func done(data any, err error) answer {
	if r, is := errors.AsType[*refusal](err); is {
		return refuse(r.status, "%s", err)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	return ok(data)
}
