-- name: InsertGeneration :execlastid
INSERT INTO generations (job_id, attempt_id, generator, key, state, cost_usd_micros, began_at) VALUES (?, ?, ?, ?, 'calling', ?, ?);

-- name: AddAttemptCost :exec
UPDATE attempts SET cost_usd_micros = max(cost_usd_micros + CAST(sqlc.arg(delta) AS INTEGER), 0) WHERE id = sqlc.arg(id);

-- name: OpenGenerations :many
-- What an earlier run of the job has begun and not settled.
SELECT * FROM generations WHERE job_id = ? AND state IN ('calling', 'submitted') ORDER BY id;

-- name: GenerationSubmitted :execrows
UPDATE generations SET state = 'submitted', ticket = sqlc.arg(ticket)
WHERE id = sqlc.arg(id) AND state IN ('calling', 'submitted');

-- name: OpenGeneration :many
SELECT * FROM generations WHERE id = ? AND state IN ('calling', 'submitted');

-- name: SettleGeneration :exec
UPDATE generations SET state = sqlc.arg(state), cost_usd_micros = sqlc.arg(cost), settled_at = sqlc.arg(settled_at),
    note = sqlc.arg(note)
WHERE id = sqlc.arg(id);

-- name: GiveUpGenerations :exec
-- The owner wants the work tried again: a call of unknown outcome that it was held for is given up, and
-- stays counted as spent; every_call = 1 gives up jobs at providers too.
UPDATE generations SET state = 'unknown', settled_at = sqlc.arg(settled_at), note = 'given up by the owner'
WHERE state IN ('calling', 'submitted') AND job_id IN (
    SELECT j.id FROM jobs AS j WHERE j.order_id = sqlc.arg(order_id)
       AND (j.code = 'unknown_call' OR CAST(sqlc.arg(every_call) AS INTEGER) = 1));

-- name: SpentOnOrder :one
SELECT CAST(coalesce(sum(a.cost_usd_micros), 0) AS INTEGER) FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id
WHERE j.order_id = ?;

-- name: SpentSince :one
SELECT CAST(coalesce(sum(g.cost_usd_micros), 0) AS INTEGER) FROM generations AS g WHERE g.began_at >= ?;

-- name: SpentInAttempt :one
SELECT cost_usd_micros FROM attempts WHERE id = ?;

-- name: OrderGenerations :many
SELECT g.*, j.kind, j.round, a.attempt FROM generations AS g
JOIN jobs AS j ON j.id = g.job_id JOIN attempts AS a ON a.id = g.attempt_id
WHERE j.order_id = ? ORDER BY g.id;

-- name: SameFile :many
-- Files of other orders with the same content.
SELECT order_id FROM artifacts WHERE sha256 = ? AND order_id <> ? AND kind IN ('delivery', 'piece') LIMIT 1;
