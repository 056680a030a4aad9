package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrNoDaemon says that nothing answers at the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// quick is how long a daemon may take for an answer that waits for nothing.
const quick = 10 * time.Second

// maxAnswer is the most bytes of an answer.
const maxAnswer = 4 << 20

// Client asks a running daemon.
type Client struct {
	http *http.Client
}

// NewClient returns a client for the socket at path. It connects for each request.
func NewClient(path string) *Client {
	return &Client{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: quick}).DialContext(ctx, "unix", path)
		},
	}}}
}

// State returns what the daemon does at the moment.
func (c *Client) State(ctx context.Context) (s State, err error) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	return s, c.ask(ctx, http.MethodGet, "/state", &s)
}

// Wake has the daemon look at the database at once.
func (c *Client) Wake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	return c.ask(ctx, http.MethodPost, "/wake", nil)
}

// Poll has the daemon poll now, and returns what it has found. It waits for the answer of
// the marketplace.
func (c *Client) Poll(ctx context.Context) (p Poll, err error) {
	return p, c.ask(ctx, http.MethodPost, "/poll", &p)
}

// Reload has the daemon read its configuration again, and waits for that.
func (c *Client) Reload(ctx context.Context) (r Reload, err error) {
	return r, c.ask(ctx, http.MethodPost, "/reload", &r)
}

// ConsoleLink has the daemon make a link that logs name in to the console once.
func (c *Client) ConsoleLink(ctx context.Context, name string) (l ConsoleLink, err error) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	return l, c.ask(ctx, http.MethodPost, "/console/link?as="+url.QueryEscape(name), &l)
}

// ask sends a request and reads the answer into v, unless that is nil.
func (c *Client) ask(ctx context.Context, method, path string, v any) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://daemon"+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
			return fmt.Errorf("%w at its socket: %w", ErrNoDaemon, failed.Err)
		}
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // its text holds an address that means nothing to the owner
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the daemon did not answer within %s", quick)
		}
		return fmt.Errorf("the daemon did not answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("the answer of the daemon was cut: %w", err)
	case answer.StatusCode == http.StatusNotFound:
		return errors.New("the running daemon is of another version and does not know this command; restart it")
	case answer.StatusCode >= http.StatusBadRequest:
		return errors.New(strings.TrimSpace(string(body)))
	case v == nil:
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("read the answer of the daemon: %w", err)
	}
	return nil
}
