-- name: InsertSample :execlastid
INSERT INTO calls (generator, key, state, cost_usd_micros, began_at, sample) VALUES (?, ?, 'calling', ?, ?, ?);

-- name: CountSamples :one
-- Counts the samples ever made by a generator, whatever became of them.
SELECT count(*) FROM calls WHERE job_id IS NULL AND generator = ?;

-- name: OpenSamples :many
SELECT * FROM calls WHERE job_id IS NULL AND state IN ('calling', 'submitted') ORDER BY generator;

-- name: SpentOnSamples :one
-- Whole days from the books, and the rest of the first one from the calls.
SELECT CAST(coalesce((SELECT sum(b.cost_usd_micros) FROM books AS b WHERE b.day >= sqlc.arg(day) AND b.order_id = ''), 0)
          + coalesce((SELECT sum(c.cost_usd_micros) FROM calls AS c
                       WHERE c.job_id IS NULL AND c.began_at >= sqlc.arg(low) AND c.began_at < sqlc.arg(day)), 0) AS INTEGER);
