package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/store/query"
	"atelierd/internal/store/utc"
)

// newcomer is an order that the file does not have, with what follows.
type newcomer struct {
	facts    order.Facts
	decision order.Decision
}

// insertNew writes new orders and what follows from them. Their rows and those of their
// jobs are the bulk of a first poll, so they are written many at a time.
func (t *tx) insertNew(list []newcomer) error {
	if len(list) == 0 {
		return nil
	}
	orders := t.collect()
	for _, n := range list {
		orders.about = n.facts.ID
		if err := t.insertOrder(query.New(orders), n); err != nil {
			return err
		}
	}
	if err := orders.flush(); err != nil {
		return err
	}
	jobs := t.collect()
	t.jobs = query.New(jobs)
	defer func() { t.jobs = nil }()
	for _, n := range list {
		jobs.about = n.facts.ID
		if err := t.welcome(n); err != nil {
			return &rowError{n.facts.ID, err}
		}
	}
	return jobs.flush()
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
	f, d := n.facts, n.decision
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
		Fingerprint: fingerprint(f.Raw), Raw: string(f.Raw),
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
	many   string // text for chunk rows
}

// collect returns an empty collector.
func (t *tx) collect() *collector { return &collector{DBTX: t.db, single: t.single} }

// chunk is how many rows one statement writes. Larger ones gain nothing.
const chunk = 32

// ExecContext takes a row and writes the full chunk.
func (c *collector) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if c.single {
		if _, err := c.DBTX.ExecContext(ctx, text, args...); err != nil {
			return nil, &rowError{c.about, err}
		}
		return nil, nil
	}
	if c.text == "" {
		c.text, c.many, c.args = text, manyRows(text, len(args)), make([]any, 0, chunk*len(args))
	}
	c.args, c.rows = append(c.args, args...), c.rows+1
	if c.rows < chunk {
		return nil, nil
	}
	_, err := c.DBTX.ExecContext(ctx, c.many, c.args...)
	c.args, c.rows = c.args[:0], 0
	return nil, err
}

// flush writes the rows of the last chunk.
func (c *collector) flush() error {
	for row := range c.rows {
		columns := len(c.args) / c.rows
		if _, err := c.DBTX.ExecContext(noCancel, c.text, c.args[row*columns:(row+1)*columns]...); err != nil {
			return err
		}
	}
	return nil
}

// manyRows returns an INSERT of one row, which ends with its placeholders, as one of
// chunk rows.
func manyRows(insert string, columns int) string {
	row := ",\n(" + strings.Repeat("?, ", columns-1) + "?)"
	return strings.TrimSpace(insert) + strings.Repeat(row, chunk-1)
}
