-- +goose Up

-- 1: the order's JSON is larger than atelierd reads, so the row lacks what is long.
ALTER TABLE orders ADD COLUMN too_large INTEGER NOT NULL DEFAULT 0;
-- Since when the job's attempts fail with the same code, and since when the owner is shown it.
ALTER TABLE jobs ADD COLUMN failing_at TEXT;
ALTER TABLE jobs ADD COLUMN stuck_at TEXT;
CREATE INDEX jobs_failing ON jobs (order_id) WHERE stuck_at IS NOT NULL;
