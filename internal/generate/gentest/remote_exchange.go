package gentest

import "atelierd/internal/order"

// This file holds what only an exchange describes.

// scenarios are those that the exchange has the answers for.
func (x Exchange) scenarios() (list []scenario) {
	if x.Plain != nil {
		list = append(list, scenario{"an order without pictures", (*bench).plain})
	}
	if x.CostUSD != "" {
		list = append(list, scenario{"the cost that the provider reports", func(b *bench) { b.costs(x.CostUSD) }})
	}
	return list
}

func (b *bench) plain() {
	r := b.request()
	r.References = nil
	b.done(r, 1)
	b.paid(1)
}

func (b *bench) costs(text string) {
	want, err := order.ParseUSD(text)
	made, f := b.run(b.Context(), b.request())
	if err != nil || f != nil || made.Cost != want {
		b.Errorf("it cost %s, %v; want %s, %v", made.Cost, f, text, err)
	}
}
