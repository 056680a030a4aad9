package console

import (
	"errors"
	"fmt"
	"time"

	"atelierd/internal/console/access"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// outlook is what each action on an order does and costs now.
type outlook struct {
	Fingerprint order.Fingerprint
	Approve, Retry, Redo, Quote, Assign, Resubmit,
	Cancel, Reply prospect
	Quoted    string
	Services  []serviceChoice
	Templates []filler
}

type serviceChoice struct {
	Title, Generator string
	Cost             order.USD
}

// prospect is what one of them does and costs.
type prospect struct {
	No        string // why it is impossible
	Possible  bool
	Files     int
	Requests  int
	Left      int
	Cost      order.USD
	Generator string
	Usual     time.Duration
}

func (c *console) outlook(v visit) (outlook, error) {
	if v.who.Role != access.Owner {
		return outlook{}, nil
	}
	ctx, id, a := v.Context(), v.PathValue("id"), c.Owner.As(order.Console(v.who.Name))
	fp, err := a.Fingerprint(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return outlook{}, errNotFound
	}
	try := a.Preview()
	can := func(err error) prospect { return prospect{Possible: err == nil} }
	out := outlook{Fingerprint: fp, Approve: can(try.Approve(ctx, id, 0)), Retry: can(try.Retry(ctx, id)), Cancel: can(try.Cancel(ctx, id, ""))}
	out.Redo = out.Retry
	return out, err
}

func possible(p prospect) bool { return p.Possible }

func off(p prospect) string { return p.No }

// requests is how many requests to the marketplace an action takes.
func (f forms) requests(p prospect) []effect {
	if p.Requests == 0 {
		return nil
	}
	return []effect{{Text: "Takes", Strong: fmt.Sprintf("%d of your %s", p.Requests, plural(p.Left, "request", "requests")), Rest: " of this hour."}}
}

// spends adds what an action may spend.
func (f forms) spends(p prospect, list []effect) []effect {
	return list
}
