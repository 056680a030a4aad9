package config

import (
	"strings"
	"text/template"
	"time"

	"atelierd/internal/order"
)

// Bounties configures which posted tasks are claimed without asking the owner.
// Without a rule none are.
type Bounties struct {
	Rules      []BountyRule
	MaxOpen    int
	MaxBacklog int
	Interval   time.Duration
	// Message is the text that goes with a claim, or nil. It is executed with an
	// order.Bounty.
	Message *template.Template
}

// BountyRule matches one kind of task to claim.
type BountyRule struct {
	Category  string
	MinBudget order.USD
	Service   string // the title of a configured service
}

func (t *table) bounties(services []Service) Bounties {
	defer t.done()
	b := Bounties{
		MaxOpen:    t.number("max_open", 3, 1, 100),
		MaxBacklog: t.number("max_backlog", 10, 1, 100_000),
		Interval:   t.duration("interval", 10*time.Minute, time.Second, 24*time.Hour),
	}
	if text := t.text("message", ""); text != "" {
		var out strings.Builder
		m, err := template.New("message").Parse(text)
		if err == nil {
			err = m.Execute(&out, order.Bounty{Title: "A poster", Brief: "a poster of the sea", Category: "image_gen"})
		}
		if err != nil {
			t.template("message", text, order.Bounty{}, err)
		}
		b.Message = m
	}
	var titles []string
	for _, s := range services {
		titles = append(titles, s.Title)
	}
	for _, sub := range t.subs("rule") {
		r := BountyRule{
			Category: sub.oneOf("category", "", capabilities...), MinBudget: sub.price("min_budget_usd"),
			Service: sub.required("service", "the title of a [[service]]"),
		}
		sub.done()
		found := false
		for _, s := range services {
			if strings.EqualFold(s.Title, r.Service) {
				r.Service, found = s.Title, true
				if s.PriceType == "weekly" || s.PriceType == "monthly" || s.Mode == ModeDryRun {
					sub.problem(sub.at("service"), "service %.100q is a subscription or a dry run; name a service that delivers single orders", s.Title)
				}
			}
		}
		if !found {
			sub.problem(sub.at("service"), "no [[service]] has the title %.100q%s", r.Service, among(r.Service, titles, titled))
		}
		b.Rules = append(b.Rules, r)
	}
	return b
}
