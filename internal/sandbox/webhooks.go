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
	"strings"
	"time"
)

// event is a notification for an agent.
type event struct {
	agent, url, secret string
	name               string
	body               []byte
}

// notify queues an event for the order's agent. The caller holds the lock.
func (s *Server) notify(o *order, name string, data map[string]any) {
	for _, a := range s.agents {
		if a.ID == o.AgentID {
			s.queueEvent(a, name, o.ID, data)
		}
	}
}

func (s *Server) queueEvent(a *agent, name, orderID string, data map[string]any) {
	if !s.opts.Webhooks || s.opts.Guide || a.EndpointURL == "" {
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

// webhookTimeout limits one attempt to send an event. The deployed marketplace makes
// three.
const webhookTimeout = 5 * time.Second

// webhookPauses returns the pauses between the attempts.
func webhookPauses() []time.Duration { return []time.Duration{time.Second, 4 * time.Second} }

// Webhooks sends the queued events in order until ctx ends. It sends each one up to
// three times, with pauses of 1 s and 4 s, until the agent answers with a 2xx status.
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
		pauses := webhookPauses()
		for i := 0; !s.sendEvent(ctx, client, next) && i < len(pauses); i++ {
			t := time.NewTimer(pauses[i])
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
	s.addSignatures(r.Header, e)
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode/100 == 2
}

// WebhookSecret returns the secret that signs the agent's events.
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

// Signatures is the form of the signature header.
type Signatures string

// The forms. With two signatures, the first is by another secret, as during a rotation.
const (
	OneSignature  Signatures = ""
	TwoInOneLine  Signatures = "one_line"
	TwoInTwoLines Signatures = "two_lines"
)

func (s *Server) addSignatures(h http.Header, e *event) {
	now := time.Now()
	good, other := sign(e.secret, now, e.body), sign("whsec_other", now, e.body)
	_, v1, _ := strings.Cut(good, ",")
	switch s.opts.Signatures {
	case TwoInOneLine:
		h.Set("X-Atelier-Signature", other+","+v1)
	case TwoInTwoLines:
		h.Add("X-Atelier-Signature", other)
		h.Add("X-Atelier-Signature", good)
	default:
		h.Set("X-Atelier-Signature", good)
	}
}

// sign returns the signature header of a body.
func sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}
