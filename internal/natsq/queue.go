package natsq

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"atelierd/internal/secret"
)

// Options say how to connect to NATS.
type Options struct {
	// URLs are the servers. Only those of this machine may be without TLS.
	URLs []string
	// Name is how the connection is shown at the server. ValidName holds for it.
	Name string
	// Seed returns the seed of the nkey with which this side logs in; nil for none.
	Seed func() (secret.Text, error)
	// CAFile has the certificates that sign those of the servers; empty for the system's.
	CAFile string
	// Wait limits one request; 0 is 10 seconds.
	Wait time.Duration
	// Log gets a line when the connection is lost or back. Nil discards it.
	Log *slog.Logger
}

// Queue is a connection to NATS. It reconnects by itself, without a limit of time.
type Queue struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	wait time.Duration
	// inbox is where answers come to.
	inbox string

	mu     sync.Mutex
	states jetstream.KeyValue
	there  jetstream.KeyValue
	// requests is the bucket of Requests.
	requests jetstream.KeyValue
}

// Insecure reports whether a connection to the address would cross the network in plain
// text.
func Insecure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "tls" || u.Scheme == "wss" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Open connects to NATS. It fails if no server can be reached.
func Open(o Options) (*Queue, error) {
	if i := slices.IndexFunc(o.URLs, Insecure); i >= 0 {
		return nil, fmt.Errorf("%.100q would cross the network in plain text; use tls://", o.URLs[i])
	}
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	options, err := o.nats()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(strings.Join(o.URLs, ","), options...)
	if err != nil {
		return nil, fmt.Errorf("NATS cannot be reached: %w", err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(o.Wait))
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Queue{nc: nc, js: js, wait: o.Wait, inbox: inbox(o.Name)}, nil
}

func (o Options) nats() ([]nats.Option, error) {
	list := []nats.Option{
		nats.Name("atelierd " + o.Name), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.Timeout(o.Wait),
		// A server that a plain one names may be elsewhere.
		nats.IgnoreDiscoveredServers(),
		nats.CustomInboxPrefix(inbox(o.Name)),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				o.Log.Warn("the connection to NATS is lost; connecting again", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { o.Log.Info("connected to NATS again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			o.Log.Debug("NATS reports an error", "error", err)
		}),
	}
	if slices.ContainsFunc(o.URLs, func(u string) bool { return strings.HasPrefix(u, "tls:") }) {
		conf, err := o.tls()
		if err != nil {
			return nil, err
		}
		list = append(list, nats.Secure(conf))
	}
	if o.Seed != nil {
		key, err := o.key()
		if err != nil {
			return nil, err
		}
		list = append(list, key)
	}
	return list, nil
}

// tls returns how the certificates of the servers are checked.
func (o Options) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile == "" {
		return conf, nil
	}
	text, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, err
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate", o.CAFile)
	}
	return conf, nil
}

// key returns the option that signs with the seed. The seed is read for each connection, so
// that it can be replaced in place.
func (o Options) key() (nats.Option, error) {
	read := func() (nkeys.KeyPair, error) {
		text, err := o.Seed()
		if err != nil {
			return nil, err
		}
		pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(text.Reveal())))
		if err != nil {
			return nil, errors.New("the nkey cannot be read: it is not the seed of a user")
		}
		return pair, nil
	}
	pair, err := read()
	if err != nil {
		return nil, err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return nil, err
	}
	return nats.Nkey(public, func(nonce []byte) ([]byte, error) {
		pair, err := read()
		if err != nil {
			return nil, err
		}
		defer pair.Wipe()
		return pair.Sign(nonce)
	}), nil
}

// inbox is where the answers for one side come to. No other side may read there.
func inbox(name string) string { return "_INBOX_" + token(name) }

// Close ends the connection.
func (q *Queue) Close() error {
	q.nc.Close()
	return nil
}

// within limits one request. The client waits as long as a context says, and the answer to
// a request that a dying server took never comes.
func (q *Queue) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, q.wait)
}

// buckets opens the buckets of records and workers, once.
func (q *Queue) buckets(ctx context.Context) (states, there jetstream.KeyValue, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.states == nil {
		if states, err = q.js.KeyValue(ctx, BucketState); err != nil {
			return nil, nil, missing(err)
		}
		if there, err = q.js.KeyValue(ctx, BucketWorkers); err != nil {
			return nil, nil, missing(err)
		}
		q.states, q.there = states, there
	}
	return q.states, q.there, nil
}

// missing returns ErrNotSetUp where something is not there that Setup creates.
func missing(err error) error {
	for _, gone := range []error{jetstream.ErrBucketNotFound, jetstream.ErrStreamNotFound, jetstream.ErrConsumerNotFound} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w: %w", ErrNotSetUp, err)
		}
	}
	return err
}

// Entry is a record as it was read.
type Entry struct {
	Record
	Route, Key string
	// Beat is when it was last changed, by the clock of the server.
	Beat     time.Time
	revision uint64
}

// Same reports whether nobody has changed the record between two reads.
func (e Entry) Same(other Entry) bool { return e.revision == other.revision }

func place(route, key string) string { return route + "." + key }

// Get reads the record of a call. Without one it fails with ErrAbsent.
func (q *Queue) Get(ctx context.Context, route, key string) (Entry, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	states, _, err := q.buckets(ctx)
	if err != nil {
		return Entry{}, err
	}
	found, err := states.Get(ctx, place(route, key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Entry{}, ErrAbsent
	}
	if err != nil {
		return Entry{}, missing(err)
	}
	e := Entry{Route: route, Key: key, Beat: found.Created(), revision: found.Revision()}
	if err := json.Unmarshal(found.Value(), &e.Record); err != nil {
		return Entry{}, fmt.Errorf("the record of call %s cannot be read: %w", key, err)
	}
	return e, nil
}

// Latest is like Get, but asks the leader before it reports that there is no record. Another
// server may not have a record yet that was just written.
func (q *Queue) Latest(ctx context.Context, route, key string) (Entry, error) {
	e, err := q.Get(ctx, route, key)
	if !errors.Is(err, ErrAbsent) {
		return e, err
	}
	ctx, cancel := q.within(ctx)
	defer cancel()
	what, err := json.Marshal(map[string]string{"last_by_subj": "$KV." + BucketState + "." + place(route, key)})
	if err != nil {
		return Entry{}, err
	}
	msg, err := q.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET.KV_"+BucketState, what)
	if err != nil {
		return Entry{}, err
	}
	return lead(msg.Data, Entry{Route: route, Key: key})
}

// lead reads a record as the server that leads shows it.
func lead(answer []byte, e Entry) (Entry, error) {
	var shown struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq  uint64    `json:"seq"`
			Data []byte    `json:"data"`
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer, &shown); err != nil {
		return Entry{}, fmt.Errorf("the record of call %s cannot be read: %w", e.Key, err)
	}
	switch {
	case shown.Error != nil && shown.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return Entry{}, ErrAbsent
	case shown.Error != nil && shown.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return Entry{}, missing(jetstream.ErrStreamNotFound)
	case shown.Error != nil:
		return Entry{}, shown.Error
	}
	e.Beat, e.revision = shown.Message.Time, shown.Message.Seq
	if err := json.Unmarshal(shown.Message.Data, &e.Record); err != nil {
		return Entry{}, fmt.Errorf("the record of call %s cannot be read: %w", e.Key, err)
	}
	return e, nil
}

// Create writes the first record of a call. It fails with ErrChanged if there is one.
func (q *Queue) Create(ctx context.Context, route, key string, r Record) (Entry, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	states, _, err := q.buckets(ctx)
	if err != nil {
		return Entry{}, err
	}
	text, err := r.text()
	if err != nil {
		return Entry{}, err
	}
	revision, err := states.Create(ctx, place(route, key), text)
	if err != nil {
		return Entry{}, changed(err)
	}
	return Entry{Record: r, Route: route, Key: key, Beat: time.Now(), revision: revision}, nil
}

// Change replaces the record that was read. It fails with ErrChanged if e is not the newest
// record, and with another error if the state of r may not follow that of e.
func (q *Queue) Change(ctx context.Context, e Entry, r Record) (Entry, error) {
	if !slices.Contains(next[e.State], r.State) {
		return e, fmt.Errorf("a call that is %s cannot be %s", e.State, r.State)
	}
	ctx, cancel := q.within(ctx)
	defer cancel()
	states, _, err := q.buckets(ctx)
	if err != nil {
		return e, err
	}
	text, err := r.text()
	if err != nil {
		return e, err
	}
	revision, err := states.Update(ctx, place(e.Route, e.Key), text, e.revision)
	if err != nil {
		return e, changed(err)
	}
	e.Record, e.revision, e.Beat = r, revision, time.Now()
	return e, nil
}

func (r *Record) text() ([]byte, error) {
	r.Version = Version
	return json.Marshal(r)
}

// changed returns ErrChanged for a change that was refused because of another.
func changed(err error) error {
	if e, ok := errors.AsType[*jetstream.APIError](err); ok &&
		(e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) {
		return ErrChanged
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		return ErrChanged
	}
	return missing(err)
}

// Now returns the time by the clock of the server that keeps the records.
func (q *Queue) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	s, err := q.js.Stream(ctx, "KV_"+BucketState)
	if err != nil {
		return time.Time{}, missing(err)
	}
	return s.CachedInfo().TimeStamp, nil
}

// Silent returns how long ago the call was last changed, by the server's clock.
func (q *Queue) Silent(ctx context.Context, e Entry) (time.Duration, error) {
	now, err := q.Now(ctx)
	return now.Sub(e.Beat), err
}
