-- +goose Up

-- Quotes, messages and the pieces of a subscription become work like a delivery.
-- The tables below are built anew because SQLite cannot change a CHECK; first
-- the child, so that no foreign key ever points into nothing.

DROP VIEW v_orders_open;
DROP VIEW v_orders;
DROP VIEW v_attempts;
DROP VIEW v_timeline;
DROP VIEW v_earnings_daily;
DROP VIEW v_attention;

CREATE TABLE jobs_new (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
    kind        TEXT NOT NULL CHECK (kind IN ('delivery', 'quote', 'piece', 'message')),
    round       INTEGER NOT NULL CHECK (round >= 0), -- of a piece its number, of a message its place in the outbox
    stage       TEXT NOT NULL CHECK (stage IN ('generate', 'upload', 'deliver', 'price', 'quote', 'send')),
    lane        TEXT NOT NULL CHECK (lane IN ('generate', 'network')),
    priority    INTEGER NOT NULL,                 -- within the lane, lowest first
    state       TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'held', 'done', 'failed', 'cancelled')),
    attempt     INTEGER NOT NULL DEFAULT 0,       -- within the stage
    crashes     INTEGER NOT NULL DEFAULT 0,       -- within the stage
    due_at      TEXT NOT NULL,
    run_at      TEXT NOT NULL,                    -- not before
    lease_token TEXT NOT NULL DEFAULT '',
    lease_until TEXT,
    code        TEXT NOT NULL DEFAULT '',
    reason      TEXT NOT NULL DEFAULT '',
    hint        TEXT NOT NULL DEFAULT '',
    created_at  TEXT NOT NULL,
    changed_at  TEXT NOT NULL,
    finished_at TEXT,
    UNIQUE (order_id, kind, round),
    CHECK ((state = 'leased') = (lease_token <> ''))
) STRICT;

INSERT INTO jobs_new SELECT id, order_id, kind, round, stage, lane, priority, state, attempt, crashes, due_at, run_at,
    lease_token, lease_until, code, reason, hint, created_at, changed_at, finished_at FROM jobs;

CREATE TABLE attempts_new (
    id              INTEGER PRIMARY KEY,
    job_id          INTEGER NOT NULL REFERENCES jobs_new (id),
    stage           TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    started_at      TEXT NOT NULL,
    finished_at     TEXT,
    outcome         TEXT NOT NULL DEFAULT 'running' CHECK (outcome IN
                    ('running', 'done', 'retry', 'wait', 'fail', 'hold', 'lost', 'stopped', 'crashed')),
    code            TEXT NOT NULL DEFAULT '',
    error           TEXT NOT NULL DEFAULT '',
    log             TEXT NOT NULL DEFAULT '',     -- tail of the generator's own output
    cost_usd_micros INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO attempts_new SELECT id, job_id, stage, attempt, started_at, finished_at, outcome, code, error, log,
    cost_usd_micros FROM attempts;

DROP TABLE attempts;
DROP TABLE jobs;
ALTER TABLE jobs_new RENAME TO jobs;
ALTER TABLE attempts_new RENAME TO attempts;

CREATE INDEX jobs_ready ON jobs (lane, priority, due_at, id, run_at) WHERE state = 'ready';
CREATE INDEX jobs_leased ON jobs (id) WHERE state = 'leased';
CREATE INDEX jobs_stuck ON jobs (id) WHERE state IN ('held', 'failed');
CREATE INDEX attempts_job ON attempts (job_id);

CREATE TABLE artifacts_new (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
    kind        TEXT NOT NULL CHECK (kind IN ('delivery', 'piece')),
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
    url         TEXT NOT NULL DEFAULT '',         -- set once uploaded
    created_at  TEXT NOT NULL,
    uploaded_at TEXT,
    UNIQUE (order_id, kind, round, position)
) STRICT;

INSERT INTO artifacts_new SELECT id, order_id, 'delivery', round, position, path, name, bytes, sha256, mime, media,
    width, height, url, created_at, uploaded_at FROM artifacts;
DROP TABLE artifacts;
ALTER TABLE artifacts_new RENAME TO artifacts;

-- When the order's thread is to be read next; NULL when it is not.
ALTER TABLE orders ADD COLUMN thread_due_at TEXT;
UPDATE orders SET thread_due_at = changed_at
 WHERE remote_status IN ('paid', 'in_progress', 'delivered', 'disputed', 'revision_requested') AND state NOT IN ('completed', 'cancelled');
CREATE INDEX orders_thread ON orders (thread_due_at) WHERE thread_due_at IS NOT NULL;

-- The price asked for an order, written before it is sent.
CREATE TABLE quotes (
    order_id         TEXT PRIMARY KEY REFERENCES orders (id),
    price_usd_micros INTEGER NOT NULL CHECK (price_usd_micros > 0),
    source           TEXT NOT NULL CHECK (source IN ('fixed', 'command', 'owner')),
    state            TEXT NOT NULL CHECK (state IN ('priced', 'sending', 'refused', 'confirmed', 'elsewhere')),
    tries            INTEGER NOT NULL DEFAULT 0,
    sent_at          TEXT,                        -- when the last try was about to be sent
    settled_at       TEXT,
    note             TEXT NOT NULL DEFAULT ''
) STRICT;

-- The threads of the orders, as they were last read. The text is foreign.
CREATE TABLE messages (
    order_id  TEXT NOT NULL REFERENCES orders (id),
    remote_id TEXT NOT NULL,                      -- the marketplace's id, or a hash where it gives none
    party     TEXT NOT NULL CHECK (party IN ('client', 'agent', 'other')),
    sender    TEXT NOT NULL,                      -- the marketplace's word for who wrote it
    content   TEXT NOT NULL,
    at        TEXT NOT NULL,
    seen_at   TEXT NOT NULL,
    PRIMARY KEY (order_id, remote_id)
) STRICT;

-- What we write to clients: one row a reason, so that nothing is said twice.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    position   INTEGER NOT NULL,                  -- the round of its job
    reason     TEXT NOT NULL,                     -- received, delivered, revised-1, piece-3, owner-...
    body       TEXT NOT NULL DEFAULT '',          -- '' until it has been written from its template
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'refused', 'dropped')),
    tries      INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    sent_at    TEXT,                              -- when the last try was about to be sent
    settled_at TEXT,
    note       TEXT NOT NULL DEFAULT '',
    UNIQUE (order_id, reason),
    UNIQUE (order_id, position)
) STRICT;

-- What the client of a subscription has asked for: one piece a message.
CREATE TABLE pieces (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    number     INTEGER NOT NULL CHECK (number > 0),
    message_id TEXT NOT NULL,
    request    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (order_id, number),
    UNIQUE (order_id, message_id)
) STRICT;

CREATE VIEW v_orders AS
SELECT o.id, o.service, o.state, o.remote_status, o.round,
       o.price_usd_micros / 1e6 AS price_usd,
       (SELECT coalesce(sum(a.cost_usd_micros), 0) FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
         WHERE j.order_id = o.id) / 1e6 AS cost_usd,
       (SELECT j.stage FROM jobs AS j WHERE j.order_id = o.id AND j.kind = 'delivery' AND j.round = o.round) AS stage,
       (SELECT j.state FROM jobs AS j WHERE j.order_id = o.id AND j.kind = 'delivery' AND j.round = o.round) AS job_state,
       o.brief, o.reason, o.hint, o.created_at, o.seen_at, o.due_at, o.delivered_at, o.completed_at,
       round((julianday(o.delivered_at) - julianday(o.seen_at)) * 86400, 1) AS seconds_to_deliver,
       o.client_wallet, o.deliverables, o.raw,
       o.window_ends_at, o.quota_total, o.quota_used,
       (SELECT count(*) FROM pieces AS p WHERE p.order_id = o.id) AS pieces
FROM orders AS o;

CREATE VIEW v_orders_open AS
SELECT * FROM v_orders WHERE state NOT IN ('completed', 'cancelled') ORDER BY due_at, id;

CREATE VIEW v_attempts AS
SELECT a.id, j.order_id, j.round, a.stage, a.attempt, a.outcome, a.code, a.error,
       a.cost_usd_micros / 1e6 AS cost_usd,
       a.started_at, a.finished_at,
       round((julianday(a.finished_at) - julianday(a.started_at)) * 86400, 3) AS seconds,
       a.log, j.kind
FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id;

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
    SELECT o.seen_at, o.id, 'seen', o.service_title, 0, 0 FROM orders AS o
    UNION ALL
    SELECT m.at, m.order_id, 'client wrote', m.content, 0, m.rowid FROM messages AS m WHERE m.party = 'client'
    UNION ALL
    SELECT e.at, e.order_id, e.kind, e.text, 3, e.id FROM events AS e
) ORDER BY at, step, id;

CREATE VIEW v_earnings_daily AS
SELECT substr(o.completed_at, 1, 10) AS day,
       count(*) AS orders,
       sum(coalesce(o.price_usd_micros, 0)) / 1e6 AS gross_usd,
       sum(coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0)) / 1e6 AS fee_usd,
       sum(coalesce(o.price_usd_micros, 0) - coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0)) / 1e6 AS net_usd,
       sum(c.cost) / 1e6 AS cost_usd,
       sum(coalesce(o.price_usd_micros, 0) - coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0) - c.cost) / 1e6 AS profit_usd
FROM orders AS o
JOIN (SELECT p.id AS id,
             (SELECT coalesce(sum(a.cost_usd_micros), 0) FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id
               WHERE j.order_id = p.id) AS cost
        FROM orders AS p WHERE p.completed_at IS NOT NULL) AS c ON c.id = o.id
WHERE o.state = 'completed' AND o.completed_at IS NOT NULL
GROUP BY day;

-- Every price asked, and what became of it.
CREATE VIEW v_quotes AS
SELECT q.order_id, o.service, o.remote_status, q.price_usd_micros / 1e6 AS price_usd, q.source, q.state,
       q.tries, q.sent_at, q.settled_at, q.note, o.brief
FROM quotes AS q JOIN orders AS o ON o.id = q.order_id;

-- The threads as they stand, and what of ours is still on its way into them.
CREATE VIEW v_messages AS
SELECT m.order_id, m.at, m.party, m.sender, m.content, 'in the thread' AS state, '' AS reason FROM messages AS m
UNION ALL
SELECT b.order_id, b.created_at, 'agent', '', b.body, b.state, b.reason FROM outbox AS b
 WHERE b.state <> 'sent' OR NOT EXISTS
       (SELECT 1 FROM messages AS m WHERE m.order_id = b.order_id AND m.party = 'agent' AND m.content = b.body);

-- Every piece of a subscription, and what became of it.
CREATE VIEW v_pieces AS
SELECT p.order_id, p.number, p.request, j.state AS job_state, j.stage, b.state AS message_state, b.settled_at AS sent_at,
       (SELECT group_concat(f.url, ' ') FROM artifacts AS f
         WHERE f.order_id = p.order_id AND f.kind = 'piece' AND f.round = p.number) AS urls,
       p.created_at
FROM pieces AS p
LEFT JOIN jobs AS j ON j.order_id = p.order_id AND j.kind = 'piece' AND j.round = p.number
LEFT JOIN outbox AS b ON b.order_id = p.order_id AND b.reason = 'piece-' || p.number;

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
