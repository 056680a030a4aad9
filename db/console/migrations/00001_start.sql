-- +goose Up

-- Who may use the console. No secret is in here: passwords, links, sessions and tokens
-- are kept as hashes.

CREATE TABLE users (
    name     TEXT PRIMARY KEY,
    role     TEXT NOT NULL,             -- owner or reader
    password TEXT NOT NULL,             -- argon2id, in the form of its reference program; '' for links only
    added_at TEXT NOT NULL
) STRICT;

-- Links that log in once.
CREATE TABLE links (
    hash       BLOB PRIMARY KEY,        -- SHA-256 of the secret
    name       TEXT NOT NULL,           -- whom it logs in
    role       TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    began_at   TEXT NOT NULL,
    used_at    TEXT NOT NULL,           -- to the hour
    expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_name ON sessions (name);

-- Tokens of agents that act for the owner.
CREATE TABLE tokens (
    name     TEXT PRIMARY KEY,
    hash     BLOB NOT NULL UNIQUE,
    allow    TEXT NOT NULL,             -- the tools that change something, with spaces between
    added_at TEXT NOT NULL,
    used_at  TEXT NOT NULL              -- to the hour; the time of adding before the first use
) STRICT;
