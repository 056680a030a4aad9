package store

import (
	"fmt"
	"slices"
)

// Version returns a number that grows with each commit of this or another process that
// changed a row, except for what record writes. While it stays the same, a loop has
// nothing new to read.
func (s *Store) Version() (version uint64, err error) {
	err = s.record("version", func(t *tx) error {
		version, err = s.writer.look(t)
		return err
	})
	return version, err
}

// record is write for what says nothing new about orders, jobs and the daemon: requests to
// the marketplace, renewed leases and notifications. Version does not count it.
func (s *Store) record(name string, fn func(*tx) error) error {
	return s.writer.do(&request{name: name, fn: fn, by: s.by, record: true})
}

// look returns the version, after it has counted what other processes have committed. The
// engine's own number is not enough: it does not change with this connection's commits.
func (w *writer) look(t *tx) (uint64, error) {
	var others int64
	if err := t.db.QueryRowContext(noCancel, "PRAGMA data_version").Scan(&others); err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	if others != w.others {
		w.others = others
		w.version++
	}
	return w.version, nil
}

// count counts a commit in the version if it changed a row, or if that is not known.
func (w *writer) count(batch []*request) {
	var changes int64
	err := w.stmts.QueryRowContext(noCancel, "SELECT total_changes()").Scan(&changes)
	changed := err != nil || changes != w.changes
	w.changes = changes
	if changed && slices.ContainsFunc(batch, func(r *request) bool { return !r.record }) {
		w.version++
	}
}
