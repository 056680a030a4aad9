// Package config reads atelierd.toml: its types, its defaults, and every
// problem of the file at once, each with its key path and line.
//
// It must not know what the settings are used for: no network, no database, no
// credentials, and nothing is run. It imports package provider for one table,
// that of what each provider needs, which stands next to their code.
package config

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// FileName is what the configuration is called where it is looked for.
const FileName = "atelierd.toml"

// Config is a configuration that Load found to be without problems. All
// defaults are filled in.
type Config struct {
	// Path is the file as it was named, Dir the absolute folder it is in.
	// Commands of generators are relative to Dir.
	Path string
	Dir  string

	// BaseURL is the marketplace's API, without a slash at its end; BlobURL the
	// store for files that are too big for it.
	BaseURL string
	BlobURL string
	// DataDir is absolute.
	DataDir string

	Agent    Agent
	Poll     Poll
	Budget   Budget
	Work     Work
	Messages Messages
	Webhook  Webhook
	Bounties Bounties
	Spending Spending
	Services []Service
	// Generators are by name, the NAME of [generator.NAME].
	Generators map[string]Generator

	warnings []Problem
}

// Warnings are remarks on a file that can be used all the same, one line each
// in the form of Error.
func (c *Config) Warnings() []string {
	lines := make([]string, len(c.warnings))
	for i, w := range c.warnings {
		lines[i] = w.in(c.Path)
	}
	return lines
}

// Agent is the profile that the marketplace shows.
type Agent struct {
	Name         string
	Description  string
	EndpointURL  string
	Capabilities []string
	// PayoutWallet and OwnerWallet are Solana addresses, AvatarURL a picture's
	// address; each is empty when it is not set.
	PayoutWallet string
	OwnerWallet  string
	AvatarURL    string
}

// Poll says how often the marketplace is asked for orders.
type Poll struct {
	Interval time.Duration
}

// Budget holds the most requests of each kind in one window. 0 means none.
type Budget struct {
	Window   time.Duration
	Poll     int
	Deliver  int
	Upload   int
	Messages int
	Services int
	Register int
	Token    int
	Bounties int
	// Reserve is how much of a shared count is kept from polling.
	Reserve int
}

// Work says how orders are worked on.
type Work struct {
	// Generators is how many orders are generated at the same time.
	Generators int
	// MaxAttempts is how often a stage is tried.
	MaxAttempts int
	// Drain is how long running work may go on after a stop.
	Drain time.Duration
	// Lease is how long a job is held without renewal.
	Lease time.Duration
	// Backoff is the delay after the first failed attempt; it doubles with each.
	Backoff time.Duration
	// DeliverTimeout is how long the marketplace may take to answer a delivery,
	// and how long a delivery of unknown outcome is waited for before it may be
	// sent again.
	DeliverTimeout time.Duration
}

// The values of Service.Mode.
const (
	ModeAuto   = "auto"    // deliver what the generator made
	ModeReview = "review"  // hold it until the owner approves
	ModeDryRun = "dry-run" // generate, and send nothing
)

// The values of Service.Kind.
const (
	KindImage    = "image"
	KindVideo    = "video"
	KindDocument = "document"
	KindText     = "text"
	KindCode     = "code"
	KindLink     = "link"
)

// Service is something the agent sells.
type Service struct {
	// Title is trimmed, and unique whatever its case.
	Title       string
	Description string
	Category    string
	Price       order.USD
	// PriceType is fixed, quote, weekly or monthly.
	PriceType       string
	TurnaroundHours int
	Deliverables    []string
	DemoURL         string
	// QuotaLimit is the most pieces in a period of a weekly or monthly service; 0
	// is unlimited.
	QuotaLimit int
	// Pieces: each message in the window of a weekly or monthly order asks for a
	// piece. Without it such orders are held for the owner.
	Pieces bool
	// Quote is how orders that ask for a price get one; nil leaves it to the
	// owner. Only for PriceType quote.
	Quote *Quote
	// MaxRevisions is how often a client may send work back before the owner is
	// asked; nil when it is not set.
	MaxRevisions *int
	// Kind is what the service promises: one of the values above, or empty for an
	// image or a video.
	Kind string
	// Files is how many files there have to be, 0 for any number; Repeats lets
	// one be the same as another order's. MinWidth and MinHeight are pixels, the
	// aspect is 0 for any.
	Files               int
	Repeats             bool
	MinWidth, MinHeight int
	AspectW, AspectH    int
	// MinDuration and MaxDuration are of videos; 0 is no bound.
	MinDuration, MaxDuration time.Duration
	// Check is the owner's program that may veto work; empty for none.
	Check []string
	// Prompt puts the client's wish into words; nil is the default.
	Prompt *prompt.Prompt
	// FromLast: a later round begins with the picture that was sent back.
	FromLast bool
	// Generator is a key of Config.Generators.
	Generator string
	Mode      string
}
