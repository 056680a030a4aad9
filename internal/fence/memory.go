package fence

import "slices"

// This file is what a data folder remembers of the lease. The server may lose it.

// mostOwn is how many processes a folder remembers.
const mostOwn = 5

// Memo is what a data folder remembers.
type Memo struct {
	// Own are the last processes of this folder that have taken the lease, or may have.
	Own []string `json:"own,omitempty"`
	// Newest is the lease with the highest epoch that was seen, of those later than the ledger.
	Newest Lease `json:"newest,omitzero"`
}

// Memory keeps the memo, durably.
type Memory interface {
	// Recall returns the zero value where nothing is kept.
	Recall() (Memo, error)
	Keep(m Memo) error
}

// owns reports whether a process of this folder has held the lease. A folder that remembers none
// is from before there was a memo.
func (m Memo) owns(process string) bool { return len(m.Own) == 0 || slices.Contains(m.Own, process) }

// with returns the memo with a process that is about to take the lease.
func (m Memo) with(process string) Memo {
	m.Own = append(slices.Clone(m.Own), process)
	m.Own = m.Own[max(len(m.Own)-mostOwn, 0):]
	return m
}

// lacks reports whether a host has worked in a later epoch than that of a ledger.
func (m Memo) lacks(epoch int64) bool { return m.Newest.Epoch > epoch }

// recall reads the memo.
func (f *Fence) recall() (err error) {
	if f.o.Memory != nil {
		f.memo, err = f.o.Memory.Recall()
	}
	return err
}

// keep replaces the memo.
func (f *Fence) keep(m Memo) error {
	f.memo = m
	if f.o.Memory == nil {
		return nil
	}
	return f.o.Memory.Keep(m)
}

// notice remembers a lease of a later epoch than that of this ledger, so that the folder knows of
// it also once the server has lost it.
func (f *Fence) notice(l Lease, own int64) error {
	if l.Epoch <= own || l.Epoch <= f.memo.Newest.Epoch {
		return nil
	}
	m := f.memo
	m.Newest = l
	return f.keep(m)
}

// claim returns what follows from a lease that was read, or the zero value for one that is gone,
// and from what this folder remembers.
func (f *Fence) claim(e Entry) (Taken, error) {
	if err := f.notice(e.Lease, f.o.Self.Epoch); err != nil {
		return Taken{}, err
	}
	if !e.Alive(f.o.Dead) && f.memo.lacks(max(e.Epoch, f.o.Self.Epoch)) {
		e.Lease = f.memo.Newest // the server has lost it
		e.Released = true
	}
	return f.o.claim(e, f.memo)
}
