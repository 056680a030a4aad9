-- +goose Up

-- Work that waits looks again and again, for a week if need be. The looks for one reason share the row of the first.
ALTER TABLE attempts ADD COLUMN looks INTEGER NOT NULL DEFAULT 1;
