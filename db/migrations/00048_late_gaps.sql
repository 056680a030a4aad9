-- +goose Up

-- How often a late result was not looked for during a while. Workers that are busy for long
-- look seldom, and the wait for such a result ends all the same.
ALTER TABLE calls ADD COLUMN late_gaps INTEGER NOT NULL DEFAULT 0;
