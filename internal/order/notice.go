package order

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// News is a kind of news for the owner. Each target of notifications names the kinds
// that it takes.
type News string

// The kinds of news.
const (
	// NewsNeedsOwner: something waits for the owner.
	NewsNeedsOwner News = "needs_owner"
	// NewsDown: the agent earns nothing, because the marketplace is not reached, the key is
	// refused, or the database's file is gone. Or the daemon was started again after a crash.
	NewsDown News = "down"
	// NewsDelivered: an order was delivered.
	NewsDelivered News = "delivered"
	// NewsMessage: a client wrote.
	NewsMessage News = "message"
	// NewsDigest: the summary of a day.
	NewsDigest News = "digest"
)

// AllNews returns all kinds of news.
func AllNews() []News {
	return []News{NewsNeedsOwner, NewsDown, NewsDelivered, NewsMessage, NewsDigest}
}

// The times of announcements.
const (
	// AnnounceAfter is how long an alert must stand until it is announced.
	AnnounceAfter = time.Minute
	// RemindAfter is how long after its last announcement the owner is reminded of an
	// alert that is still open.
	RemindAfter = 24 * time.Hour
	// overWait is how long the news that an alert is over waits for a message to go with.
	overWait = 15 * time.Minute
	// GiveUpAfter is the age at which a message that cannot be sent is given up. What
	// still stands is announced again as a reminder.
	GiveUpAfter = 24 * time.Hour
)

// Condition is something that is wrong now.
type Condition struct {
	What   string // order, piece, message, thread, service, row, generator or daemon
	ID     string
	Code   Code
	State  string
	Reason string
	Hint   string
	// Timed: a rule about time found it, and no row of the database shows it.
	Timed bool
}

// News returns the kind of news that the condition is.
func (c Condition) News() News {
	if c.Stops() || c.Code == AlertCrashed.Code() {
		return NewsDown
	}
	return NewsNeedsOwner
}

// Stops reports whether the agent earns nothing while the condition lasts.
func (c Condition) Stops() bool {
	return slices.Contains([]Code{AlertKey.Code(), AlertUnreachable.Code(), AlertDatabase.Code()}, c.Code)
}

// Same reports whether two conditions are one alert.
func (c Condition) Same(d Condition) bool {
	return c.What == d.What && c.ID == d.ID && c.Code == d.Code
}

// OrderID returns the order that the condition is about, or "".
func (c Condition) OrderID() string {
	if slices.Contains([]string{"order", "piece", "message", "thread"}, c.What) {
		return c.ID
	}
	return ""
}

// Line says in one line what is wrong.
func (c Condition) Line() string {
	line := c.What + " " + c.ID
	if c.What == "daemon" || c.What == "row" {
		line = ""
	} else if c.State != "" {
		line += " " + c.State
	}
	if c.Reason != "" {
		line += ": " + c.Reason
	}
	return strings.TrimPrefix(line, ": ")
}

// Watch is what a look for what is wrong needs to know beyond the database.
type Watch struct {
	// Began is when the process has begun to ask the marketplace, and PollWithin how old
	// the last answered poll may be. Zero looks at no poll.
	Began      time.Time
	PollWithin time.Duration
	// Starts looks for crashes alone, and closes no alert: the process has just begun and
	// knows little else.
	Starts bool
	// More are conditions that no row of the database shows.
	More []Condition
	// Hint returns the next step for a condition that has none. It may be nil.
	Hint func(Condition) string
	// After is how long an alert must stand until it is announced.
	After     time.Duration
	Listeners []Listener
}

// Checked is what a look for what is wrong has found.
type Checked struct {
	Opened []Condition
	Closed int
	// Until is how long a second look finds the same, unless the database or the Watch
	// changes.
	Until time.Time
}

// Listener is a target of notifications as the store sees it.
type Listener struct {
	Name string
	News []News
	// PerHour is the most messages in an hour, or 0.
	PerHour int
	// Zone is the time zone of times in messages; nil is UTC.
	Zone *time.Location
	// Pages is the address below which each order has its page, or "".
	Pages string
}

// Linked returns a line about an order, with the address of the order's page below it where
// the listener has pages.
func (l Listener) Linked(n Notice, orderID string) Notice {
	if l.Pages != "" && orderID != "" {
		n.More = strings.TrimPrefix(n.More+"\n"+l.Pages+url.PathEscape(orderID), "\n")
	}
	return n
}

// Takes reports whether the listener takes news of the kind.
func (l Listener) Takes(n News) bool { return slices.Contains(l.News, n) }

// NoticeKind is what a line of a message is about.
type NoticeKind string

// The kinds of line.
const (
	NoticeAlert     NoticeKind = "alert"
	NoticeReminder  NoticeKind = "reminder"
	NoticeOver      NoticeKind = "over"
	NoticeDelivered NoticeKind = "delivered"
	NoticeMessage   NoticeKind = "message"
	NoticeDigest    NoticeKind = "digest"
)

// Wait returns how long a line of the kind may wait for others to go with.
func (k NoticeKind) Wait() time.Duration {
	if k == NoticeOver {
		return overWait
	}
	return 0
}

// Notice is one line for the owner.
type Notice struct {
	Kind   NoticeKind
	Urgent bool
	Line   string
	// More has further lines, such as the next command, or is empty.
	More string
	// OverAt is when the alert of the line was over, in the time zone of who reads it, or
	// zero.
	OverAt time.Time
}

// Dispatch is one message to one target.
type Dispatch struct {
	ID     int64
	Title  string
	Text   string
	Urgent bool
	At     time.Time
	Tries  int
	// Ref is the service's name for a message that was sent.
	Ref string
}

// Bundle writes one message of several lines. A single line is the title, and several
// are counted in it.
func Bundle(list []Notice) (title, text string, urgent bool) {
	var lines []string
	counts := map[NoticeKind]int{}
	for _, n := range list {
		line, kind := n.Line, n.Kind
		switch {
		case n.Kind == NoticeReminder:
			line = "still: " + line
		case n.Kind == NoticeOver:
			line = "over: " + line
		case !n.OverAt.IsZero():
			line, kind = "over since "+n.OverAt.Format("15:04 MST")+": "+line, NoticeOver
		}
		urgent = urgent || n.Urgent && n.OverAt.IsZero()
		counts[kind]++
		if len(list) == 1 {
			return line, n.More, urgent
		}
		lines = append(lines, line)
		for more := range strings.Lines(n.More) {
			lines = append(lines, "  "+strings.TrimRight(more, "\n"))
		}
	}
	var parts []string
	for _, k := range bundled {
		switch n := counts[k.kind]; {
		case n == 1:
			parts = append(parts, "1 "+k.one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, k.several))
		}
	}
	return strings.Join(parts, ", "), strings.Join(lines, "\n"), urgent
}

// bundled names what the lines of a message are about, by their kind.
var bundled = []struct {
	kind         NoticeKind
	one, several string
}{
	{NoticeAlert, "needs you", "need you"},
	{NoticeReminder, "still needs you", "still need you"},
	{NoticeOver, "over", "over"},
	{NoticeDelivered, "delivered", "delivered"},
	{NoticeMessage, "message of a client", "messages of clients"},
	{NoticeDigest, "daily summary", "daily summaries"},
}
