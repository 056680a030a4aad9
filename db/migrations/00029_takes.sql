-- +goose Up

-- Each time that the owner has the files of a round or a piece made again. The first take has a row only if it was
-- opened with instructions. Clients see nothing of this.
CREATE TABLE takes (
    order_id     TEXT NOT NULL REFERENCES orders (id),
    kind         TEXT NOT NULL CHECK (kind IN ('delivery', 'piece')),
    round        INTEGER NOT NULL,
    take         INTEGER NOT NULL,
    instructions TEXT NOT NULL DEFAULT '',            -- the owner's, for the generator
    from_these   INTEGER NOT NULL DEFAULT 0,          -- 1: the files of the take before are its references
    created_at   TEXT NOT NULL,
    PRIMARY KEY (order_id, kind, round, take)
) STRICT;

CREATE TABLE artifacts_new (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
    kind        TEXT NOT NULL CHECK (kind IN ('delivery', 'piece', 'reference')),
    round       INTEGER NOT NULL,
    take        INTEGER NOT NULL DEFAULT 1,       -- the last one counts; earlier ones stay to compare
    position    INTEGER NOT NULL,
    path        TEXT NOT NULL,                    -- relative to the data folder; '' for a link
    name        TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    mime        TEXT NOT NULL,
    media       TEXT NOT NULL,                    -- the marketplace's media type
    width       INTEGER NOT NULL,
    height      INTEGER NOT NULL,
    url         TEXT NOT NULL DEFAULT '',         -- set once uploaded; of a reference where it was
    created_at  TEXT NOT NULL,
    uploaded_at TEXT,
    UNIQUE (order_id, kind, round, take, position)
) STRICT;

INSERT INTO artifacts_new SELECT id, order_id, kind, round, 1, position, path, name, bytes, sha256, mime, media,
    width, height, url, created_at, uploaded_at FROM artifacts;
DROP TABLE artifacts;
ALTER TABLE artifacts_new RENAME TO artifacts;
CREATE INDEX artifacts_sha256 ON artifacts (sha256);
CREATE INDEX artifacts_uploaded ON artifacts (uploaded_at) WHERE uploaded_at IS NOT NULL;
