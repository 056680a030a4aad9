-- +goose Up

-- Since when the provider says that the job is done, and its result cannot be had yet.
ALTER TABLE calls ADD COLUMN late_at TEXT;
