-- +goose Up

-- Each process that has worked on this folder: a daemon, or a heartbeat.
CREATE TABLE runs (
    id         INTEGER PRIMARY KEY,
    version    TEXT NOT NULL,
    began_at   TEXT NOT NULL,
    ended_at   TEXT,                              -- when it stopped
    crashed_at TEXT,                              -- when the next one found that it had not stopped
    note       TEXT NOT NULL DEFAULT ''           -- the internal error that ended it
) STRICT;

CREATE INDEX runs_open ON runs (id) WHERE ended_at IS NULL AND crashed_at IS NULL;
CREATE INDEX runs_crashed ON runs (crashed_at) WHERE crashed_at IS NOT NULL;
