-- name: ListWindows :many
SELECT * FROM windows;

-- name: PutWindow :exec
INSERT INTO windows (scope, started_at, ends_at, used, learned_limit, blocked_until_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (scope) DO UPDATE SET started_at = excluded.started_at, ends_at = excluded.ends_at,
    used = excluded.used, learned_limit = excluded.learned_limit, blocked_until_at = excluded.blocked_until_at;

-- name: InsertRequest :execlastid
INSERT INTO requests (at, kind, order_id) VALUES (?, ?, ?);

-- name: AnswerRequest :exec
UPDATE requests SET answered_at = ?, status = ?, error = ? WHERE id = ?;

-- name: GetFact :many
SELECT value FROM facts WHERE name = ?;

-- name: ListFacts :many
SELECT name, value, changed_at FROM facts ORDER BY name;

-- name: PutFact :exec
INSERT INTO facts (name, value, changed_at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
WHERE facts.value <> excluded.value;

-- name: DeleteFact :execrows
DELETE FROM facts WHERE name = ?;

-- name: SentFiles :one
-- The uploads and deliveries since a time that were not refused for their number.
SELECT CAST(coalesce(sum(r.kind = 'upload'), 0) AS INTEGER) AS uploads,
       CAST(coalesce(sum(r.kind = 'deliver'), 0) AS INTEGER) AS deliveries
FROM requests AS r WHERE r.at >= sqlc.arg(since_at) AND coalesce(r.status, 0) <> 429;
