-- +goose Up

-- Who acted, such as cli:jo. '' for what the daemon did by itself.
ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT '';
