-- name: BeginRun :exec
INSERT INTO runs (version, began_at, host, epoch) VALUES (sqlc.arg(version), sqlc.arg(began_at), sqlc.arg(host), (SELECT l.epoch FROM ledger AS l WHERE l.one = 1));

-- name: EndRun :exec
UPDATE runs SET ended_at = sqlc.arg(ended_at) WHERE ended_at IS NULL AND crashed_at IS NULL;

-- name: FailRun :exec
-- The process that runs ends because of an internal error.
UPDATE runs SET note = sqlc.arg(note) WHERE ended_at IS NULL AND crashed_at IS NULL;

-- name: FindCrashes :execrows
-- What has neither ended nor crashed, as a process begins.
UPDATE runs SET crashed_at = sqlc.arg(crashed_at) WHERE ended_at IS NULL AND crashed_at IS NULL;

-- name: CrashesSince :many
SELECT crashed_at, note FROM runs WHERE crashed_at IS NOT NULL AND crashed_at >= ? ORDER BY crashed_at, id;

-- name: LastRun :many
SELECT * FROM runs WHERE id = (SELECT max(r.id) FROM runs AS r);

-- name: PruneRuns :exec
DELETE FROM runs WHERE id <= (SELECT max(r.id) FROM runs AS r) - 1000;
