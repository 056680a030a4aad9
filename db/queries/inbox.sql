-- name: WaitingClients :many
-- The orders that have not ended whose client wrote last, and has no answer on its way. A window takes each message
-- for a wish. The longest wait comes last.
SELECT o.id, m.content, m.at FROM orders AS o CROSS JOIN messages AS m
WHERE m.order_id = o.id AND o.state NOT IN ('completed', 'cancelled') AND o.window_ends_at IS NULL AND m.party = 'client'
  AND m.at = (SELECT max(l.at) FROM messages AS l WHERE l.order_id = o.id)
  AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.order_id = o.id AND b.created_at > m.at AND b.state IN ('queued', 'sending', 'sent', 'unknown'))
ORDER BY m.at DESC, o.id DESC LIMIT ?;

-- name: CountWaitingClients :one
SELECT CAST(count(*) AS INTEGER) FROM orders AS o
WHERE o.state NOT IN ('completed', 'cancelled') AND o.window_ends_at IS NULL AND EXISTS (
    SELECT 1 FROM messages AS m WHERE m.order_id = o.id AND m.party = 'client'
      AND m.at = (SELECT max(l.at) FROM messages AS l WHERE l.order_id = o.id)
      AND NOT EXISTS (SELECT 1 FROM outbox AS b WHERE b.order_id = o.id AND b.created_at > m.at AND b.state IN ('queued', 'sending', 'sent', 'unknown')));

-- name: ClientsWrote :many
-- The last message of each client before (at, id), the newest first.
SELECT m.order_id, m.content, m.at FROM messages AS m INDEXED BY messages_client
WHERE m.party = 'client' AND m.at <= sqlc.arg(at) AND (m.at < sqlc.arg(at) OR m.order_id < sqlc.arg(id))
  AND NOT EXISTS (SELECT 1 FROM messages AS l WHERE l.order_id = m.order_id AND l.party = 'client'
      AND (l.at > m.at OR l.at = m.at AND l.remote_id > m.remote_id))
ORDER BY m.at DESC, m.order_id DESC LIMIT sqlc.arg(most);

-- name: LongestUnread :many
-- The thread that is read next, which is the one that was read longest ago.
SELECT thread_read_at FROM orders WHERE thread_due_at IS NOT NULL ORDER BY thread_due_at LIMIT 1;

-- name: OrdersToAnswer :many
-- The orders that wait for a price of the owner, and those that their client disputes.
SELECT id FROM orders WHERE state NOT IN ('completed', 'cancelled') AND (code = 'quote_needed' AND state = 'held' OR remote_status = 'disputed')
ORDER BY created_at DESC, id LIMIT 50;
