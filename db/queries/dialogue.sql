-- name: GetQuote :many
SELECT order_id, price_usd_micros, source, state, tries, sent_at FROM quotes WHERE order_id = ?;

-- name: PastOrders :many
-- What the newest orders of a service that completed were sold for, and what they have cost. Of the history only the
-- newest part is looked at.
SELECT CAST(o.price_usd_micros AS INTEGER) AS price,
       CAST((SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id) AS INTEGER) AS cost
FROM orders AS o
WHERE o.id IN (SELECT n.id FROM orders AS n WHERE n.completed_at IS NOT NULL ORDER BY n.completed_at DESC LIMIT 2000)
  AND o.service = sqlc.arg(service) AND o.state = 'completed' AND o.price_usd_micros > 0
ORDER BY o.completed_at DESC LIMIT 10;

-- name: PutQuote :exec
INSERT INTO quotes (order_id, price_usd_micros, source, state) VALUES (?, ?, ?, 'priced')
ON CONFLICT (order_id) DO UPDATE SET price_usd_micros = excluded.price_usd_micros, source = excluded.source,
    state = 'priced', tries = 0, sent_at = NULL, settled_at = NULL, note = '';

-- name: IntendQuote :exec
UPDATE quotes SET state = 'sending', tries = tries + 1, sent_at = ?, settled_at = NULL, note = '',
    epoch = (SELECT l.epoch FROM ledger AS l WHERE l.one = 1)
WHERE order_id = ?;

-- name: EndQuote :exec
UPDATE quotes SET state = ?, settled_at = ?, note = ? WHERE order_id = ?;

-- name: InsertMessage :execrows
INSERT INTO messages (order_id, remote_id, party, sender, content, at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (order_id, remote_id) DO NOTHING;

-- name: ListMessages :many
SELECT * FROM messages WHERE order_id = ? ORDER BY at, remote_id;

-- name: InsertOutgoing :many
-- Returns no row when a message for this reason exists.
INSERT INTO outbox (order_id, position, reason, body, state, created_at)
VALUES (sqlc.arg(order_id), (SELECT coalesce(max(o.position), 0) + 1 FROM outbox AS o WHERE o.order_id = sqlc.arg(order_id)),
        sqlc.arg(reason), sqlc.arg(body), 'queued', sqlc.arg(created_at))
ON CONFLICT (order_id, reason) DO NOTHING
RETURNING position;

-- name: HasOutgoing :one
SELECT EXISTS (SELECT 1 FROM outbox WHERE order_id = ? AND reason = ?);

-- name: SentAlike :one
-- How many other messages of the order with the same text were sent.
SELECT CAST(count(*) AS INTEGER) FROM outbox WHERE order_id = ? AND position <> ? AND body = ? AND state = 'sent';

-- name: GetOutgoing :many
SELECT * FROM outbox WHERE order_id = ? AND position = ?;

-- name: ListOutgoing :many
SELECT * FROM outbox WHERE order_id = ? ORDER BY position;

-- name: IntendOutgoing :exec
UPDATE outbox SET state = 'sending', body = sqlc.arg(body), tries = tries + 1, sent_at = sqlc.arg(sent_at),
    settled_at = NULL, note = '', epoch = (SELECT l.epoch FROM ledger AS l WHERE l.one = 1)
WHERE order_id = sqlc.arg(order_id) AND position = sqlc.arg(position);

-- name: EndOutgoing :exec
UPDATE outbox SET state = sqlc.arg(state), settled_at = sqlc.arg(settled_at), note = sqlc.arg(note)
WHERE order_id = sqlc.arg(order_id) AND position = sqlc.arg(position);

-- name: CountPieces :one
SELECT CAST(count(*) AS INTEGER) FROM pieces WHERE order_id = ?;

-- name: AskFromBrief :execrows
-- Piece 1 of a window in which nothing was asked for.
INSERT INTO pieces (order_id, number, message_id, request, created_at)
SELECT o.id, 1, 'brief', o.brief, sqlc.arg(created_at) FROM orders AS o
WHERE o.id = sqlc.arg(order_id) AND NOT EXISTS (SELECT 1 FROM pieces AS p WHERE p.order_id = o.id);

-- name: InsertPiece :exec
INSERT INTO pieces (order_id, number, message_id, request, created_at) VALUES (?, ?, ?, ?, ?);

-- name: ListPieces :many
SELECT p.order_id, p.number, p.request, coalesce(j.state, '') AS job_state, coalesce(j.code, '') AS job_code, coalesce(b.state, '') AS out_state
FROM pieces AS p
LEFT JOIN jobs AS j ON j.order_id = p.order_id AND j.kind = 'piece' AND j.round = p.number
LEFT JOIN outbox AS b ON b.order_id = p.order_id AND b.reason = 'piece-' || p.number
WHERE p.order_id = ? ORDER BY p.number;

-- name: DueThreads :many
SELECT id FROM orders WHERE thread_due_at IS NOT NULL AND thread_due_at <= ? ORDER BY thread_due_at LIMIT ?;

-- name: NextThread :many
SELECT thread_due_at FROM orders WHERE thread_due_at IS NOT NULL ORDER BY thread_due_at LIMIT 1;

-- name: SetThreadDue :exec
UPDATE orders SET thread_due_at = ? WHERE id = ?;

-- name: HasThread :one
SELECT EXISTS (SELECT 1 FROM orders WHERE id = ? AND thread_due_at IS NOT NULL);
