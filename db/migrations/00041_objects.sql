-- +goose Up

-- The files that were put into the owner's own storage, or may have been: a row is there before the file is put.
CREATE TABLE objects (
    key        TEXT PRIMARY KEY,                  -- random; its name there
    place      TEXT NOT NULL,                     -- which storage it lies in
    order_id   TEXT NOT NULL REFERENCES orders (id),
    kind       TEXT NOT NULL CHECK (kind IN ('delivery', 'piece')),
    round      INTEGER NOT NULL,
    take       INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    created_at TEXT NOT NULL,
    removed_at TEXT                               -- set before the file is removed; the row goes after that
) STRICT;

-- The same file of the same delivery keeps its key.
CREATE UNIQUE INDEX objects_file ON objects (order_id, kind, round, take, position, sha256, place) WHERE removed_at IS NULL;
CREATE INDEX objects_place ON objects (place, created_at);
