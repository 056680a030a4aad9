package access_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/console/access"
)

const password = "correct horse battery"

func open(t *testing.T, dir string) *access.Access {
	t.Helper()
	a, err := access.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// login returns the session of a log-in that has to succeed.
func login(t *testing.T, a *access.Access, name, password string) string {
	t.Helper()
	session, err := a.Login(t.Context(), name, password)
	if err != nil {
		t.Fatalf("log in as %s: %v", name, err)
	}
	return session
}

func refused(t *testing.T, a *access.Access, session, why string) {
	t.Helper()
	if who, err := a.Session(t.Context(), session); !errors.Is(err, access.ErrRefused) {
		t.Errorf("%s: the session is of %+v (%v)", why, who, err)
	}
}

func TestALinkLogsInOnceWithinFiveMinutes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, dir)
		secret, err := a.NewLink(t.Context(), "jo")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // a preview looks, and uses nothing up
			if waits, err := a.LinkWaits(t.Context(), secret); !waits || err != nil {
				t.Fatalf("the link waits: %t, %v", waits, err)
			}
		}
		session, err := a.UseLink(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := a.Session(t.Context(), session); err != nil || who != (access.Who{Name: "jo", Role: access.Owner}) {
			t.Errorf("logged in as %+v, %v", who, err)
		}
		if _, err := a.UseLink(t.Context(), secret); !errors.Is(err, access.ErrRefused) {
			t.Errorf("the second use of a link: %v", err)
		}
		late, err := a.NewLink(t.Context(), "jo")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(access.LinkLife)
		if waits, _ := a.LinkWaits(t.Context(), late); waits {
			t.Error("a link waits after its time")
		}
		if _, err := a.UseLink(t.Context(), late); !errors.Is(err, access.ErrRefused) {
			t.Errorf("a link that is too old: %v", err)
		}
	})
}

// TestOfManyWhoUseALinkOneIsLoggedIn guards that a stolen link and the owner's own cannot
// both log in.
func TestOfManyWhoUseALinkOneIsLoggedIn(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	secret, err := a.NewLink(t.Context(), "jo")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	sessions := make(chan string, 8)
	for range cap(sessions) {
		all.Go(func() {
			if session, err := a.UseLink(t.Context(), secret); err == nil {
				sessions <- session
			}
		})
	}
	all.Wait()
	if n := len(sessions); n != 1 {
		t.Errorf("%d were logged in, want 1", n)
	}
}

func TestAPasswordLogsIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, dir)
	if err := a.PutUser(t.Context(), "ben", password, access.Reader); err != nil {
		t.Fatal(err)
	}
	who, err := a.Session(t.Context(), login(t, a, "ben", password))
	if err != nil || who != (access.Who{Name: "ben", Role: access.Reader}) {
		t.Errorf("logged in as %+v, %v", who, err)
	}
	for _, wrong := range [][2]string{{"ben", password + "!"}, {"ben", ""}, {"Ben", password}, {"eve", password}, {"", ""}, {"ben", string(make([]byte, 1<<20))}} {
		if _, err := a.Login(t.Context(), wrong[0], wrong[1]); !errors.Is(err, access.ErrRefused) {
			t.Errorf("log in as %q with a wrong password: %v", wrong[0], err)
		}
	}
	if err := a.PutUser(t.Context(), "ben", "short", access.Owner); err == nil {
		t.Error("a password of 5 characters is accepted")
	}
	if err := a.PutUser(t.Context(), "two words", password, access.Owner); err == nil {
		t.Error("a name with a space is accepted")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		a := open(t, dir)
		if err := a.PutUser(t.Context(), "ben", password, access.Owner); err != nil {
			t.Fatal(err)
		}
		session := login(t, a, "ben", password)
		if err := a.Logout(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		refused(t, a, session, "after the log-out")
		session = login(t, a, "ben", password)
		if err := a.PutUser(t.Context(), "ben", password+"2", access.Reader); err != nil {
			t.Fatal(err)
		}
		refused(t, a, session, "after a change of the password")
		session = login(t, a, "ben", password+"2")
		idle := login(t, a, "ben", password+"2")
		for range 9 { // used each 10th day, until the 90th
			if _, err := a.Session(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * 24 * time.Hour)
		}
		refused(t, a, session, "after 90 days")
		refused(t, a, idle, "after 90 days without a request")
		session = login(t, a, "ben", password+"2")
		time.Sleep(14 * 24 * time.Hour)
		refused(t, a, session, "after 14 days without a request")
		session = login(t, a, "ben", password+"2")
		if err := a.RemoveUser(t.Context(), "ben"); err != nil {
			t.Fatal(err)
		}
		refused(t, a, session, "after the user was removed")
		if err := a.RemoveUser(t.Context(), "ben"); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("a user who is none is removed: %v", err)
		}
	})
}

// TestTheFileHoldsNoSecret guards that a copy of the database lets nobody in.
func TestTheFileHoldsNoSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, dir)
	if err := a.PutUser(t.Context(), "ben", password, access.Owner); err != nil {
		t.Fatal(err)
	}
	link, err := a.NewLink(t.Context(), "jo")
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{password, link, login(t, a, "ben", password)}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range secrets {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s has secret %d", filepath.Base(path), i)
			}
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestUsersAreListedAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, dir)
	for name, role := range map[string]access.Role{"ben": access.Reader, "anna": access.Owner} {
		if err := a.PutUser(t.Context(), name, password, role); err != nil {
			t.Fatal(err)
		}
	}
	session := login(t, a, "anna", password)
	b := open(t, dir)
	users, err := b.Users(t.Context())
	if err != nil || len(users) != 2 || users[0].Name != "anna" || users[1].Role != access.Reader {
		t.Errorf("users: %+v, %v", users, err)
	}
	if who, err := b.Session(t.Context(), session); err != nil || who.Name != "anna" {
		t.Errorf("the session of the other process: %+v, %v", who, err)
	}
}

// TestACopyHasUsersAndTokensOnly copies a database that is in use.
func TestACopyHasUsersAndTokensOnly(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	a := open(t, from)
	if err := a.PutUser(t.Context(), "ben", password, access.Reader); err != nil {
		t.Fatal(err)
	}
	token, err := a.NewToken(t.Context(), "claw", nil)
	if err != nil {
		t.Fatal(err)
	}
	link, err := a.NewLink(t.Context(), "jo")
	if err != nil {
		t.Fatal(err)
	}
	session := login(t, a, "ben", password)
	dir := t.TempDir()
	if err := access.CopyTo(t.Context(), from, filepath.Join(dir, access.FileName)); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("the copy is %v, %v", list, err)
	}
	b := open(t, dir)
	login(t, b, "ben", password)
	if who, err := b.Token(t.Context(), token); err != nil || who.Name != "claw" {
		t.Errorf("the token of the copy: %+v, %v", who, err)
	}
	refused(t, b, session, "in a copy")
	if _, err := b.UseLink(t.Context(), link); !errors.Is(err, access.ErrRefused) {
		t.Errorf("a link in a copy: %v", err)
	}
}

// TestAFolderIsOpenedByManyAtOnce guards that a command does not fail while the daemon
// makes the file.
func TestAFolderIsOpenedByManyAtOnce(t *testing.T) {
	t.Parallel()
	for range 5 {
		dir := t.TempDir()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				a, err := access.Open(t.Context(), dir)
				if err != nil {
					t.Error(err)
					return
				}
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
