-- +goose Up

-- Work that waits looks again and again, for a week if need be. The looks for one reason share the row of the first.
ALTER TABLE attempts ADD COLUMN looks INTEGER NOT NULL DEFAULT 1;

-- A row of attempts is deleted only where no call has it.
CREATE INDEX calls_attempt ON calls (attempt_id) WHERE attempt_id IS NOT NULL;
