package fulfill_test

import (
	"context"

	"atelierd/internal/fulfill"
	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// provider is a generator of paid jobs. Each run takes an answer of the list. When
// the list is empty it makes the file.
type provider struct {
	*painter
	answers []answer
	repeats bool
	runs    []generate.Call
	// requests are those of the runs.
	requests []generate.Request
}

type answer struct {
	ticket string
	err    *order.Failure
}

func (p *provider) Repeats() bool { return p.repeats }

func (p *provider) Generate(ctx context.Context, r generate.Request) (generate.Result, error) {
	p.runs, p.requests = append(p.runs, r.Call), append(p.requests, r)
	if len(p.answers) > 0 {
		a := p.answers[0]
		p.answers = p.answers[1:]
		if a.ticket != "" && r.Call.Ticket == "" {
			if err := r.Call.Submitted(a.ticket); err != nil {
				return generate.Result{}, err
			}
		}
		if a.err != nil {
			return generate.Result{}, a.err
		}
	}
	made, err := p.painter.Generate(ctx, r)
	made.Cost = 0
	return made, err
}

const price = order.Dollar / 10

// useProvider replaces the painter by a provider.
func (w *world) useProvider(p *provider, change ...func(*fulfill.Generator)) {
	p.painter = w.painter
	m := fulfill.Generator{Name: "paid", Backend: p, Price: price}
	for _, c := range change {
		c(&m)
	}
	w.service = func(s *fulfill.Service) { s.Generators = []fulfill.Generator{m} }
	w.restart()
}

func fails(class order.Class, code order.Code, spending order.Charge) *order.Failure {
	f := order.Failf(class, code, "the provider says %s", code)
	f.Charge = spending
	return f
}

func hold(m *fulfill.Generator) { m.HoldUnknown = true }
