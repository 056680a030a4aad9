// Package owner does what the owner decides about orders and the daemon. Each action is
// one transaction of the store, each of its events records who acted, and it refuses an
// order that is not as its owner has seen it. Commands, the console and agents call it. It
// works with or without a running daemon, and does not notify one.
//
// It must not know the command line, HTTP, the configuration, or how the program is
// wired.
package owner

import (
	"context"

	"atelierd/internal/order"
	"atelierd/internal/store"
)

// Decide returns what follows for an order from what is sold now.
type Decide = func(order.Known, order.Facts) order.Decision

// Options say whose actions they are, and on what. Dir and By are needed.
type Options struct {
	// Dir is the data folder.
	Dir string
	// By is who acts.
	By order.Actor
	// Services returns the titles of what is sold now, for Assign.
	Services func() []string
	// Decide returns the decisions on orders as they are now, for Assign.
	Decide func(context.Context, *store.Store) (Decide, error)
	// CheckText returns an error if a text must not leave this machine; nil allows all.
	CheckText func(text string) error
}

// InputError is a request that is wrong in itself, such as a price of 0. Nothing was
// changed.
type InputError struct{ Err error }

// Error describes the error.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *InputError) Unwrap() error { return e.Err }

// Actions are the owner's lasting actions on one data folder.
type Actions struct {
	o  Options
	st store.Owner
}

// Open opens the database for actions. It creates and migrates nothing, and it takes no
// lock. The caller closes it.
func Open(o Options) (*Actions, error) {
	st, err := store.OpenOwner(o.Dir, o.By)
	if err != nil {
		return nil, err
	}
	if o.CheckText == nil {
		o.CheckText = func(string) error { return nil }
	}
	return &Actions{o, st}, nil
}

// Close closes the database.
func (a *Actions) Close() error { return a.st.Close() }

// Find returns the id of the one order whose id begins or ends with text. Its errors are
// store.ErrNotFound and store.ErrAmbiguous.
func (a *Actions) Find(ctx context.Context, text string) (id string, err error) {
	return a.st.Resolve(ctx, text)
}

// State returns the state of an order.
func (a *Actions) State(ctx context.Context, id string) (order.State, error) {
	o, err := a.st.Order(ctx, id)
	return o.State, err
}

// WaitsForApproval reports whether something of an order waits for the owner's approval, and
// whether that is all that there is to do.
func (a *Actions) WaitsForApproval(ctx context.Context, id string) (some, all bool, err error) {
	o, err := a.st.Order(ctx, id)
	if err != nil {
		return false, false, err
	}
	some, err = a.st.WaitsForApproval(ctx, o)
	return some, some && o.State == order.StateHeld && o.Code == order.CodeReview, err
}

// Dir returns the data folder.
func (a *Actions) Dir() string { return a.o.Dir }
