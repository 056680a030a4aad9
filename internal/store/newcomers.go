package store

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// newcomer is an order that the file does not have, with what follows.
type newcomer struct {
	facts    *order.Facts
	decision order.Decision
}

// newcomers writes new orders and what follows from them. Their rows and those of their
// jobs are the bulk of a first poll, so they are written many at a time.
type newcomers struct {
	t       *tx
	waiting []newcomer // whose rows are not written yet
	jobs    *collector
	open    int // how many orders have come that are not at their end
}

// newcomersAtOnce is how many orders wait for each other. They are large.
const newcomersAtOnce = 65

func (t *tx) newcomers() *newcomers {
	return &newcomers{t: t, jobs: t.collect()}
}

// add takes an order. end writes the last ones.
func (n *newcomers) add(f *order.Facts, d order.Decision) error {
	n.waiting = append(n.waiting, newcomer{f, d})
	if len(n.waiting) < newcomersAtOnce {
		return nil
	}
	return n.write()
}

func (n *newcomers) end() error {
	if err := n.write(); err != nil {
		return err
	}
	if n.open > mostCame {
		n.t.says(func(log *slog.Logger) { log.Info("orders came in", "orders", n.open, "not_named", n.open-mostCame) })
	}
	return n.jobs.flush()
}

// write writes the waiting orders, and opens their jobs.
func (n *newcomers) write() error {
	orders := n.t.collect()
	for _, w := range n.waiting {
		orders.about = w.facts.ID
		if err := n.t.insertOrder(query.New(orders), w); err != nil {
			return err
		}
	}
	if err := orders.flush(); err != nil {
		return err
	}
	// Only here: what follows for a known order may change a job that it has opened.
	n.t.jobs = query.New(n.jobs)
	defer func() { n.t.jobs = nil }()
	for _, w := range n.waiting {
		n.jobs.about = w.facts.ID
		if err := n.t.welcome(w); err != nil {
			return &rowError{w.facts.ID, err}
		}
		if s := w.decision.State; s != order.StateCompleted && s != order.StateCancelled {
			if n.open++; n.open <= mostCame {
				n.t.saysCame(w)
			}
		}
	}
	n.waiting = n.waiting[:0]
	return nil
}

// welcome does for a new order what follows from its row.
func (t *tx) welcome(n newcomer) error {
	t.changed.lane(order.LaneNetwork)
	t.changed.Threads = t.changed.Threads || hasThread(n.facts.Status)
	if n.decision.Bounty != "" {
		if err := t.claimWon(n.decision.Bounty, n.facts.ID); err != nil {
			return err
		}
	}
	return t.follow(n.facts.ID, order.Known{}, n.decision)
}

func (t *tx) insertOrder(q *query.Queries, n newcomer) error {
	f, d := n.facts, &n.decision
	completed, review := f.CompletedAt, time.Time{}
	if d.State == order.StateCompleted {
		if completed.IsZero() {
			completed = t.now.Time
		}
		review = completed
	}
	thread := utc.Time{}
	if hasThread(f.Status) {
		thread = t.now
	}
	payout := utc.Time{}
	if f.PayoutTx != "" {
		payout = utc.At(completed)
		if payout.IsZero() {
			payout = t.now
		}
	}
	return q.InsertOrder(noCancel, query.InsertOrderParams{
		ID: f.ID, Service: d.Service, ServiceID: f.ServiceID, ServiceTitle: f.ServiceTitle, ClientWallet: f.ClientWallet,
		Brief: f.Brief, ReferenceUrls: order.EncodeStrings(f.ReferenceURLs),
		ReferenceImages: order.EncodeStrings(f.ReferenceImages), RequirementAnswers: text(f.Answers),
		RemoteStatus: f.Status, State: d.State, Code: d.Code, Reason: d.Reason, Hint: d.Hint,
		PriceUsdMicros: f.Price, FeeUsdMicros: f.Fee, Deliverables: order.EncodeStrings(f.Deliverables),
		MaxRevisions: number(f.MaxRevisions), RevisionCount: number(f.RevisionCount),
		QuotaTotal: number(f.QuotaTotal), QuotaUsed: number(f.QuotaUsed), PayoutTx: f.PayoutTx,
		CreatedAt: utc.At(f.CreatedAt), DueAt: utc.At(d.DueAt), SeenAt: t.now, ChangedAt: t.now,
		DeliveredAt: utc.At(f.DeliveredAt), ReviewDeadlineAt: utc.At(f.ReviewDeadline),
		CompletedAt: utc.At(completed), WindowEndsAt: utc.At(f.WorkspaceExpiresAt), ThreadDueAt: thread,
		BountyID: f.BountyID, BountyTitle: d.BountyTitle, ClientType: f.ClientType,
		BriefEnglish: f.BriefEnglish, BriefSpec: text(f.BriefSpec), ReviewDueAt: utc.At(review),
		Fingerprint: fingerprintOf(f), Raw: string(f.Raw), TooLarge: one(f.TooLarge),
		Client: f.Client(), PayoutAt: payout, Disputes: one(f.Status == order.Disputed),
	})
}

// collector writes the rows of one INSERT many at a time. The queries that run on it
// must all be the same one, and flush ends it.
type collector struct {
	query.DBTX
	single bool   // write each row by itself, so that an error names its order
	about  string // the order of the rows that follow
	text   string
	args   []any // of the rows that are not written yet
	rows   int
	chunk  int    // how many rows are written at a time
	many   string // text for a chunk
}

// collect returns an empty collector.
func (t *tx) collect() *collector { return &collector{DBTX: t.db, single: t.single} }

// mostArgs is how many arguments a statement has at most. With more, database/sql
// allocates them from the slow end of Go's allocator.
const mostArgs = 512

// ExecContext takes a row and writes the full chunk.
func (c *collector) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if c.single {
		if _, err := c.DBTX.ExecContext(ctx, text, args...); err != nil {
			return nil, &rowError{c.about, err}
		}
		return nil, nil
	}
	if c.text == "" {
		c.text, c.chunk = text, mostArgs/len(args)
		c.many, c.args = manyRows(text, len(args), c.chunk), make([]any, 0, mostArgs)
	}
	c.args, c.rows = append(c.args, args...), c.rows+1
	if c.rows < c.chunk {
		return nil, nil
	}
	_, err := c.DBTX.ExecContext(ctx, c.many, c.args...)
	c.args, c.rows = c.args[:0], 0
	return nil, err
}

// flush writes the rows of the last chunk.
func (c *collector) flush() error {
	if c.rows == 0 {
		return nil
	}
	_, err := c.DBTX.ExecContext(noCancel, manyRows(c.text, len(c.args)/c.rows, c.rows), c.args...)
	c.args, c.rows = c.args[:0], 0
	return err
}

// manyRows returns an INSERT of one row, which ends with its placeholders, as one of
// many rows.
func manyRows(insert string, columns, rows int) string {
	if rows == 1 {
		return insert
	}
	row := ",\n(" + strings.Repeat("?, ", columns-1) + "?)"
	return strings.TrimSpace(insert) + strings.Repeat(row, rows-1)
}
