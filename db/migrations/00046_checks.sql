-- +goose Up

-- What the assistant found when it looked at the files of a take. A row is written once, with the end of its call:
-- an answer is never asked for again. Other files of the same take are looked at on their own.
CREATE TABLE checks (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL CHECK (kind IN ('delivery', 'piece')),
    round      INTEGER NOT NULL,
    take       INTEGER NOT NULL,
    files      TEXT NOT NULL,                   -- a hash of what was looked at; empty: nothing was made
    score      INTEGER,                         -- 0 to 10; NULL: it could not be found, and note says why
    below      INTEGER NOT NULL,                -- the service's check_below
    problems   TEXT NOT NULL,                   -- what is wrong, as a JSON list of texts
    note       TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    PRIMARY KEY (order_id, kind, round, take, files)
) STRICT;

-- 1: opened because the assistant's check found the files of the take before too bad.
ALTER TABLE takes ADD COLUMN by_check INTEGER NOT NULL DEFAULT 0;
-- The take whose files it has: the best one, if that was not the last. 0: its files were made for it.
ALTER TABLE takes ADD COLUMN same_as INTEGER NOT NULL DEFAULT 0;
