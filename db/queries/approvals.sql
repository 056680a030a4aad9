-- name: HeldOf :many
-- The work of an order that is held for one of the codes, a JSON array. What the marketplace does not list stays held.
SELECT j.id, j.order_id, j.kind, j.round, j.stage, j.code, o.service FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.order_id = sqlc.arg(order_id) AND j.state = 'held' AND o.missing_at IS NULL
  AND j.code IN (SELECT value FROM json_each(sqlc.arg(codes)))
ORDER BY j.id;

-- name: DelayJob :exec
-- The owner has approved the job, and can take that back until not_before.
UPDATE jobs SET not_before = sqlc.arg(not_before), run_at = sqlc.arg(not_before), code = 'approved'
WHERE id = sqlc.arg(id) AND state = 'ready';

-- name: UndelayJob :exec
-- The owner has approved the job and does not take that back.
UPDATE jobs SET not_before = NULL WHERE id = ? AND not_before IS NOT NULL;

-- name: DelayedJobs :many
-- The work of an order that is approved and has not begun.
SELECT id, order_id, kind, round, stage, state, not_before FROM jobs
WHERE order_id = sqlc.arg(order_id) AND state IN ('ready', 'held') AND not_before > sqlc.arg(not_before) ORDER BY id;

-- name: HoldDelayed :exec
-- The approval is taken back.
UPDATE jobs SET state = 'held', not_before = NULL, code = 'review', reason = sqlc.arg(reason), hint = sqlc.arg(hint),
    changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id) AND state IN ('ready', 'held');

-- name: HoldCancelled :exec
-- The owner takes a cancellation back. What waited for approval before it waits again.
UPDATE jobs SET state = 'held', reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE order_id = sqlc.arg(order_id) AND state = 'cancelled' AND code = 'review'
  AND (kind <> 'delivery' OR round = sqlc.arg(round));

-- name: StillUnsent :many
-- The delivery of a round that waited for the owner before its order was opened again: for an approval, or after a dry run.
SELECT id, stage, code FROM jobs
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND round = sqlc.arg(round)
  AND state IN ('held', 'cancelled') AND code IN ('review', 'dry_run');

-- name: HoldReopened :exec
-- What waited for the owner before its order was opened again still waits.
UPDATE jobs SET state = 'held', reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE id = sqlc.arg(id);

-- name: WaitForApproval :many
-- The work of an order that waits for the owner's approval, and what the order shows of it.
SELECT kind, reason, hint FROM jobs
WHERE order_id = sqlc.arg(order_id) AND state = 'held' AND code = 'review' AND (kind <> 'delivery' OR round = sqlc.arg(round))
ORDER BY kind = 'piece', id;

-- name: LastAct :many
-- What an owner did last to an order.
SELECT at, text, actor FROM events WHERE order_id = ? AND kind = 'owner' ORDER BY id DESC LIMIT 1;

-- name: SeenThread :one
-- What the client has written last, how often, how often the owner has, and the draft of the assistant.
SELECT CAST(coalesce((SELECT m.content FROM messages AS m WHERE m.order_id = sqlc.arg(order_id) AND m.party <> 'agent'
                       ORDER BY m.at DESC, m.remote_id DESC LIMIT 1), '') AS TEXT) AS asked,
       CAST((SELECT count(*) FROM messages AS c WHERE c.order_id = sqlc.arg(order_id) AND c.party <> 'agent') AS INTEGER) AS messages,
       CAST((SELECT count(*) FROM outbox AS b WHERE b.order_id = sqlc.arg(order_id) AND b.reason LIKE 'owner-%') AS INTEGER) AS answers,
       CAST(coalesce((SELECT d.body FROM outbox AS d WHERE d.order_id = sqlc.arg(order_id) AND d.state = 'draft'
                       ORDER BY d.position DESC LIMIT 1), '') AS TEXT) AS draft;
