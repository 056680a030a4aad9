-- name: InsertSample :execlastid
INSERT INTO calls (generator, key, state, cost_usd_micros, began_at, sample, epoch)
VALUES (?, ?, 'calling', ?, ?, ?, (SELECT l.epoch FROM ledger AS l WHERE l.one = 1));

-- name: CountSamples :one
-- Counts the samples ever made by a generator, whatever became of them.
SELECT count(*) FROM calls WHERE job_id IS NULL AND generator = ?;

-- name: OpenSamples :many
SELECT * FROM calls WHERE job_id IS NULL AND state IN ('calling', 'submitted') ORDER BY generator;
