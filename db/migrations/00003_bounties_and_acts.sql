-- +goose Up

-- The bounties that we have claimed: the row is written before the claim is sent.
CREATE TABLE bounties (
    id                TEXT PRIMARY KEY,
    title             TEXT NOT NULL,
    brief             TEXT NOT NULL,
    category          TEXT NOT NULL,
    budget_usd_micros INTEGER NOT NULL,
    deadline_hours    INTEGER NOT NULL,
    service           TEXT NOT NULL,              -- title of the service that is to do it
    message           TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN
                      ('claiming', 'pending', 'refused', 'accepted', 'lost', 'withdrawn')),
    reason            TEXT NOT NULL DEFAULT '',
    order_id          TEXT NOT NULL DEFAULT '',   -- the order that it became
    claimed_at        TEXT NOT NULL,              -- when the claim was last about to be sent
    changed_at        TEXT NOT NULL
) STRICT;

CREATE INDEX bounties_open ON bounties (id) WHERE state IN ('claiming', 'pending');

CREATE VIEW v_bounties AS
SELECT id, title, category, budget_usd_micros / 1e6 AS budget_usd, service, state, reason, order_id, claimed_at, brief
FROM bounties;

-- What the owner has done to the agent itself that must not happen twice: the
-- row is written before the request is sent.
CREATE TABLE acts (
    name       TEXT PRIMARY KEY,                  -- token
    detail     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('sending', 'done', 'refused')),
    result     TEXT NOT NULL DEFAULT '',
    sent_at    TEXT NOT NULL,
    settled_at TEXT
) STRICT;

-- A service that the owner has taken off the market is not listed again by itself.
DROP VIEW v_attention;
CREATE TABLE services_new (
    title      TEXT PRIMARY KEY,
    remote_id  TEXT NOT NULL DEFAULT '',
    state      TEXT NOT NULL CHECK (state IN ('wanted', 'creating', 'listed', 'held', 'retired')),
    reason     TEXT NOT NULL DEFAULT '',
    changed_at TEXT NOT NULL
) STRICT;
INSERT INTO services_new SELECT title, remote_id, state, reason, changed_at FROM services;
DROP TABLE services;
ALTER TABLE services_new RENAME TO services;

CREATE VIEW v_attention AS
SELECT 'order' AS what, o.id AS id, o.state AS state, o.code AS code, o.reason AS reason, o.hint AS hint,
       o.changed_at AS since
  FROM orders AS o WHERE o.state NOT IN ('completed', 'cancelled') AND o.state IN ('held', 'failed')
UNION ALL
SELECT j.kind, j.order_id, j.state, j.code, j.reason, j.hint, j.changed_at
  FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
 WHERE j.state IN ('held', 'failed') AND j.kind IN ('piece', 'message') AND o.state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT 'service', s.title, s.state, '', s.reason, '', s.changed_at FROM services AS s WHERE s.state = 'held'
UNION ALL
SELECT 'row', 'row ' || u.fingerprint, 'unreadable', 'unreadable', u.reason, '', u.first_at FROM unreadable AS u
UNION ALL
SELECT 'daemon', f.name, 'held', f.name, f.value, '', f.changed_at FROM facts AS f WHERE f.name LIKE 'trouble.%';
