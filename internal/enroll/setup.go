package enroll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/beat"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store stores the state of our profile and our services at the marketplace.
type Store interface {
	Services(ctx context.Context) ([]order.Listed, error)
	PutService(l order.Listed) error
	// WalletKnown records whether there is a wallet for payouts.
	WalletKnown(known bool) error
	// OwnerKnown records whether the agent has an owner. Once it has one, bounties that
	// were refused for the lack of it may be claimed again.
	OwnerKnown(known bool) error
	// ProfileDiffers records in which fields the profile differs from the
	// configuration; empty if in none.
	ProfileDiffers(text string) error
	// Delisted reports whether the owner keeps a service off the marketplace while it is
	// paused.
	Delisted(ctx context.Context, title string) (bool, error)
	Alerts
}

// Market is the part of the marketplace's API that the set-up needs.
// *atelier.Client implements it.
type Market interface {
	Profile(ctx context.Context) (atelier.Profile, error)
	UpdateProfile(ctx context.Context, p atelier.ProfilePatch) error
	Services(ctx context.Context) ([]atelier.Service, error)
	CreateService(ctx context.Context, s atelier.Service) (atelier.Service, error)
}

// Offer is a service to list. Check is the self-check of its generators; the service
// is listed only if it returns nil.
type Offer struct {
	atelier.Service
	Check func(ctx context.Context) error
}

// Options are the settings of a Setup.
type Options struct {
	Store  Store
	Market Market
	Offers []Offer
	// Profile is the profile of the configuration. Run sets its wallets, the address on
	// Base, the chain and the AI models. It only reports other fields that differ, and
	// fields that are empty are left alone. Without offers it sets nothing.
	Profile atelier.Profile
	// Local means that the marketplace is on this machine; see CheckAgent.
	Local bool
	// SettleWindow is how long a request without an answer may still take effect.
	SettleWindow time.Duration
	// Changed is called after the state of a service changed; may be nil.
	Changed func()
	// Listed is called with what the marketplace lists, whenever that was read; may be nil.
	Listed func([]atelier.Service)
	Log    *slog.Logger
}

// Setup sets the addresses of the profile and lists the services at the marketplace.
// Create it with New.
type Setup struct {
	o        Options
	failures logonce.Logger
	next     atomic.Pointer[Options]
	wake     chan struct{}
	changed  chan struct{} // the options were replaced
	profile  bool          // its addresses are set
	lacking  bool          // it has no owner or no wallet for payouts
	// reported holds what was logged about services and the profile that differ.
	reported map[string]string
	// sent holds the offers that this process has listed or tried to; see attempt.
	sent map[string]attempt
	// refused holds the titles of the offers that the marketplace has refused. They
	// are not sent again until the configuration changes.
	refused map[string]bool
	made    []atelier.Service // what was listed since the list was read
}

// attempt is a request to list a service that the marketplace may have taken.
type attempt struct {
	// done means that the marketplace has answered it with success. It is not repeated
	// whatever a listing shows.
	done bool
	// before holds the ids that were listed before it. An unknown one after it is ours,
	// even if its text is not as we sent it.
	before map[string]bool
}

// New returns a Setup.
func New(o Options) *Setup {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Setup{o: o, wake: make(chan struct{}, 1), changed: make(chan struct{}, 1), refused: map[string]bool{}, reported: map[string]string{}, sent: map[string]attempt{}}
}

const (
	// tryAgain is the time between two tries of an incomplete set-up. After the first
	// errors it is shorter, from trySoon on, because most outages are short.
	tryAgain = 5 * time.Minute
	trySoon  = 10 * time.Second
	// lookOver is the time between two checks of a complete set-up.
	lookOver = 12 * time.Hour
	// lookLacking is the same while the profile has no owner or no wallet for payouts,
	// because the owner may set both on the marketplace's page.
	lookLacking = time.Hour
)

// Wake makes Run try an incomplete set-up now. It does not block.
func (s *Setup) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Relist makes Run list again what the owner has put back on sale. It does not block.
func (s *Setup) Relist() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
	s.Wake()
}

// Change replaces the options. Run then compares the marketplace with them at once.
func (s *Setup) Change(o Options) {
	s.next.Store(&o)
	s.Relist()
}

// Run completes the set-up and checks it from time to time, until ctx is cancelled.
// It returns nil.
func (s *Setup) Run(ctx context.Context) error {
	for failed := 0; ctx.Err() == nil; {
		wait, wake := lookOver, (<-chan struct{})(s.changed)
		complete, err := s.Once(ctx)
		switch {
		case err != nil:
			s.failures.Failed(s.o.Log, "the set-up at the marketplace is not complete", err, hintOf(err)...)
			wait, wake = min(trySoon<<min(failed, 10), tryAgain), s.wake
			if f, ok := errors.AsType[*order.Failure](err); ok {
				wait = max(wait, f.After)
			}
			failed++
		case !complete:
			wait, failed = tryAgain, 0
		default:
			failed = 0
			if s.lacking {
				wait = lookLacking
			}
			s.failures.Recovered(s.o.Log, "the set-up at the marketplace is complete")
		}
		beat.Sleep(ctx, wait, wake)
	}
	return nil
}

// hintOf returns the key and value of a log line for the hint of err, if it has one.
func hintOf(err error) []any {
	if f, ok := errors.AsType[*order.Failure](err); ok && f.Hint != "" {
		return []any{"hint", f.Hint}
	}
	return nil
}

// Once does what can be done now and reports whether the set-up is complete.
func (s *Setup) Once(ctx context.Context) (complete bool, err error) {
	if next := s.next.Swap(nil); next != nil {
		// A refused value is sent again, because the marketplace may accept it now. What was sent
		// stays recorded.
		s.o, s.profile, s.refused = *next, false, map[string]bool{}
	}
	if err := s.setProfile(ctx); err != nil {
		return false, err
	}
	if complete, err = s.listServices(ctx); err != nil {
		return complete, err
	}
	return complete, s.o.Store.SetFact(FactRead, time.Now().UTC().Format(time.RFC3339))
}

// FactRead is when the profile and the services were last compared with the configuration.
const FactRead = "listings.read"

// listServices creates the offers that do not exist yet. It always reads the list
// first, so that no service is created twice.
func (s *Setup) listServices(ctx context.Context) (complete bool, err error) {
	known, err := s.o.Store.Services(ctx)
	if err != nil {
		return false, err
	}
	listedAt := time.Now()
	there, err := s.o.Market.Services(ctx)
	if err != nil {
		return false, fmt.Errorf("list the services: %w", err)
	}
	s.made = nil
	offers := make([]atelier.Service, len(s.o.Offers))
	for i, o := range s.o.Offers {
		offers[i] = o.Service
	}
	complete = true
	var errs []error
	found := s.adopt(match(offers, there, known), there)
	for i, offer := range s.o.Offers {
		var done, off bool
		before := find(known, offer.Title)
		if off, err = s.o.Store.Delisted(ctx, offer.Title); off || err != nil {
			done = off // until the pause ends
		} else if found[i] >= 0 {
			done, err = true, s.shown(offer, there[found[i]], before)
		} else {
			done, err = s.listOne(ctx, offer, there, before, listedAt)
		}
		complete = complete && done
		errs = append(errs, err)
	}
	if s.o.Listed != nil {
		s.o.Listed(append(slices.Clone(there), s.made...))
	}
	return complete, errors.Join(append(errs, s.forget(known))...)
}

// forget clears what differs in services that are no longer offered, because they are not
// compared any more.
func (s *Setup) forget(known []order.Listed) (err error) {
	for _, l := range known {
		offered := slices.ContainsFunc(s.o.Offers, func(o Offer) bool { return order.SameTitle(o.Title, l.Title) })
		if l.State == order.ServiceListed && l.Reason != "" && !offered {
			l.Reason = ""
			err = errors.Join(err, s.o.Store.PutService(l))
		}
	}
	return err
}

// adopt completes the result of match: a service that appeared after an offer was sent
// without a readable answer is that offer, if it can be no other's.
func (s *Setup) adopt(found []int, there []atelier.Service) []int {
	for i, offer := range s.o.Offers {
		tried, did := s.sent[offer.Title]
		if found[i] >= 0 || !did || tried.before == nil {
			continue
		}
		var fresh []int
		for j, have := range there {
			if onSale(have) && !tried.before[have.ID] && !slices.Contains(found, j) &&
				have.Category == offer.Category && have.Price == offer.Price {
				fresh = append(fresh, j)
			}
		}
		if len(fresh) == 1 {
			found[i] = fresh[0]
		}
	}
	return found
}

// shown records an offer that the marketplace lists, and reports what it lists
// otherwise than the configuration says. Changing that is left to the owner.
func (s *Setup) shown(offer Offer, have atelier.Service, before order.Listed) error {
	changes, _ := diff(have, offer.Service)
	text := Describe(changes)
	if s.reported[offer.Title] != text {
		s.reported[offer.Title] = text
		if text != "" {
			s.o.Log.Warn("a service differs from the configuration", "service", offer.Title, "differs", text,
				"hint", order.Command("services sync")+" changes it at the marketplace")
		}
	}
	return s.put(before, order.Listed{Title: offer.Title, RemoteID: have.ID, State: order.ServiceListed, Reason: text, Differs: encode(changes)})
}

// listOne lists an offer that the marketplace does not show.
func (s *Setup) listOne(ctx context.Context, offer Offer, there []atelier.Service, before order.Listed, listedAt time.Time) (bool, error) {
	if before.State == order.ServiceWanted {
		delete(s.sent, offer.Title) // the pause is over that took it off the marketplace
	}
	tried := s.sent[offer.Title]
	if s.refused[offer.Title] || tried.done || before.State == order.ServiceRetired || before.State == order.ServiceDelisted {
		return true, nil
	}
	if before.State == order.ServiceCreating && listedAt.Sub(before.Since) < s.o.SettleWindow {
		return false, nil // an earlier request may still take effect
	}
	if err := offer.Check(ctx); err != nil {
		// A service that cannot be made must not be sold.
		return false, errors.Join(fmt.Errorf("service %q is not listed: %w", offer.Title, err),
			s.put(before, order.Listed{Title: offer.Title, State: order.ServiceHeld, Reason: err.Error()}))
	}
	if off, err := s.o.Store.Delisted(ctx, offer.Title); off || err != nil {
		return off, err // the check may have taken long
	}
	if err := s.o.Store.PutService(order.Listed{Title: offer.Title, State: order.ServiceCreating}); err != nil {
		return false, err
	}
	tried.before = map[string]bool{}
	for _, have := range there {
		tried.before[have.ID] = true
	}
	s.sent[offer.Title] = tried
	made, err := s.o.Market.CreateService(ctx, offer.Service)
	if err == nil {
		s.sent[offer.Title] = attempt{done: true}
		listed := offer.Service
		listed.ID = made.ID
		s.made = append(s.made, listed)
		s.o.Log.Info("service listed", "service", offer.Title, "id", made.ID)
		return true, s.put(order.Listed{}, order.Listed{Title: offer.Title, RemoteID: made.ID, State: order.ServiceListed})
	}
	err = fmt.Errorf("list the service %q: %w", offer.Title, err)
	if atelier.OutcomeUnknown(err) {
		call, _ := errors.AsType[*atelier.CallError](err)
		tried.done = call != nil && call.Status >= 200 && call.Status < 300 // taken, with an answer that cannot be read
		s.sent[offer.Title] = tried
		return false, err
	}
	delete(s.sent, offer.Title)
	after := order.Listed{Title: offer.Title, State: order.ServiceWanted}
	if f, ok := errors.AsType[*order.Failure](err); ok && (f.Class == order.Fail || f.Class == order.Hold) {
		after.State, after.Reason = order.ServiceHeld, err.Error()
		s.refused[offer.Title] = true
	}
	return false, errors.Join(err, s.put(order.Listed{}, after))
}

// put writes the state of a service if it has changed.
func (s *Setup) put(before, now order.Listed) error {
	before.Since = now.Since
	if before == now {
		return nil
	}
	if err := s.o.Store.PutService(now); err != nil {
		return err
	}
	s.o.Changed()
	return nil
}
