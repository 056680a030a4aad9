package owner

import (
	"context"
	"errors"
	"time"

	"atelierd/internal/order"
)

// Pause keeps work from beginning until the pause is over or Resume, also after a restart:
// for the service p.Service, or for all if it is empty. What is made
// already is uploaded and delivered. delisted are the services that are taken off the
// marketplace for it; the caller does that next.
func (a *Actions) Pause(p order.Pause, delisted []order.Listed) error {
	if !p.Until.IsZero() && !p.Until.After(time.Now()) {
		return &InputError{errors.New("the end of the pause is not in the future")}
	}
	return a.st.Pause(p, delisted)
}

// Resume ends the pause of a service, or the one of all if the title is empty. It fails
// with store.ErrNotPaused if there is none.
func (a *Actions) Resume(service string) error { return a.st.Resume(service) }

// IfPauses returns actions whose Pause and Resume fail with store.ErrPausesChanged unless seen
// is true of what is paused. It is called in the transaction, perhaps more than once.
func (a *Actions) IfPauses(seen func([]order.Pause) bool) *Actions {
	return &Actions{a.o, a.st.IfPauses(seen)}
}

// Pauses returns what is paused.
func (a *Actions) Pauses(ctx context.Context) ([]order.Pause, error) { return a.st.Pauses(ctx) }

// PausedFor returns the pause that keeps work on an order from beginning; ok is false if
// there is none.
func (a *Actions) PausedFor(ctx context.Context, id string) (p order.Pause, ok bool, err error) {
	o, err := a.st.Order(ctx, id)
	if err != nil {
		return p, false, err
	}
	return a.st.PauseOf(ctx, o.Service)
}

// Service returns the title of the service that a title, or an id at the marketplace,
// names.
func (a *Actions) Service(ctx context.Context, text string) (title string, err error) {
	known, err := a.st.Services(ctx)
	if err != nil {
		return "", err
	}
	for _, l := range known {
		if text != "" && l.RemoteID == text {
			return l.Title, nil
		}
	}
	return a.service(text)
}

// ResumeGenerator ends the pause of a generator that failed, before a probe would. It
// fails if the generator is not paused.
func (a *Actions) ResumeGenerator(name string) error { return a.st.ResumeGenerator(name) }
