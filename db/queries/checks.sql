-- name: InsertCheck :exec
INSERT INTO checks (order_id, kind, round, take, files, score, below, problems, note, checked_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: OrderChecks :many
-- The last one of a take is about the files that it has.
SELECT * FROM checks WHERE order_id = ? ORDER BY kind, round, take, checked_at, rowid;

-- name: RemoveChecks :exec
-- The row stays: that the assistant has scored a round counts in the accounts.
UPDATE checks SET problems = '[]', note = CASE note WHEN '' THEN '' ELSE 'removed' END WHERE order_id = ?;
