-- +goose Up

-- When a late result was last looked for. Time in which nobody looked does not make it late.
ALTER TABLE calls ADD COLUMN late_seen_at TEXT;
