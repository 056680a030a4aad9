package owner

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Approve sends what is made for an order and waits for the owner's approval: files, a
// price, or pieces. Other work that is held or has failed stays so. Nothing goes to the
// client within after, and TakeBack undoes the approval until then, also after a restart.
func (a *Actions) Approve(ctx context.Context, id string, after time.Duration) error {
	if after < 0 || after > MaxDelay {
		return &InputError{fmt.Errorf("the delay is %s, and may be from 0 to %s", after, MaxDelay)}
	}
	return a.st.Approve(ctx, id, after)
}

// MaxDelay is the longest time that an approval waits.
const MaxDelay = time.Hour

// TakeBack undoes an approval whose delay is not over: the work waits for approval again.
func (a *Actions) TakeBack(ctx context.Context, id string) error { return a.st.TakeBack(ctx, id) }

// Retry resumes what is held, has failed, or was cancelled by the owner.
func (a *Actions) Retry(ctx context.Context, id string) error { return a.st.Retry(ctx, id) }

// Match returns the orders that fit a filter, the oldest first, at most so many.
func (a *Actions) Match(ctx context.Context, f order.Filter, most int) ([]order.Match, error) {
	return a.st.Match(ctx, f, most)
}

// Preview returns actions that change nothing, and return the error that each would have.
// It is for Approve, Retry and Cancel, which touch no files.
func (a *Actions) Preview() *Actions { return &Actions{a.o, a.st.Preview()} }

// Fingerprint names what an owner sees of an order and decides on: its state and price,
// its files, and what the client has written last.
func (a *Actions) Fingerprint(ctx context.Context, id string) (order.Fingerprint, error) {
	sight, err := a.st.Sight(ctx, id)
	return sight.Fingerprint(), err
}

// If returns actions that refuse an order which is not as the owner has seen it, with an
// order.ChangedError. Approve, Redo and Retry look at what has stopped and its files, Reply
// at the thread, Quote and Assign at the order, and the other ones at the order and its files.
func (a *Actions) If(seen order.Fingerprint) *Actions { return &Actions{a.o, a.st.If(seen)} }

// As returns the actions of somebody else on the same data folder.
func (a *Actions) As(by order.Actor) *Actions {
	o := a.o
	o.By = by
	return &Actions{o, a.st.As(by)}
}

// Possible says which actions on an order are possible now: an action's error is why it is
// not, and nil if it is.
type Possible struct {
	Approve, TakeBack, Redo, Retry, Cancel, Quote, Assign, Resubmit, Reply, Draft error
}

// Possible tries each action and undoes it.
func (a *Actions) Possible(ctx context.Context, id string) (p Possible, err error) {
	stay := func(k order.Known, _ order.Facts) order.Decision {
		return order.Decision{State: k.State, Code: k.Code, DueAt: time.Now()}
	}
	err = a.st.Rehearse(func(st store.Owner) {
		p = Possible{
			Approve: st.Approve(ctx, id, 0), TakeBack: st.TakeBack(ctx, id),
			Redo:  st.Redo(ctx, id, order.Redo{}, func(order.Kind, int) error { return nil }),
			Retry: st.Retry(ctx, id), Cancel: st.Cancel(ctx, id, ""), Quote: st.Quote(ctx, id, order.Dollar),
			Assign: st.Assign(ctx, id, "any", stay), Resubmit: st.Resubmit(ctx, id, func(int) error { return nil }),
			Reply: st.QueueMessage(ctx, id, "owner-rehearsal", "any"), Draft: st.DiscardDraft(ctx, id),
		}
	})
	return p, err
}

// Cancel ends our work on an order. At the marketplace the order stays open.
func (a *Actions) Cancel(ctx context.Context, id, reason string) error {
	return a.st.Cancel(ctx, id, reason)
}

// Quote sets the price of an order that waits for one, such as 15.50.
func (a *Actions) Quote(ctx context.Context, id, price string) error {
	usd, err := ParsePrice(price)
	if err != nil {
		return err
	}
	return a.st.Quote(ctx, id, usd)
}

// ParsePrice reads a price for a client, such as 15.50.
func ParsePrice(text string) (order.USD, error) {
	price, err := order.ParseUSD(text)
	if err != nil || price <= 0 || price%(order.Dollar/100) != 0 {
		return 0, &InputError{fmt.Errorf("%.40q is not a price above 0 with at most two decimals, such as 15.50", text)}
	}
	return price, nil
}

// service returns the title of the service on sale that a text names.
func (a *Actions) service(text string) (title string, err error) {
	var titles []string
	for _, title := range a.o.Services() {
		if order.SameTitle(title, text) {
			return title, nil
		}
		titles = append(titles, fmt.Sprintf("%q", title))
	}
	return "", &InputError{fmt.Errorf("%.100q is not the title of a service; there are %s", text, strings.Join(titles, ", "))}
}

// Assign makes an order one for the service that a text names, whatever the marketplace
// names. It returns the title of the service.
func (a *Actions) Assign(ctx context.Context, id, service string) (title string, err error) {
	if title, err = a.service(service); err != nil {
		return "", err
	}
	decide, err := a.o.Decide(ctx, a.st.Store)
	if err != nil {
		return "", err
	}
	return title, a.st.Assign(ctx, id, title, decide)
}

// CheckFiles returns an error if one of the files cannot be delivered because it is none.
func CheckFiles(files []string) error {
	for _, file := range files {
		if info, err := os.Stat(file); err != nil {
			return err
		} else if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file", file)
		}
	}
	return nil
}

// Resubmit replaces the files of a delivered order, with the given ones or, if there are
// none, with files that are made again.
func (a *Actions) Resubmit(ctx context.Context, id string, files []string) error {
	if err := CheckFiles(files); err != nil {
		return err
	}
	return a.st.Resubmit(ctx, id, func(round int) error {
		if len(files) == 0 {
			return fulfill.ClearWork(a.o.Dir, id, order.KindDelivery, round)
		}
		return fulfill.PutFiles(a.o.Dir, id, round, files)
	})
}

// ReadThread has the daemon read the messages about an order as soon as it has a request left.
func (a *Actions) ReadThread(id string) error { return a.st.ReadThread(id) }

// Reply puts a message to the client of an order into the outbox. The same text with the
// same key is sent once; without a key it can be sent twice.
func (a *Actions) Reply(ctx context.Context, id, text, key string) error {
	text, err := a.text(text)
	if err != nil {
		return err
	}
	if key == "" {
		key = rand.Text()
	}
	// A message is sent once for each reason.
	sum := sha256.Sum256([]byte(key + "\x00" + text))
	return a.st.QueueMessage(ctx, id, "owner-"+hex.EncodeToString(sum[:6]), text)
}

// ApproveDraft sends the assistant's reply to the client of an order, and DiscardDraft drops
// it. Both fail if there is none that waits. A draft is not sent once the client has written
// again.
func (a *Actions) ApproveDraft(ctx context.Context, id string) error {
	return a.st.ApproveDraft(ctx, id)
}

// DiscardDraft is described at ApproveDraft.
func (a *Actions) DiscardDraft(ctx context.Context, id string) error {
	return a.st.DiscardDraft(ctx, id)
}

// text returns a text to a client as it is sent, or why it cannot be.
func (a *Actions) text(text string) (string, error) {
	text = strings.TrimSpace(text)
	switch n := atelier.MessageLength(text); {
	case text == "":
		return "", &InputError{errors.New("the message is empty")}
	case n > atelier.MaxMessage:
		return "", &InputError{fmt.Errorf("the message has %d characters; the marketplace takes at most %d", n, atelier.MaxMessage)}
	}
	return text, a.o.CheckText(text)
}
