package store

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// minEngine is the oldest accepted SQLite. Earlier versions can corrupt a
// write-ahead log that is reset while another connection writes.
const minEngine = "3.51.3"

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the data folder: %w", err)
	}
	return nil
}

// makePrivate creates the database's file unless it is there, and closes it and its log
// to other users. SQLite gives the files next to a database the mode of the database,
// so all of them are private before anything is written. A file that is there is not
// opened: to close it would release the locks that this process has on it.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		f.Close()
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("create the database: %w", err)
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+end, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("close the database to other users: %w", err)
		}
	}
	return nil
}

// incrementalVacuum is the mode in which a file returns its free pages bit by bit. It is
// that of new files; a file from before gets it when Vacuum writes it again.
const incrementalVacuum = 2

// openPool opens path with the store's settings. busy_timeout comes first:
// otherwise setting the journal mode can fail with SQLITE_BUSY. The mode of vacuum must
// come before whatever writes to a new file.
func openPool(path string, conns int, readOnly bool) (*sql.DB, error) {
	q := url.Values{"_pragma": {"busy_timeout(5000)"}}
	if readOnly {
		q.Set("mode", "ro")
	} else {
		if isEmpty(path) { // later it would take the write lock at each open
			q.Add("_pragma", fmt.Sprintf("auto_vacuum(%d)", incrementalVacuum))
		}
		for _, p := range []string{
			"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
			"journal_size_limit(67108864)", "cache_size(-16384)", "temp_store(memory)",
		} {
			q.Add("_pragma", p)
		}
		q.Set("_txlock", "immediate")
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

// isEmpty reports whether the file at path has nothing in it yet.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

func checkEngine(db *sql.DB) error {
	var version string
	if err := db.QueryRow("SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if versionLess(version, minEngine) {
		return fmt.Errorf("built with SQLite %s, but %s is the oldest that is safe here", version, minEngine)
	}
	return nil
}

func versionLess(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x < y
		}
	}
	return len(as) < len(bs)
}
