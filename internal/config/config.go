// Package config reads atelierd.toml. It checks types and ranges, fills in
// defaults, and reports every problem of the file at once, each with its key path
// and line.
//
// It must not know what the settings are used for. It touches no network, no
// database and no credentials, and runs nothing. It imports package provider only
// for the table of what each provider needs.
package config

import (
	"time"

	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// FileName is the name of the configuration file in the folders that Find searches.
const FileName = "atelierd.toml"

// Config is a configuration without problems. All defaults are filled in.
type Config struct {
	// Path is the file as the caller named it, Dir its absolute folder. Paths and
	// commands in the file are relative to Dir.
	Path string
	Dir  string
	// Digest identifies the text of the file: another text has another digest.
	Digest string

	// BaseURL is the marketplace's API, BlobURL its store for files that are too
	// large for the API. Neither ends in a slash.
	BaseURL string
	BlobURL string
	// Local means that BaseURL is on this machine, as that of a sandbox is.
	Local bool
	// DataDir is absolute.
	DataDir string

	Agent    Agent
	Poll     Poll
	Budget   Budget
	Work     Work
	Messages Messages
	Webhook  Webhook
	Metrics  Metrics
	Console  Console
	MCP      MCP
	Ping     Ping
	NATS     NATS
	Backup   Backup
	Storage  Storage
	Bounties Bounties
	Spending Spending
	History  History
	Clients  Clients
	Services []Service
	Notify   []Notify
	// Generators has the NAME of [generator.NAME] as its key.
	Generators map[string]Generator
	Assistant  Assistant

	warnings []Problem
}

// Caps returns what calls may cost.
func (c *Config) Caps() order.Caps {
	s := c.Spending
	return order.Caps{Attempt: s.Attempt, Order: s.Order, Percent: s.Percent, Day: s.Day, Client: c.Clients.MaxCost}
}

// Warnings returns remarks that do not keep the file from being used, one line
// each in the form of Error.
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
	// PayoutWallet and OwnerWallet are Solana addresses, AvatarURL is the URL of a
	// picture. Each is empty when it is not set.
	PayoutWallet string
	OwnerWallet  string
	AvatarURL    string
	// PayoutAddressBase is an address on Base, and PayoutChain is solana or base.
	// Each is empty when it is not set.
	PayoutAddressBase string
	PayoutChain       string
	// AIModels are names by which clients filter agents.
	AIModels []string
	// KeyCredential is the systemd credential with the agent's id and key, or empty.
	KeyCredential string
}

// Poll configures how often the marketplace is asked for orders.
type Poll struct {
	Interval time.Duration
}

// Budget holds the maximum number of requests of each kind in one window. Zero
// allows none.
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
	// Reserve is the part of a shared window that polling leaves unused.
	Reserve int
	// SharedWith is the folder in which agents on one address count together, absolute, or
	// SharedNATS, or empty.
	SharedWith string
}

// SharedNATS has agents count together in NATS.
const SharedNATS = "nats"

// Work configures how orders are worked on.
type Work struct {
	// Generators is the number of orders that are generated at the same time.
	Generators int
	// MaxAttempts is the number of attempts of each stage.
	MaxAttempts int
	// Drain is how long running work may continue after a stop.
	Drain time.Duration
	// Lease is how long a job stays leased without renewal.
	Lease time.Duration
	// Backoff is the delay after the first failed attempt. It doubles with each.
	Backoff time.Duration
	// DeliverTimeout is how long the marketplace may take to answer a delivery. A
	// delivery with an unknown outcome is not sent again before it has passed.
	DeliverTimeout time.Duration
}

// The values of Service.Mode.
const (
	ModeAuto   = "auto"    // deliver the generator's files
	ModeReview = "review"  // hold the files until the owner approves
	ModeDryRun = "dry-run" // generate, but send nothing
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

// Question is something that clients answer when they order a service.
type Question struct {
	Label    string
	Type     string // text, textarea or select
	Required bool
	Options  []string // for select only
}

// Service is one thing that the agent sells.
type Service struct {
	// Title is trimmed and unique, ignoring case.
	Title       string
	Description string
	Category    string
	Price       order.USD
	// PriceType is fixed, quote, weekly or monthly.
	PriceType       string
	TurnaroundHours int
	Deliverables    []string
	DemoURL         string
	// QuotaLimit is the maximum number of pieces in a period of a weekly or monthly
	// service. Zero means unlimited.
	QuotaLimit int
	// Pieces makes each message in the window of a weekly or monthly order ask for
	// a piece. Without it such orders are held for the owner.
	Pieces bool
	// WindowMargin is how long before the end of its window such an order is
	// delivered. Zero is the larger of 30 minutes and 5 percent of the window.
	WindowMargin time.Duration
	// Quote prices orders that ask for a price. Nil leaves that to the owner. It is
	// set for PriceType quote only.
	Quote *Quote
	// MaxRevisions is how often a client may send work back.
	MaxRevisions int
	// Questions are what clients answer when they order.
	Questions []Question
	// Kind is the kind of file that the service delivers: one of the constants
	// above, or empty for an image or a video.
	Kind string
	// Files is the required number of files, zero for any. Repeats allows a file
	// that is the same as another order's. MinWidth and MinHeight are in pixels.
	// AspectW and AspectH are zero for any aspect ratio.
	Files               int
	Repeats             bool
	MinWidth, MinHeight int
	AspectW, AspectH    int
	// MinDuration and MaxDuration apply to videos. Zero sets no bound.
	MinDuration, MaxDuration time.Duration
	// Check is the owner's program that may reject finished work, or empty.
	Check []string
	// Prompt is the template of the generator's prompt. Nil is the default.
	Prompt *prompt.Prompt
	// Assist is what the assistant does for the service: some of the constants Assist....
	Assist []string
	// CheckBelow is the score, of 10, below which the assistant has the files made again, and
	// CheckAgain how often.
	CheckBelow, CheckAgain int
	// AssistInstructions are the owner's words to the assistant about prices and replies.
	AssistInstructions string
	// Reply is what becomes of the assistant's replies to clients.
	Reply string
	// FromLast hands the files that the client sent back to the generator in a
	// later round.
	FromLast bool
	// Generator is a key of Config.Generators.
	Generator string
	Mode      string
	// Storage is StorageMarketplace, own, or empty for own if there is a [storage].
	Storage string
}
