package enroll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/logonce"
	"atelierd/internal/order"
)

// Store stores the state of our services at the marketplace.
type Store interface {
	Services(ctx context.Context) ([]order.Listed, error)
	PutService(l order.Listed) error
	// WalletKnown records whether there is a wallet for payouts.
	WalletKnown(known bool) error
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
	// Wallet is the address for payouts. Empty keeps the marketplace's setting.
	Wallet string
	// SettleWindow is how long a request without an answer may still take effect.
	SettleWindow time.Duration
	// Changed is called after the state of a service changed; may be nil.
	Changed func()
	Log     *slog.Logger
}

// Setup sets the payout wallet and lists the services at the marketplace. Create it
// with New.
type Setup struct {
	o        Options
	failures logonce.Logger
	wallet   bool // done
	// refused holds the titles of the offers that the marketplace has refused. They
	// are not sent again until the configuration changes, which takes a restart.
	refused map[string]bool
}

// New returns a Setup.
func New(o Options) *Setup {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Setup{o: o, refused: map[string]bool{}}
}

// tryAgain is the time between two tries of an incomplete set-up, lookOver the time
// between two checks of a complete one.
const (
	tryAgain = 5 * time.Minute
	lookOver = 12 * time.Hour
)

// Run completes the set-up and checks it from time to time, until ctx is cancelled.
// It returns nil.
func (s *Setup) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := lookOver
		if complete, err := s.Once(ctx); err != nil {
			s.failures.Failed(s.o.Log, "the set-up at the marketplace is not complete", err, hintOf(err)...)
			wait = tryAgain
			if f, ok := errors.AsType[*order.Failure](err); ok {
				wait = max(wait, f.After)
			}
		} else if !complete {
			wait = tryAgain
		} else {
			s.failures.Recovered(s.o.Log, "the set-up at the marketplace is complete")
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
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
	if err := s.setWallet(ctx); err != nil {
		return false, err
	}
	return s.listServices(ctx)
}

// setWallet reads the profile and changes the payout wallet only if it differs. It
// records whether there is a wallet at all.
func (s *Setup) setWallet(ctx context.Context) error {
	if s.wallet {
		return nil
	}
	p, err := s.o.Market.Profile(ctx)
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	if s.o.Wallet != "" && p.PayoutWallet != s.o.Wallet {
		if err := s.o.Market.UpdateProfile(ctx, atelier.ProfilePatch{PayoutWallet: &s.o.Wallet}); err != nil {
			return fmt.Errorf("set the payout wallet: %w", err)
		}
		s.o.Log.Info("payout wallet set", "wallet", s.o.Wallet)
		p.PayoutWallet = s.o.Wallet
	}
	if err := s.o.Store.WalletKnown(p.PayoutWallet != "" || p.OwnerWallet != ""); err != nil {
		return err
	}
	s.wallet = true
	return nil
}

// listServices creates the offers that do not exist yet, matched by title. It always
// reads the list first, so that no service is created twice.
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
	complete = true
	var errs []error
	for _, offer := range s.o.Offers {
		done, err := s.listOne(ctx, offer, there, find(known, offer.Title), listedAt)
		complete = complete && done
		errs = append(errs, err)
	}
	return complete, errors.Join(errs...)
}

func (s *Setup) listOne(ctx context.Context, offer Offer, there []atelier.Service, before order.Listed, listedAt time.Time) (bool, error) {
	for _, t := range there {
		if sameTitle(t.Title, offer.Title) && (t.Active == nil || *t.Active) {
			return true, s.put(before, order.Listed{Title: offer.Title, RemoteID: t.ID, State: order.ServiceListed})
		}
	}
	if s.refused[offer.Title] || before.State == order.ServiceRetired {
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
	if err := s.o.Store.PutService(order.Listed{Title: offer.Title, State: order.ServiceCreating}); err != nil {
		return false, err
	}
	made, err := s.o.Market.CreateService(ctx, offer.Service)
	if err == nil {
		s.o.Log.Info("service listed", "service", offer.Title, "id", made.ID)
		return true, s.put(order.Listed{}, order.Listed{Title: offer.Title, RemoteID: made.ID, State: order.ServiceListed})
	}
	err = fmt.Errorf("list the service %q: %w", offer.Title, err)
	if atelier.OutcomeUnknown(err) {
		return false, err
	}
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

func find(list []order.Listed, title string) order.Listed {
	for _, l := range list {
		if l.Title == title {
			return l
		}
	}
	return order.Listed{}
}

func sameTitle(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}
