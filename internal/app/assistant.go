package app

import (
	"atelierd/internal/assistant"
	"atelierd/internal/config"
	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/message"
	"atelierd/internal/order"
)

// assistant makes the language model of the configuration; nil without one. One that is
// configured as before stays as it is.
func (m maker) assistant() (*fulfill.Assistant, error) {
	c := m.cfg.Assistant
	if !c.On() {
		return nil, nil
	}
	if m.before != nil && m.before.services.assistant != nil && m.before.cfg.Assistant == c {
		return m.before.services.assistant, nil
	}
	backend, err := assistant.New(assistant.Spec{
		BaseURL: c.BaseURL, Model: c.Model, Key: keyIn("the assistant", c.Key), Input: c.Input, Output: c.Output,
		MaxTokens: c.MaxTokens, Pictures: c.Pictures, Timeout: c.Timeout, Transport: m.transport,
	})
	if err != nil {
		return nil, configError("assistant", err)
	}
	return &fulfill.Assistant{Backend: backend, Free: c.Free(), Breaker: &generate.Breaker{Name: "the assistant", Probe: backend.Check}}, nil
}

// ownTexts returns the owner's texts for clients, which the assistant may repeat.
func ownTexts(cfg *config.Config) (list []*message.Template) {
	for _, r := range cfg.Messages.Replies {
		list = append(list, r.Text)
	}
	return list
}

// Assistant returns the language model; nil without one.
func (s *Services) Assistant() *fulfill.Assistant { return s.assistant }

// breakers returns the breakers of the generators and of the assistant, by name.
func (s *Services) breakers() map[string]*generate.Breaker {
	list := map[string]*generate.Breaker{}
	for name, g := range s.generators {
		if g.Breaker != nil {
			list[name] = g.Breaker
		}
	}
	if s.assistant != nil {
		list[order.Assistant] = s.assistant.Breaker
	}
	return list
}
