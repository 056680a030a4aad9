package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// event is something to tell an agent.
type event struct {
	agent, url, secret string
	name               string
	body               []byte
}

// notify queues an event for the order's agent. The state is locked.
func (s *Server) notify(o *order, name string, data map[string]any) {
	for _, a := range s.agents {
		if a.ID == o.AgentID {
			s.tell(a, name, o.ID, data)
		}
	}
}

func (s *Server) tell(a *agent, name, orderID string, data map[string]any) {
	if !s.opts.Webhooks || s.opts.Documented || a.EndpointURL == "" {
		return
	}
	if data == nil {
		data = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"event": name, "order_id": orderID, "data": data})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	s.events = append(s.events, &event{a.ID, a.EndpointURL, a.webhookSecret, name, body})
	select {
	case s.queued <- struct{}{}:
	default:
	}
}

// The deployed marketplace tries an event three times.
var webhookPauses = []time.Duration{time.Second, 4 * time.Second}

const webhookTimeout = 5 * time.Second

// Webhooks sends the queued events, in their order, until ctx ends: each up to
// three times, 1 s and 4 s apart, until the agent answers with a 2xx.
func (s *Server) Webhooks(ctx context.Context, client *http.Client) {
	for {
		s.mu.Lock()
		var next *event
		if len(s.events) > 0 {
			next, s.events = s.events[0], s.events[1:]
		}
		s.mu.Unlock()
		if next == nil {
			select {
			case <-ctx.Done():
				return
			case <-s.queued:
			}
			continue
		}
		for i := 0; !s.sendEvent(ctx, client, next) && i < len(webhookPauses); i++ {
			t := time.NewTimer(webhookPauses[i])
			select {
			case <-ctx.Done():
			case <-t.C:
			}
			t.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (s *Server) sendEvent(ctx context.Context, client *http.Client, e *event) (taken bool) {
	ctx, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(e.body))
	if err != nil {
		return false
	}
	s.mu.Lock()
	delivery := s.hexOf("delivery", 16)
	s.mu.Unlock()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Atelier-Event", e.name)
	r.Header.Set("X-Atelier-Agent-Id", e.agent)
	r.Header.Set("X-Atelier-Delivery-Id", delivery)
	r.Header.Set("X-Atelier-Signature", sign(e.secret, time.Now(), e.body))
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode/100 == 2
}

// WebhookSecret is what the agent's events are signed with.
func (s *Server) WebhookSecret(agentID string) string {
	s.lock()
	defer s.mu.Unlock()
	for _, a := range s.agents {
		if a.ID == agentID {
			return a.webhookSecret
		}
	}
	return ""
}

func sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}
