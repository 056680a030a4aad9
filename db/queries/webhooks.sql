-- name: SameWebhook :one
-- Reports whether an event is recorded already: one that was sent again since a time, or a replay.
SELECT EXISTS (SELECT 1 FROM webhooks AS w
    WHERE w.order_id = sqlc.arg(order_id) AND w.event = sqlc.arg(event) AND w.hash = sqlc.arg(hash)
      AND w.revision = sqlc.arg(revision) AND (w.at >= sqlc.arg(at) OR w.signed_at = sqlc.arg(signed_at)));

-- name: InsertWebhook :execlastid
INSERT INTO webhooks (order_id, event, hash, revision, content, amount_usd_micros, pending, signed_at, at)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?);

-- name: HasOrder :one
SELECT EXISTS (SELECT 1 FROM orders WHERE id = ?);

-- name: PendingWebhooks :many
-- The events whose orders have become known.
SELECT w.* FROM webhooks AS w JOIN orders AS o ON o.id = w.order_id WHERE w.pending = 1 ORDER BY w.id;

-- name: EndWebhook :exec
UPDATE webhooks SET pending = 0, message_id = ? WHERE id = ?;

-- name: MessageOfWebhook :many
-- The message with the text of an event, near one of two times, that no other event of its kind has become.
SELECT m.remote_id FROM messages AS m
WHERE m.order_id = sqlc.arg(order_id) AND m.party = 'client' AND trim(m.content, char(9, 10, 13, 32)) = trim(sqlc.arg(content), char(9, 10, 13, 32))
  AND (m.at >= sqlc.arg(low) AND m.at <= sqlc.arg(high) OR m.at >= sqlc.arg(signed_low) AND m.at <= sqlc.arg(signed_high))
  AND NOT EXISTS (SELECT 1 FROM webhooks AS w WHERE w.order_id = m.order_id AND w.message_id = m.remote_id
                  AND (w.event <> 'order.message') = CAST(sqlc.arg(feedback) AS INTEGER))
ORDER BY m.at, m.remote_id LIMIT 1;

-- name: WebhookOfMessage :many
-- The message that events alone have shown, with the text of one that the thread shows now.
SELECT m.remote_id FROM messages AS m
WHERE m.order_id = sqlc.arg(order_id) AND m.party = 'client' AND trim(m.content, char(9, 10, 13, 32)) = trim(sqlc.arg(content), char(9, 10, 13, 32)) AND m.remote_id LIKE 'webhook-%'
  AND EXISTS (SELECT 1 FROM webhooks AS w WHERE w.order_id = m.order_id AND w.message_id = m.remote_id
              AND (w.at >= sqlc.arg(low) AND w.at <= sqlc.arg(high)
                   OR w.signed_at >= sqlc.arg(low) AND w.signed_at <= sqlc.arg(high)))
ORDER BY m.at, m.remote_id LIMIT 1;

-- name: RenameMessage :exec
UPDATE messages SET remote_id = sqlc.arg(new_id), sender = sqlc.arg(sender)
WHERE order_id = sqlc.arg(order_id) AND remote_id = sqlc.arg(old_id);

-- name: RenamePiece :exec
UPDATE pieces SET message_id = sqlc.arg(new_id) WHERE order_id = sqlc.arg(order_id) AND message_id = sqlc.arg(old_id);

-- name: RenameWebhook :exec
UPDATE webhooks SET message_id = sqlc.arg(new_id) WHERE order_id = sqlc.arg(order_id) AND message_id = sqlc.arg(old_id);

-- name: Requests :many
-- The messages of a client that ask for a piece and have none: feedback on a delivery asks for nothing.
SELECT m.* FROM messages AS m
WHERE m.order_id = ? AND m.party = 'client'
  AND NOT EXISTS (SELECT 1 FROM pieces AS p WHERE p.order_id = m.order_id AND p.message_id = m.remote_id)
  AND NOT EXISTS (SELECT 1 FROM webhooks AS w WHERE w.order_id = m.order_id AND w.message_id = m.remote_id
                  AND w.event <> 'order.message')
ORDER BY m.at, m.remote_id;

-- name: SetPayout :exec
UPDATE orders SET payout_usd_micros = sqlc.arg(payout_usd_micros), payout_at = coalesce(payout_at, sqlc.arg(payout_at)) WHERE id = sqlc.arg(id);

-- name: ThreadRead :exec
UPDATE orders SET thread_size = sqlc.arg(thread_size), thread_read_at = sqlc.arg(thread_read_at) WHERE id = sqlc.arg(id);

-- name: ClientAnswered :execrows
-- A delivery that waited for the client's words may run.
UPDATE jobs SET state = 'ready', attempt = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND state IN ('ready', 'held') AND code = 'no_feedback';

-- name: RejectBounty :exec
UPDATE bounties SET rejected_at = ? WHERE id = ? AND state IN ('claiming', 'pending');
