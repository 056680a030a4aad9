package access_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"atelierd/internal/console/access"
)

func TestATokenIsKnownUntilItIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := open(t, dir)
	token, err := a.NewToken(t.Context(), "claw", []string{"approve", "redo"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewToken(t.Context(), "claw", nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second token of a name: %v", err)
	}
	if who, err := a.Token(t.Context(), token); err != nil || who.Name != "claw" || !slices.Equal(who.Allow, []string{"approve", "redo"}) {
		t.Errorf("the token is of %+v, %v", who, err)
	}
	for _, wrong := range []string{"", token + "x", strings.TrimPrefix(token, "atelierd_"), "claw"} {
		if who, err := a.Token(t.Context(), wrong); !errors.Is(err, access.ErrRefused) {
			t.Errorf("%q is the token of %+v, %v", wrong, who, err)
		}
	}
	refused(t, a, token, "a token is no session")
	if list, err := a.Tokens(t.Context()); err != nil || len(list) != 1 || list[0].Name != "claw" || !list[0].Used.Equal(list[0].Added) {
		t.Errorf("the tokens: %+v, %v", list, err)
	}
	holds(t, dir, token, false)
	if err := a.RemoveToken(t.Context(), "claw"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Token(t.Context(), token); !errors.Is(err, access.ErrRefused) {
		t.Errorf("a removed token: %v", err)
	}
	if err := a.RemoveToken(t.Context(), "claw"); !errors.Is(err, access.ErrUnknown) {
		t.Errorf("a token that is none is removed: %v", err)
	}
}

// holds fails the test unless a file of dir has the text, or none has it.
func holds(t *testing.T, dir, text string, want bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := slices.ContainsFunc(files, func(path string) bool {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(data, []byte(text))
	})
	if found != want {
		t.Errorf("%q in the files: %t, want %t", text, found, want)
	}
}

// TestALinkLogsInAsTheUserOfItsName guards that a partner who may only read gets no link of
// an owner, whatever happens to the user meanwhile.
func TestALinkLogsInAsTheUserOfItsName(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	if err := a.PutUser(t.Context(), "ben", "", access.Reader); err != nil {
		t.Fatal(err)
	}
	if users, err := a.Users(t.Context()); err != nil || len(users) != 1 || users[0].Password {
		t.Errorf("the users: %+v, %v", users, err)
	}
	if _, err := a.Login(t.Context(), "ben", ""); !errors.Is(err, access.ErrRefused) {
		t.Errorf("a log-in without a password: %v", err)
	}
	link := func() string {
		secret, err := a.NewLink(t.Context(), "ben")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	session, err := a.UseLink(t.Context(), link())
	if err != nil {
		t.Fatal(err)
	}
	if who, err := a.Session(t.Context(), session); err != nil || who.Role != access.Reader {
		t.Errorf("the link logs in as %+v, %v", who, err)
	}
	before := link()
	if err := a.RemoveUser(t.Context(), "ben"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.UseLink(t.Context(), before); !errors.Is(err, access.ErrRefused) {
		t.Errorf("a link of a removed user: %v", err)
	}
	other, err := a.UseLink(t.Context(), link())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveUser(t.Context(), "ben"); err != nil {
		t.Errorf("a session of who is no user cannot be ended: %v", err)
	}
	refused(t, a, other, "after it was ended")
	if _, err := a.NewLink(t.Context(), "two words"); err == nil {
		t.Error("a link logs in a name that is none")
	}
}

func TestANewerDatabaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := open(t, dir).PutUser(t.Context(), "ben", password, access.Owner); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(dir, access.FileName)+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	if a, err := access.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer database is opened: %v, %v", a, err)
	}
}
