-- +goose Up

-- The job of a call is cancelled at the provider once its order has ended: since when that is wanted, how often it
-- was tried, and when it is tried next. cancels is 1 if the generator can cancel jobs.
ALTER TABLE calls ADD COLUMN cancels INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN cancel_wanted_at TEXT;
ALTER TABLE calls ADD COLUMN cancel_tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN cancel_next_at TEXT;
CREATE INDEX calls_cancel ON calls (cancel_next_at) WHERE state = 'submitted' AND cancel_wanted_at IS NOT NULL;
