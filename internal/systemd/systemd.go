// Package systemd speaks with the service manager that has started this process: whether
// the service is ready, what it does, and that it does not hang. It also finds out what the
// unit allows.
//
// It must not know what the daemon does, or when it hangs.
package systemd

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Service is this process as systemd sees it. All methods of a nil Service do nothing.
type Service struct {
	log      *slog.Logger
	watchdog time.Duration
	messages chan string
	sent     chan struct{} // closed once all messages are sent

	mu     sync.Mutex
	status string
	closed bool
}

const (
	// mostMessages is how many messages wait for a manager that reads none.
	mostMessages = 64
	// lastMessages is how long the end waits for them.
	lastMessages = time.Second
)

// New returns the service that this process is, or nil if no manager listens to it.
func New(getenv func(string) string, log *slog.Logger) *Service {
	if getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the watchdog of systemd is not fed", "error", err)
	}
	s := &Service{log: log, watchdog: watchdog, messages: make(chan string, mostMessages), sent: make(chan struct{})}
	go s.send()
	return s
}

// send sends the messages. A manager that does not read keeps nobody but this goroutine.
func (s *Service) send() {
	defer close(s.sent)
	failed := false
	for m := range s.messages {
		_, err := daemon.SdNotify(false, m)
		if err != nil && !failed {
			s.log.Warn("systemd cannot be told what the service does", "error", err)
		}
		failed = err != nil
	}
}

// Close sends what is left. Later messages are dropped.
func (s *Service) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.messages)
	}
	s.mu.Unlock()
	select {
	case <-s.sent:
	case <-time.After(lastMessages):
	}
}

// tell queues the lines as one message. It does not block: one that finds no room is
// dropped.
func (s *Service) tell(lines ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.messages <- strings.Join(lines, "\n"):
	default:
	}
}

// said returns the line of a status.
func (s *Service) said(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = strings.ReplaceAll(text, "\n", " ")
	return "STATUS=" + s.status
}

// extend has the manager wait for the next message for as long as within.
func extend(within time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", within.Microseconds())
}

// Starts says what the start does, and how long that may take. The start fails if no
// message follows by then.
func (s *Service) Starts(text string, within time.Duration) {
	if s != nil {
		s.tell(s.said(text), extend(within))
	}
}

// Ready says that the service does its work, after a start or a reload.
func (s *Service) Ready() {
	if s != nil {
		s.tell(daemon.SdNotifyReady)
	}
}

// Status says what the service does, in one line.
func (s *Service) Status(text string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	same := s.status == text
	s.mu.Unlock()
	if !same {
		s.tell(s.said(text))
	}
}

// Watchdog returns the longest time between two calls of Alive, or 0 if nobody watches.
func (s *Service) Watchdog() time.Duration {
	if s == nil {
		return 0
	}
	return s.watchdog
}

// Alive says that the service does not hang.
func (s *Service) Alive() {
	if s != nil {
		s.tell(daemon.SdNotifyWatchdog)
	}
}

// Reloads says that the service reads its configuration again, which may take as long as
// within. Ready ends it.
func (s *Service) Reloads(within time.Duration) {
	if s != nil {
		s.tell(daemon.SdNotifyReloading, strings.TrimSpace(daemon.SdNotifyMonotonicUsec()), extend(within))
	}
}

// Stops says that the service stops, which may take as long as within.
func (s *Service) Stops(text string, within time.Duration) {
	if s != nil {
		s.tell(daemon.SdNotifyStopping, s.said(text), extend(within))
	}
}
