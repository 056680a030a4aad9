-- name: InsertGeneration :execlastid
INSERT INTO generations (job_id, attempt_id, generator, key, state, cost_usd_micros, began_at) VALUES (?, ?, ?, ?, 'calling', ?, ?);

-- name: AddAttemptCost :exec
UPDATE attempts SET cost_usd_micros = max(cost_usd_micros + CAST(sqlc.arg(delta) AS INTEGER), 0) WHERE id = sqlc.arg(id);

-- name: OpenCalls :many
-- What an earlier run of the job has begun and not settled, and in which attempt.
SELECT g.*, a.attempt FROM generations AS g JOIN attempts AS a ON a.id = g.attempt_id
WHERE g.job_id = ? AND g.state IN ('calling', 'submitted') ORDER BY g.id;

-- name: CallSubmitted :execrows
UPDATE generations SET state = 'submitted', ticket = sqlc.arg(ticket)
WHERE id = sqlc.arg(id) AND state IN ('calling', 'submitted');

-- name: OpenGeneration :many
SELECT * FROM generations WHERE id = ? AND state IN ('calling', 'submitted');

-- name: CloseCall :exec
UPDATE generations SET state = sqlc.arg(state), cost_usd_micros = sqlc.arg(cost), settled_at = sqlc.arg(settled_at),
    note = sqlc.arg(note)
WHERE id = sqlc.arg(id);

-- name: GiveUpUnknownCalls :exec
-- The owner wants the work tried again: a call of unknown outcome that it was held for is given up, and
-- stays counted as spent.
UPDATE generations SET state = 'unknown', settled_at = sqlc.arg(settled_at), note = 'given up by the owner'
WHERE state IN ('calling', 'submitted') AND job_id IN (
    SELECT j.id FROM jobs AS j WHERE j.order_id = sqlc.arg(order_id) AND j.code = 'unknown_call');

-- name: GiveUpCalls :exec
-- The owner wants the work of a job made anew: whatever was begun for it is given up.
UPDATE generations SET state = 'unknown', settled_at = sqlc.arg(settled_at), note = 'given up by the owner'
WHERE state IN ('calling', 'submitted') AND job_id = sqlc.arg(job_id);

-- name: SpentOnOrder :one
SELECT CAST(coalesce(sum(a.cost_usd_micros), 0) AS INTEGER) FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id
WHERE j.order_id = ?;

-- name: SpentSince :one
SELECT CAST(coalesce(sum(g.cost_usd_micros), 0) AS INTEGER) FROM generations AS g WHERE g.began_at >= ?;

-- name: SpentInAttempt :one
-- An attempt that was cut or had to wait has a row for each time that it was begun: all since the last
-- one that counted, and since the owner's last word, which begins another.
SELECT CAST(coalesce(sum(a.cost_usd_micros), 0) AS INTEGER) FROM attempts AS a
WHERE a.job_id = sqlc.arg(job_id) AND a.id > coalesce((SELECT max(c.id) FROM attempts AS c
    WHERE c.job_id = sqlc.arg(job_id) AND c.outcome IN ('done', 'retry', 'fail', 'hold')), 0)
  AND a.started_at >= coalesce((SELECT max(e.at) FROM events AS e WHERE e.order_id = sqlc.arg(order_id) AND e.kind = 'owner'), '');

-- name: OrderGenerations :many
SELECT g.*, j.kind, j.round, a.attempt FROM generations AS g
JOIN jobs AS j ON j.id = g.job_id JOIN attempts AS a ON a.id = g.attempt_id
WHERE j.order_id = ? ORDER BY g.id;

-- name: SameFile :many
-- Files with the same content: of other orders, and of other pieces of the same subscription. The rounds of
-- a delivery are compared elsewhere.
SELECT order_id FROM artifacts
WHERE sha256 = sqlc.arg(sha256) AND kind IN ('delivery', 'piece')
  AND (order_id <> sqlc.arg(order_id) OR kind = 'piece' AND kind = sqlc.arg(kind) AND round <> sqlc.arg(round)) LIMIT 1;
