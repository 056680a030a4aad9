-- name: RecentCalls :many
-- The calls among the newest ones that have made something. It reads no more rows than those.
SELECT generator, began_at, closed_at, cost_usd_micros FROM calls
WHERE id > (SELECT coalesce(max(n.id), 0) FROM calls AS n) - 500 AND state = 'done' AND closed_at IS NOT NULL;

-- name: RecentAttempts :many
-- The attempts among the newest ones at a stage that makes nothing, as far as they have done it.
SELECT stage, started_at, finished_at FROM attempts
WHERE id > (SELECT coalesce(max(n.id), 0) FROM attempts AS n) - 500 AND outcome = 'done' AND stage IN ('upload', 'deliver')
  AND finished_at IS NOT NULL;

-- name: JobsWaiting :many
-- What waits in a lane, in the order in which it is leased.
SELECT j.order_id, j.kind, j.round, j.stage, j.state, j.due_at, j.run_at, j.not_before, j.changed_at, j.code, o.service
FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state = 'ready' AND j.lane = sqlc.arg(lane) ORDER BY j.priority, j.due_at, j.id LIMIT sqlc.arg(most);

-- name: JobsAtWork :many
SELECT j.order_id, j.kind, j.round, j.stage, j.state, j.due_at, j.run_at, j.not_before, j.changed_at, j.code, o.service
FROM jobs AS j JOIN orders AS o ON o.id = j.order_id WHERE j.state = 'leased' ORDER BY j.id;

-- name: CallsOfGenerator :many
-- The newest calls of a generator that have ended, since a time.
SELECT state, began_at, closed_at FROM calls
WHERE generator = sqlc.arg(generator) AND began_at >= sqlc.arg(since) AND closed_at IS NOT NULL ORDER BY id DESC LIMIT sqlc.arg(most);
