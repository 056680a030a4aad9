-- +goose Up

-- One row for each call of a generator, written before the call: what it may
-- cost, and under which id the provider knows it. After a crash the same job is
-- asked about, not paid for again.
CREATE TABLE generations (
    id              INTEGER PRIMARY KEY,
    job_id          INTEGER NOT NULL REFERENCES jobs (id),
    attempt_id      INTEGER NOT NULL REFERENCES attempts (id), -- the one that began it, which carries its cost
    generator       TEXT NOT NULL,             -- the NAME of [generator.NAME]
    key             TEXT NOT NULL UNIQUE,      -- idempotency key
    ticket          TEXT NOT NULL DEFAULT '',  -- the provider's id of the job, committed before it is asked about
    state           TEXT NOT NULL CHECK (state IN
                    ('calling', 'submitted', 'done', 'failed', 'refused', 'expired', 'unknown')),
    cost_usd_micros INTEGER NOT NULL CHECK (cost_usd_micros >= 0), -- the price; the provider's figure once it is known
    began_at        TEXT NOT NULL,
    settled_at      TEXT,
    note            TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX generations_job ON generations (job_id);
CREATE INDEX generations_began ON generations (began_at, cost_usd_micros);

-- The pictures that clients link to are kept as artifacts, too. Built anew
-- because SQLite cannot change a CHECK.
DROP VIEW v_timeline;
DROP VIEW v_pieces;

CREATE TABLE artifacts_new (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
    kind        TEXT NOT NULL CHECK (kind IN ('delivery', 'piece', 'reference')),
    round       INTEGER NOT NULL,
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
    UNIQUE (order_id, kind, round, position)
) STRICT;

INSERT INTO artifacts_new SELECT id, order_id, kind, round, position, path, name, bytes, sha256, mime, media,
    width, height, url, created_at, uploaded_at FROM artifacts;
DROP TABLE artifacts;
ALTER TABLE artifacts_new RENAME TO artifacts;
CREATE INDEX artifacts_sha256 ON artifacts (sha256);

CREATE VIEW v_timeline AS
SELECT at, order_id, what, text FROM (
    SELECT a.started_at AS at, j.order_id AS order_id, a.stage || ' started' AS what,
           'attempt ' || a.attempt AS text, 1 AS step, 2 * a.id AS id
      FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
    UNION ALL
    SELECT a.finished_at, j.order_id, a.stage || ' ' || a.outcome, a.error, 1, 2 * a.id + 1
      FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE a.finished_at IS NOT NULL
    UNION ALL
    SELECT f.uploaded_at, f.order_id, 'file uploaded', f.name || ' ' || f.url, 2, f.id
      FROM artifacts AS f WHERE f.uploaded_at IS NOT NULL
    UNION ALL
    SELECT f.created_at, f.order_id, 'reference fetched', f.name || ' ' || f.url, 1, f.id
      FROM artifacts AS f WHERE f.kind = 'reference'
    UNION ALL
    SELECT o.seen_at, o.id, 'seen', o.service_title, 0, 0 FROM orders AS o
    UNION ALL
    SELECT m.at, m.order_id, 'client wrote', m.content, 0, m.rowid FROM messages AS m WHERE m.party = 'client'
    UNION ALL
    SELECT e.at, e.order_id, e.kind, e.text, 3, e.id FROM events AS e
) ORDER BY at, step, id;

CREATE VIEW v_pieces AS
SELECT p.order_id, p.number, p.request, j.state AS job_state, j.stage, b.state AS message_state, b.settled_at AS sent_at,
       (SELECT group_concat(f.url, ' ') FROM artifacts AS f
         WHERE f.order_id = p.order_id AND f.kind = 'piece' AND f.round = p.number) AS urls,
       p.created_at
FROM pieces AS p
LEFT JOIN jobs AS j ON j.order_id = p.order_id AND j.kind = 'piece' AND j.round = p.number
LEFT JOIN outbox AS b ON b.order_id = p.order_id AND b.reason = 'piece-' || p.number;

-- Every call of a generator, and what became of it and of its money.
CREATE VIEW v_generations AS
SELECT g.id, j.order_id, j.kind, j.round, a.attempt, g.generator, g.state, g.ticket,
       g.cost_usd_micros / 1e6 AS cost_usd, g.began_at, g.settled_at, g.note, g.key
FROM generations AS g JOIN jobs AS j ON j.id = g.job_id JOIN attempts AS a ON a.id = g.attempt_id;
