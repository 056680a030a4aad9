// Package access says who may use the console: users with passwords, links that log in
// once, sessions, and the tokens of agents that act for the owner. They are in a database of their own (DATA/console.db), so that a
// copy of the ledger lets nobody in. It keeps hashes only.
//
// It must not know HTTP, the ledger, or what a role may do.
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"
	"unicode"
	"unicode/utf8"

	"atelierd/db"
	"atelierd/internal/console/access/query"
	"atelierd/internal/store/migrate"
	"atelierd/internal/store/utc"

	_ "modernc.org/sqlite" // the driver
)

// FileName is the name of the database in the data folder.
const FileName = "console.db"

const (
	// LinkLife is how long a link logs in.
	LinkLife = 5 * time.Minute
	// sessionLife is how long a session lasts, and idleLife how long without a request.
	sessionLife = 90 * 24 * time.Hour
	idleLife    = 14 * 24 * time.Hour
	// usedEvery is how often the use of a session is recorded.
	usedEvery = time.Hour
)

// maxName is the most characters of a user's name.
const maxName = 40

// Role is what a user may do.
type Role string

// The roles.
const (
	Owner  Role = "owner"  // everything that the console offers
	Reader Role = "reader" // look at everything, change nothing
)

// User is somebody who has a role.
type User struct {
	Name  string
	Role  Role
	Added time.Time
	// Password is false for one who logs in by links only.
	Password bool
}

// Who is who uses the console.
type Who struct {
	Name string
	Role Role
}

// ErrRefused says that a password, a link or a session is none, without which of them.
var ErrRefused = errors.New("not known here, or expired")

// ErrUnknown says that there is no user or token of a name.
var ErrUnknown = errors.New("no such")

// Access is the open database. Its methods may be called at the same time.
type Access struct {
	db *sql.DB
	q  *query.Queries
}

// Open opens the database in dir, and creates it if there is none.
func Open(ctx context.Context, dir string) (*Access, error) {
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // before SQLite, which would make it readable to others
	if err != nil {
		return nil, fmt.Errorf("create the database of the console: %w", err)
	}
	f.Close()
	// A command and the daemon may make it at the same moment. Whoever fails then finds it
	// made a little later.
	a, err := open(ctx, path)
	for try := 0; err != nil && !errors.Is(err, migrate.ErrNewer) && try < openTries; try++ {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		a, err = open(ctx, path)
	}
	return a, err
}

// openTries is how often a database that cannot be opened is tried again.
const openTries = 40

func open(ctx context.Context, path string) (*Access, error) {
	pool, err := connect(path, "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	a := &Access{db: pool, q: query.New(pool)}
	if err := migrate.Up(ctx, a.db, db.ConsoleMigrations()); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), pool.Close())
	}
	return a, nil
}

func connect(path string, pragmas ...string) (*sql.DB, error) {
	options := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...), "_txlock": {"immediate"}}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err == nil {
		pool.SetMaxOpenConns(1)
	}
	return pool, err
}

// CopyTo writes a copy of the database in dir, as it is at one moment, into a new file. It
// has users and tokens. Sessions and links stay behind: whoever gets the copy needs none.
func CopyTo(ctx context.Context, dir, path string) error {
	from, err := connect(filepath.Join(dir, FileName))
	if err != nil {
		return err
	}
	_, err = from.ExecContext(ctx, "VACUUM INTO ?", path)
	if err = errors.Join(err, from.Close()); err != nil {
		return err
	}
	to, err := connect(path, "journal_mode(DELETE)")
	if err != nil {
		return err
	}
	q := query.New(to)
	return errors.Join(q.ForgetSessions(ctx), q.ForgetLinks(ctx), to.Close())
}

// Close closes the database.
func (a *Access) Close() error { return a.db.Close() }

// CheckName returns why a text is no name of a user, or nil.
func CheckName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return fmt.Errorf("the name has %d characters; write 1 to %d", n, maxName)
	}
	for _, r := range name {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return errors.New("the name has a space or a character that does not print; write one word")
		}
	}
	return nil
}

// PutUser adds a user, or gives one another password and role. Without a password links
// alone log in. Sessions and links of that name end.
func (a *Access) PutUser(ctx context.Context, name, password string, role Role) error {
	if err := CheckName(name); err != nil {
		return err
	}
	hash := ""
	if password != "" {
		if err := CheckPassword(password); err != nil {
			return err
		}
		hash = hashPassword(password)
	}
	return a.inTx(ctx, func(q *query.Queries) error {
		if err := q.PutUser(ctx, query.PutUserParams{Name: name, Role: string(role), Password: hash, AddedAt: utc.At(time.Now())}); err != nil {
			return err
		}
		_, err := end(ctx, q, name)
		return err
	})
}

// end ends the sessions and the links of a name, and returns how many there were.
func end(ctx context.Context, q *query.Queries, name string) (ended int64, err error) {
	sessions, err := q.DeleteSessionsOf(ctx, name)
	if err != nil {
		return 0, err
	}
	links, err := q.DeleteLinksOf(ctx, name)
	return sessions + links, err
}

// RemoveUser removes a user and ends the sessions and links of that name, also those of
// whoever logged in by a link and is no user. It fails with ErrUnknown if there is nothing.
func (a *Access) RemoveUser(ctx context.Context, name string) error {
	return a.inTx(ctx, func(q *query.Queries) error {
		removed, err := q.DeleteUser(ctx, name)
		if err != nil {
			return err
		}
		ended, err := end(ctx, q, name)
		if err == nil && removed+ended == 0 {
			err = fmt.Errorf("%w user: %.100q", ErrUnknown, name)
		}
		return err
	})
}

// Users returns all users by name.
func (a *Access) Users(ctx context.Context) ([]User, error) {
	rows, err := a.q.ListUsers(ctx)
	list := make([]User, 0, len(rows))
	for _, r := range rows {
		list = append(list, User{Name: r.Name, Role: Role(r.Role), Added: r.AddedAt.Time, Password: r.Password != ""})
	}
	return list, err
}

// NewLink returns the secret of a link that logs name in, once and within LinkLife: as what
// the user of that name is, or as an owner.
func (a *Access) NewLink(ctx context.Context, name string) (secret string, err error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	now := utc.At(time.Now())
	secret, hash := newSecret()
	return secret, a.inTx(ctx, func(q *query.Queries) error {
		if err := q.DeleteExpiredLinks(ctx, now); err != nil {
			return err
		}
		users, err := q.GetUser(ctx, name)
		if err != nil {
			return err
		}
		role := string(Owner)
		if len(users) > 0 {
			role = users[0].Role
		}
		return q.AddLink(ctx, query.AddLinkParams{Hash: hash, Name: name, Role: role, ExpiresAt: utc.At(time.Now().Add(LinkLife))})
	})
}

// LinkWaits reports whether a link would log in. It does not use it up.
func (a *Access) LinkWaits(ctx context.Context, secret string) (bool, error) {
	waits, err := a.q.LinkWaits(ctx, query.LinkWaitsParams{Hash: hashSecret(secret), Now: utc.At(time.Now())})
	return waits, err
}

// UseLink uses a link up and returns the secret of a new session, or ErrRefused.
func (a *Access) UseLink(ctx context.Context, secret string) (session string, err error) {
	err = a.inTx(ctx, func(q *query.Queries) error {
		links, err := q.TakeLink(ctx, query.TakeLinkParams{Hash: hashSecret(secret), Now: utc.At(time.Now())})
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return ErrRefused
		}
		session, err = a.begin(ctx, q, Who{Name: links[0].Name, Role: Role(links[0].Role)})
		return err
	})
	return session, err
}

// Login returns the secret of a new session of a user, or ErrRefused. It takes as long for
// a name that is none.
func (a *Access) Login(ctx context.Context, name, password string) (session string, err error) {
	rows, err := a.q.GetUser(ctx, name)
	if err != nil {
		return "", err
	}
	stored := ""
	if len(rows) > 0 {
		stored = rows[0].Password
	}
	if !passwordFits(stored, password) {
		return "", ErrRefused
	}
	err = a.inTx(ctx, func(q *query.Queries) error {
		now, err := q.GetUser(ctx, name)
		if err != nil {
			return err
		}
		if len(now) == 0 || now[0].Password != stored {
			return ErrRefused // it was changed meanwhile
		}
		session, err = a.begin(ctx, q, Who{Name: name, Role: Role(now[0].Role)})
		return err
	})
	return session, err
}

// begin begins a session, and removes those that have ended.
func (a *Access) begin(ctx context.Context, q *query.Queries, who Who) (string, error) {
	now := time.Now()
	if err := q.DeleteExpiredSessions(ctx, query.DeleteExpiredSessionsParams{Now: utc.At(now), Idle: utc.At(now.Add(-idleLife))}); err != nil {
		return "", err
	}
	secret, hash := newSecret()
	return secret, q.AddSession(ctx, query.AddSessionParams{
		Hash: hash, Name: who.Name, Role: string(who.Role), Now: utc.At(now), ExpiresAt: utc.At(now.Add(sessionLife)),
	})
}

// Session returns whose session a secret is of, or ErrRefused.
func (a *Access) Session(ctx context.Context, secret string) (Who, error) {
	hash, now := hashSecret(secret), time.Now()
	rows, err := a.q.GetSession(ctx, query.GetSessionParams{Hash: hash, Now: utc.At(now), Idle: utc.At(now.Add(-idleLife))})
	if err != nil {
		return Who{}, err
	}
	if len(rows) == 0 {
		return Who{}, ErrRefused
	}
	if now.Sub(rows[0].UsedAt.Time) >= usedEvery {
		if err := a.q.UseSession(ctx, query.UseSessionParams{Hash: hash, Now: utc.At(now)}); err != nil {
			return Who{}, err
		}
	}
	return Who{Name: rows[0].Name, Role: Role(rows[0].Role)}, nil
}

// Logout ends a session.
func (a *Access) Logout(ctx context.Context, secret string) error {
	return a.q.DeleteSession(ctx, hashSecret(secret))
}

func (a *Access) inTx(ctx context.Context, do func(*query.Queries) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it does nothing after a commit
	if err := do(a.q.WithTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// newSecret returns a secret of 256 bits, and its hash.
func newSecret() (secret string, hash []byte) {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	secret = base64.RawURLEncoding.EncodeToString(b)
	return secret, hashSecret(secret)
}

// hashSecret is plain, because nobody can try all secrets of 256 bits.
func hashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
