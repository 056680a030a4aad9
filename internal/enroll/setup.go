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

// Store keeps how our services stand at the marketplace.
type Store interface {
	Services(ctx context.Context) ([]order.Listed, error)
	PutService(l order.Listed) error
	// WalletKnown writes down whether payouts have somewhere to go.
	WalletKnown(known bool) error
}

// Market is what setting up asks of the marketplace; *atelier.Client is one.
type Market interface {
	Profile(ctx context.Context) (atelier.Profile, error)
	UpdateProfile(ctx context.Context, p atelier.ProfilePatch) error
	Services(ctx context.Context) ([]atelier.Service, error)
	CreateService(ctx context.Context, s atelier.Service) (atelier.Service, error)
}

// Offer is a service to be listed, with the self-check of its generator.
type Offer struct {
	atelier.Service
	Check func(ctx context.Context) error
}

// Options are the settings of a Setup.
type Options struct {
	Store  Store
	Market Market
	Offers []Offer
	// Wallet is where payouts go; empty leaves the marketplace's setting.
	Wallet string
	// SettleWindow is how long a request without an answer may still take effect.
	SettleWindow time.Duration
	// Changed is told after a service was found or created; may be nil.
	Changed func()
	Log     *slog.Logger
}

// Setup brings wallet and services to the marketplace.
type Setup struct {
	o        Options
	failures logonce.Logger
	wallet   bool // done
	// refused are the offers, by title, that the marketplace has turned down:
	// asking again before the configuration changes would only spend requests.
	refused map[string]bool
}

// New makes a Setup.
func New(o Options) *Setup {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Setup{o: o, refused: map[string]bool{}}
}

// How soon a set-up that is not complete is tried again, and how often a
// complete one is looked over.
const (
	tryAgain = 5 * time.Minute
	lookOver = 12 * time.Hour
)

// Run sets up, tries again while something is missing, and looks it over now
// and then, until ctx is cancelled. It returns nil.
func (s *Setup) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := lookOver
		if complete, err := s.Once(ctx); err != nil {
			s.failures.Failed(s.o.Log, "the set-up at the marketplace is not complete; it goes on", err, "hint", hint(err))
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

func hint(err error) string {
	if f, ok := errors.AsType[*order.Failure](err); ok {
		return f.Hint
	}
	return ""
}

// Once does what can be done now and says whether that was all.
func (s *Setup) Once(ctx context.Context) (complete bool, err error) {
	if err := s.setWallet(ctx); err != nil {
		return false, err
	}
	return s.listServices(ctx)
}

// setWallet compares first: a change of the profile is only sent when needed.
// Without a wallet of the owner's choice it notes whether there is any.
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

// listServices creates the offers that do not exist yet, matched by title. The
// list is always read first, so that none is created twice.
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
		// Do not sell what cannot be made.
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

// put writes how a service stands, if that is news.
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
