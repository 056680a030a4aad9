-- name: InsertDraft :many
-- Returns no row when the same was to be answered before.
INSERT INTO outbox (order_id, position, reason, body, state, created_at)
VALUES (sqlc.arg(order_id), (SELECT coalesce(max(o.position), 0) + 1 FROM outbox AS o WHERE o.order_id = sqlc.arg(order_id)),
        sqlc.arg(reason), '', 'draft', sqlc.arg(created_at))
ON CONFLICT (order_id, reason) DO NOTHING
RETURNING position;

-- name: AnsweredSince :one
-- Reports whether a message of the owner or a reply of the assistant is on its way, or went, since a time. The text of a
-- template is no answer.
SELECT EXISTS (SELECT 1 FROM outbox WHERE order_id = sqlc.arg(order_id) AND created_at > sqlc.arg(since)
    AND (reason LIKE 'owner-%' OR reason LIKE 'reply-%') AND state IN ('queued', 'sending', 'sent', 'unknown'));

-- name: OwnerAnsweredSince :one
-- Reports whether a message that the owner wrote since a time is on its way, or went.
SELECT EXISTS (SELECT 1 FROM outbox WHERE order_id = sqlc.arg(order_id) AND created_at > sqlc.arg(since)
    AND reason LIKE 'owner-%' AND state IN ('queued', 'sending', 'sent', 'unknown'));

-- name: OpenDrafts :many
-- The drafts of an order, without those that are being written.
SELECT b.position, b.reason, b.body FROM outbox AS b
JOIN jobs AS j ON j.order_id = b.order_id AND j.kind = 'message' AND j.round = b.position
WHERE b.order_id = sqlc.arg(order_id) AND b.state = 'draft' AND j.state <> 'leased' ORDER BY b.position;

-- name: SetDraft :exec
UPDATE outbox SET body = sqlc.arg(body), state = sqlc.arg(state)
WHERE order_id = sqlc.arg(order_id) AND position = sqlc.arg(position) AND state = 'draft';

-- name: ReleaseDraft :execrows
-- The owner has approved the draft.
UPDATE jobs SET state = 'ready', attempt = 0, crashes = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'message' AND round = sqlc.arg(position) AND state = 'held' AND code = 'draft';

-- name: ApprovedAt :exec
-- A draft counts as queued from its approval on: nothing can have sent it before.
UPDATE outbox SET created_at = sqlc.arg(created_at) WHERE order_id = sqlc.arg(order_id) AND position = sqlc.arg(position);
