-- +goose Up

-- 1: the owner has had the files of the job made again. What a provider has under the key of a new call is then
-- from before, and is not used.
ALTER TABLE jobs ADD COLUMN redone INTEGER NOT NULL DEFAULT 0;
