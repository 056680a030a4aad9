-- +goose Up

-- The owner approves work with a delay, within which the approval can be taken back. The job does not run before,
-- whatever changes run_at.
ALTER TABLE jobs ADD COLUMN not_before TEXT;

DROP INDEX jobs_ready;
CREATE INDEX jobs_ready ON jobs (lane, priority, due_at, id, run_at, not_before) WHERE state = 'ready';
