package fulfill

import (
	"context"
	"errors"

	"atelierd/internal/order"
)

// trace is what a thread shows of a message.
type trace int

const (
	notInThread trace = iota
	inThread
	beyondThread // the thread is full or not shown, so it may be among those that are not shown
)

// messageShown looks in the thread for a message whose text is like m's. Messages with the
// same text are counted, because only the marketplace knows which is which.
func (f *Fulfiller) messageShown(ctx context.Context, m order.Outgoing, like func(text string) bool) (trace, error) {
	thread, err := f.o.Market.Messages(ctx, m.OrderID)
	switch fail, ok := errors.AsType[*order.Failure](err); {
	case !ok:
	case fail.Code == order.CodeThreadTooLarge, fail.Class == order.Fail && m.State != order.OutSending:
		return beyondThread, nil // a thread that is not shown says no more than a full one
	}
	if err != nil {
		return notInThread, marketFailure(err)
	}
	alike := map[string]int{}
	for _, t := range thread {
		if t.Party != order.PartyClient && like(t.Text) {
			alike[t.Text]++
		}
	}
	for text, n := range alike {
		m.Body = text
		sent, err := f.o.Store.SentAlike(ctx, m)
		if err != nil {
			return notInThread, err
		}
		if n > sent {
			return inThread, nil
		}
	}
	if order.ThreadFull(thread) {
		return beyondThread, nil
	}
	return notInThread, nil
}

// withAnyLinks returns a function that reports whether the template of m writes a text
// with other links. A restored ledger does not know the links of a message that it has forgotten.
func (f *Fulfiller) withAnyLinks(m order.Outgoing, o order.Order) func(text string) bool {
	return func(text string) bool {
		if text == m.Body {
			return true
		}
		links := order.Links(text)
		return len(links) > 0 && f.writeWith(m.Reason, links, o) == text
	}
}

// writeWith returns what the template of a message makes of an order with these links, or "".
func (f *Fulfiller) writeWith(reason string, links []string, o order.Order) string {
	s := f.o.Services[o.Service]
	template := s.Templates[order.Template(reason)]
	if template == nil {
		return ""
	}
	d := s.messageData(reason, o)
	d.Links = links
	text, err := template.Write(d)
	if err != nil {
		return ""
	}
	return text
}
