package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/console"
	"atelierd/internal/enroll"
	"atelierd/internal/order"
	"atelierd/internal/view"
)

// desk asks the marketplace and providers for the pages of the console, as the commands do.
// It implements console.Desk.
type desk struct {
	b base

	mu      sync.Mutex
	tasks   []order.Bounty
	tasksAt time.Time
	samples map[string]console.Sample
	first   string          // the fingerprint of a generator without a sample
	ctx     context.Context // of the daemon, for samples; nil before and after
	making  sync.WaitGroup
}

// listings are the services at the marketplace as they were last read.
type listings struct {
	mu   sync.Mutex
	list []atelier.Service
	at   time.Time
}

func (l *listings) saw(there []atelier.Service) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list, l.at = there, time.Now()
}

func (l *listings) last() ([]atelier.Service, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list, l.at
}

// market opens what asks the marketplace in the name of somebody. The caller closes Owner.
func (d *desk) market(by order.Actor) (*Market, error) {
	o := d.b.App.o.with(d.b.config())
	o.By = by
	return OpenMarket(o)
}

// on does something at the marketplace in the name of somebody, and wakes the daemon.
func (d *desk) on(by order.Actor, do func(*Market) error) error {
	m, err := d.market(by)
	if err != nil {
		return err
	}
	defer m.Owner.Close()
	defer d.b.App.Wake()
	return do(m)
}

// AskPayout implements console.Desk.
func (d *desk) AskPayout(ctx context.Context, by order.Actor, id string) error {
	return d.on(by, func(m *Market) error {
		id, err := m.Owner.Resolve(ctx, id)
		if err != nil {
			return err
		}
		pay, err := m.Payout(ctx, id)
		if err != nil {
			return err
		}
		return pay.Ask(ctx)
	})
}

// Plan implements console.Desk.
func (d *desk) Plan(ctx context.Context) (console.Plan, error) {
	there, at := d.b.App.listings.last()
	if at.IsZero() {
		return console.Plan{}, nil
	}
	p, err := planServices(ctx, d.b.config(), d.b.Store, there)
	if err != nil {
		return console.Plan{}, err
	}
	known, err := d.b.Store.Services(ctx)
	for _, k := range known { // a command has changed it since
		if k.Since.After(at) {
			p.Steps = slices.DeleteFunc(p.Steps, func(s enroll.Planned) bool { return order.SameTitle(s.Title, k.Title) })
			p.View = slices.DeleteFunc(p.View, func(s view.Planned) bool { return order.SameTitle(s.Title, k.Title) })
		}
	}
	return console.Plan{Plan: p.View, ReadAt: at, Changes: p.Changes(), Fingerprint: p.Fingerprint()}, err
}

// Compare implements console.Desk.
func (d *desk) Compare(ctx context.Context, by order.Actor) error {
	return d.on(by, func(m *Market) error { return d.compare(ctx, m) })
}

func (d *desk) compare(ctx context.Context, m *Market) error {
	there, err := m.Client.Services(ctx)
	if err == nil {
		d.b.App.listings.saw(there)
	}
	return err
}

// Sync implements console.Desk.
func (d *desk) Sync(ctx context.Context, by order.Actor, fingerprint string) error {
	return d.on(by, func(m *Market) error {
		if err := d.compare(ctx, m); err != nil {
			return err
		}
		there, _ := d.b.App.listings.last()
		p, err := planServices(ctx, d.b.config(), m.Owner.Store, there)
		if err != nil {
			return err
		}
		if p.Fingerprint() != fingerprint {
			return console.ErrOtherPlan
		}
		if err := m.Sync(ctx, p); err != nil {
			return errors.Join(err, d.compare(ctx, m))
		}
		return d.compare(ctx, m)
	})
}

// tasksRead is how many bounties are read.
const tasksRead = 50

// Tasks implements console.Desk.
func (d *desk) Tasks() console.Tasks {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := console.Tasks{ReadAt: d.tasksAt}
	for _, b := range d.tasks {
		t.List = append(t.List, console.Task{
			Bounty: view.NewBounty(order.Claim{Bounty: b}), Services: BountyServices(d.b.config(), b), Fingerprint: fingerprintOf(b),
		})
	}
	return t
}

// fingerprintOf stands for what a bounty asks for and pays.
func fingerprintOf(b order.Bounty) string {
	text, err := json.Marshal([]any{b.ID, b.Title, b.Brief, b.Category, b.Budget, b.DeadlineHours, b.References})
	if err != nil {
		panic(err) // of plain values
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// ReadTasks implements console.Desk.
func (d *desk) ReadTasks(ctx context.Context, by order.Actor) error {
	return d.on(by, func(m *Market) error {
		list, err := m.Client.Bounties(ctx, atelier.BountyQuery{Limit: tasksRead})
		if f, ok := errors.AsType[*order.Failure](err); ok && f.Code == order.CodeNotFound {
			return errors.New("the marketplace has no bounties")
		}
		if err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.tasks, d.tasksAt = list, time.Now()
		return nil
	})
}

// Claim implements console.Desk.
func (d *desk) Claim(ctx context.Context, by order.Actor, c console.Claim) error {
	if err := checkText(d.b.config(), d.b.App.o.Getenv, c.Message); err != nil {
		return err
	}
	return d.on(by, func(m *Market) error {
		b, err := m.Client.Bounty(ctx, c.Bounty)
		if err != nil {
			return err
		}
		if fingerprintOf(b) != c.Fingerprint {
			d.replace(b)
			return errors.New("the bounty has changed since the page was made; it shows it as it is now")
		}
		_, err = m.ClaimBounty(ctx, b, c.Service, c.Message)
		return err
	})
}

// replace puts a bounty in the place of what was read of it before.
func (d *desk) replace(b order.Bounty) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tasks = slices.Clone(d.tasks)
	for i := range d.tasks {
		if d.tasks[i].ID == b.ID {
			d.tasks[i] = b
		}
	}
}

// Probe implements console.Desk.
func (d *desk) Probe(ctx context.Context, name string) error {
	g, ok := d.b.App.live.Load().services.generators[name]
	if !ok || g.Breaker == nil {
		return fmt.Errorf("there is no generator %.60q any more", name)
	}
	return g.Breaker.Try(ctx)
}

// Try implements console.Desk. The sample is made in the background, with the configuration as
// it is now.
func (d *desk) Try(ctx context.Context, by order.Actor, t console.Trial) error {
	name, prompt := t.Generator, t.Prompt
	g, ok := d.b.App.live.Load().services.generators[name]
	if !ok {
		return fmt.Errorf("there is no generator %.60q any more", name)
	}
	if err := checkText(d.b.config(), d.b.App.o.Getenv, prompt); err != nil { // providers read it
		return err
	}
	o := d.b.App.o.with(d.b.config())
	o.By = by
	s, err := OpenSamples(o, SampleProgress{})
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if began := d.samples[name]; d.ctx == nil || !began.Began.IsZero() && began.Ended.IsZero() {
		return errors.Join(fmt.Errorf("a sample of %s is being made already", name), s.Close())
	}
	if d.sample(name).Fingerprint != t.Fingerprint { // a form that is sent again pays for nothing
		return errors.Join(fmt.Errorf("another sample of %s has begun since this page was made; the page shows it now", name), s.Close())
	}
	made := console.Sample{Fingerprint: rand.Text(), Began: time.Now(), Prompt: prompt, By: by}
	d.samples[name] = made
	background := d.ctx
	d.making.Go(func() {
		defer s.Close() // what was made is stored
		result, err := s.Make(background, g, order.Sample{Prompt: prompt})
		made.Ended, made.Files = time.Now(), result.Files
		cost := g.Price
		if result.Cost > 0 {
			cost = result.Cost
		}
		made.Cost = cost.String()
		if err != nil {
			made.Problem = cmp.Or(err.Error(), "it failed")
			d.b.Log.Warn("a sample failed", "generator", name, "error", err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.samples[name] = made
	})
	return nil
}

// Sample implements console.Desk.
func (d *desk) Sample(name string) console.Sample {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sample(name)
}

// sample returns the last sample of a generator. The caller holds the lock.
func (d *desk) sample(name string) console.Sample {
	s := d.samples[name]
	s.Fingerprint = cmp.Or(s.Fingerprint, d.first)
	return s
}

// open lets samples begin until close, which waits for those that run. They end with ctx.
func (d *desk) open(ctx context.Context) (shut func()) {
	d.mu.Lock()
	d.ctx = ctx
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		d.ctx = nil
		d.mu.Unlock()
		d.making.Wait()
	}
}
