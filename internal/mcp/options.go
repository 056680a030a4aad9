package mcp

import (
	"context"
	"log/slog"

	"atelierd/internal/owner"
	"atelierd/internal/view"
)

// Options are what agents are shown, and what does what they ask for. All are needed.
type Options struct {
	Reader  view.Reader
	Queries Queries
	// Owner does what agents ask for. They act in their own names.
	Owner *owner.Actions
	// Wake has a running daemon notice what was done.
	Wake func(context.Context)
	// Capped reports whether something limits what an order or a day may cost.
	Capped func() bool
	// Picture returns a file as a picture of at most MaxPixels and MaxPicture.
	Picture func(view.File) ([]byte, error)
	// Redact replaces in a text what is secret: the key, the wallets, what is configured.
	Redact  func(string) string
	Version string
	Log     *slog.Logger
}
