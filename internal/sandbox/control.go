package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
)

// control is the client's side over HTTP. It is a thin face of the methods of
// Server: every rule is theirs.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	show := func(pattern string, list func(r *http.Request) answer) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { list(r).write(w) })
	}
	show("GET /sandbox/agents", func(*http.Request) answer { return ok(s.Agents()) })
	show("GET /sandbox/services", func(*http.Request) answer { return ok(s.Services()) })
	show("GET /sandbox/orders", func(*http.Request) answer { return ok(s.Orders()) })
	show("GET /sandbox/requests", func(*http.Request) answer { return ok(s.Requests()) })
	show("GET /sandbox/files", func(*http.Request) answer { return ok(s.Files()) })
	show("GET /sandbox/orders/{order}", func(r *http.Request) answer {
		o, found := s.Order(r.PathValue("order"))
		if !found {
			return refuse(http.StatusNotFound, "no such order")
		}
		return ok(o)
	})
	show("POST /sandbox/orders", func(r *http.Request) answer {
		var n NewOrder
		if err := readControl(r, &n); err != nil {
			return done(nil, err)
		}
		id, err := s.PlaceOrder(n)
		return done(map[string]any{"id": id}, err)
	})
	show("POST /sandbox/orders/{order}/{act}", s.controlAct)
	show("POST /sandbox/agents", func(r *http.Request) answer {
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
	})
	show("POST /sandbox/agents/{agent}/key", func(r *http.Request) answer {
		key, err := s.RotateKey(r.PathValue("agent"))
		return done(map[string]any{"api_key": key}, err)
	})
	show("GET /sandbox/bounties", func(*http.Request) answer { return ok(s.Bounties()) })
	show("POST /sandbox/bounties", func(r *http.Request) answer {
		var n NewBounty
		if err := readControl(r, &n); err != nil {
			return done(nil, err)
		}
		id, err := s.PostBounty(n)
		return done(map[string]any{"id": id}, err)
	})
	show("POST /sandbox/bounties/{bounty}/{act}", s.controlBounty)
	show("POST /sandbox/rows", func(r *http.Request) answer {
		row, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err == nil {
			err = s.AddRawRow(row)
		}
		return done(nil, err)
	})
	show("POST /sandbox/down", func(r *http.Request) answer {
		var n struct {
			Down bool `json:"down"`
		}
		err := readControl(r, &n)
		if err == nil {
			s.SetDown(n.Down)
		}
		return done(nil, err)
	})
	show("/sandbox/", func(*http.Request) answer {
		return refuse(http.StatusNotFound, "the sandbox has no such call")
	})
	return mux
}

func (s *Server) controlAct(r *http.Request) answer {
	var n struct {
		Text string `json:"text"`
	}
	if err := readControl(r, &n); err != nil {
		return done(nil, err)
	}
	id := r.PathValue("order")
	switch r.PathValue("act") {
	case "pay":
		return done(nil, s.Pay(id))
	case "approve":
		return done(nil, s.Approve(id))
	case "dispute":
		return done(nil, s.Dispute(id, n.Text))
	case "revise":
		return done(nil, s.RequestRevision(id, n.Text))
	case "cancel":
		return done(nil, s.Cancel(id))
	case "vanish":
		return done(nil, s.Vanish(id))
	case "message":
		return done(nil, s.ClientMessage(id, n.Text))
	}
	return refuse(http.StatusNotFound, "the sandbox has no such call")
}

// readControl reads the JSON object of a request; an empty body is an empty one.
func readControl(r *http.Request, into any) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil || len(text) == 0 {
		return err
	}
	return json.Unmarshal(text, into)
}

func done(data any, err error) answer {
	if err != nil {
		return refuse(http.StatusBadRequest, "%s", err)
	}
	return ok(data)
}
