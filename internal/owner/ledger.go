package owner

import "context"

// Reconcile has the ledger compared with the marketplace before any new work.
func (a *Actions) Reconcile(ctx context.Context) error {
	return a.st.WantReconcile(ctx, "the owner asked for a reconcile")
}

// Accept accepts what a restored ledger lacks, or that a second daemon is stopped, and
// resumes all work. It reports whether either was open. It fails with
// store.ErrNotReconciled while the ledger is not compared yet.
func (a *Actions) Accept() (open bool, err error) { return a.st.AcceptRestore() }
