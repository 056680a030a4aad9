-- +goose Up

-- Times are TEXT like 2026-11-23T15:04:05.123Z: fixed width, UTC, sorts as text.
-- Money is INTEGER millionths of a US dollar, in columns named *_usd_micros.

-- One row an order, from its first sight until the marketplace has ended it and after.
CREATE TABLE orders (
    id                  TEXT PRIMARY KEY,
    service             TEXT NOT NULL DEFAULT '',  -- title of our configured service, '' if none fits
    service_id          TEXT NOT NULL DEFAULT '',
    service_title       TEXT NOT NULL DEFAULT '',
    client_wallet       TEXT NOT NULL DEFAULT '',
    brief               TEXT NOT NULL DEFAULT '',
    reference_urls      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(reference_urls)),
    reference_images    TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(reference_images)),
    requirement_answers TEXT CHECK (requirement_answers IS NULL OR json_valid(requirement_answers)),
    remote_status       TEXT NOT NULL,             -- the marketplace's word
    state               TEXT NOT NULL CHECK (state IN
                        ('waiting', 'working', 'held', 'delivered', 'failed', 'completed', 'cancelled')),
    code                TEXT NOT NULL DEFAULT '',  -- short word for why it is held or failed
    reason              TEXT NOT NULL DEFAULT '',
    hint                TEXT NOT NULL DEFAULT '',
    round               INTEGER NOT NULL DEFAULT 0 CHECK (round >= 0),
    price_usd_micros    INTEGER,
    fee_usd_micros      INTEGER,
    deliverables        TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(deliverables)),
    max_revisions       INTEGER,
    revision_count      INTEGER,
    quota_total         INTEGER,
    quota_used          INTEGER,
    payout_tx           TEXT NOT NULL DEFAULT '',
    created_at          TEXT NOT NULL,
    due_at              TEXT NOT NULL,
    seen_at             TEXT NOT NULL,
    changed_at          TEXT NOT NULL,
    delivered_at        TEXT,
    review_deadline_at  TEXT,
    completed_at        TEXT,
    window_ends_at      TEXT,
    missing_at          TEXT,                      -- since when the marketplace no longer lists it
    effect_event_id     INTEGER NOT NULL DEFAULT 0, -- newest event in which we acted on it at the marketplace
    fingerprint         INTEGER NOT NULL,          -- of raw, so that an unchanged row costs no write
    raw                 TEXT NOT NULL CHECK (json_valid(raw))
) STRICT;

CREATE INDEX orders_open ON orders (due_at, id) WHERE state NOT IN ('completed', 'cancelled');
CREATE INDEX orders_created ON orders (created_at);
CREATE INDEX orders_completed ON orders (completed_at) WHERE completed_at IS NOT NULL;

-- The work owed to an order: one row for each round of each kind of work.
CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
    kind        TEXT NOT NULL CHECK (kind IN ('delivery')),
    round       INTEGER NOT NULL CHECK (round >= 0),
    stage       TEXT NOT NULL CHECK (stage IN ('generate', 'upload', 'deliver')),
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

-- Partial indexes hold only live work, so that a million finished jobs cost nothing.
CREATE INDEX jobs_ready ON jobs (lane, priority, due_at, id, run_at) WHERE state = 'ready';
CREATE INDEX jobs_leased ON jobs (id) WHERE state = 'leased';

-- Every try at a stage, written before the stage runs.
CREATE TABLE attempts (
    id              INTEGER PRIMARY KEY,
    job_id          INTEGER NOT NULL REFERENCES jobs (id),
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

CREATE INDEX attempts_job ON attempts (job_id);

-- The files of a round: on disk before the row, the row before the upload.
CREATE TABLE artifacts (
    id          INTEGER PRIMARY KEY,
    order_id    TEXT NOT NULL REFERENCES orders (id),
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
    UNIQUE (order_id, round, position)
) STRICT;

-- The intent to deliver a round, written before the request is sent.
CREATE TABLE deliveries (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    round      INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('sending', 'refused', 'confirmed', 'elsewhere')),
    urls       TEXT NOT NULL CHECK (json_valid(urls)),
    tries      INTEGER NOT NULL,
    sent_at    TEXT NOT NULL,                     -- when the last try was about to be sent
    settled_at TEXT,
    note       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, round)
) STRICT;

-- Our services at the marketplace, matched by title.
CREATE TABLE services (
    title      TEXT PRIMARY KEY,
    remote_id  TEXT NOT NULL DEFAULT '',
    state      TEXT NOT NULL CHECK (state IN ('wanted', 'creating', 'listed', 'held')),
    reason     TEXT NOT NULL DEFAULT '',
    changed_at TEXT NOT NULL
) STRICT;

-- Every request to the marketplace, written before it is sent.
CREATE TABLE requests (
    id          INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    call        TEXT NOT NULL,
    order_id    TEXT NOT NULL DEFAULT '',
    answered_at TEXT,
    status      INTEGER,                          -- HTTP status; 0 when there was no answer
    error       TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX requests_at ON requests (at);

-- The counting windows of the marketplace's limits, one for each call and one for all.
CREATE TABLE windows (
    scope            TEXT PRIMARY KEY,
    started_at       TEXT,
    ends_at          TEXT,
    used             INTEGER NOT NULL,
    learned_limit    INTEGER NOT NULL DEFAULT 0,
    blocked_until_at TEXT
) STRICT;

-- What happened, in order; never changed.
CREATE TABLE events (
    id       INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    order_id TEXT,
    kind     TEXT NOT NULL,
    text     TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX events_order ON events (order_id, id) WHERE order_id IS NOT NULL;

-- Rows of an order list that had not even a readable id.
CREATE TABLE unreadable (
    fingerprint INTEGER PRIMARY KEY,
    first_at    TEXT NOT NULL,
    last_at     TEXT NOT NULL,
    times       INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    raw         TEXT NOT NULL
) STRICT;

-- Small facts about the daemon itself, such as what the budget has learned.
CREATE TABLE facts (
    name       TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

-- The views are the promised interface for people with sqlite3. Tables may change
-- with a release, views keep their columns.

CREATE VIEW v_orders AS
SELECT o.id, o.service, o.state, o.remote_status, o.round,
       o.price_usd_micros / 1e6 AS price_usd,
       (SELECT coalesce(sum(a.cost_usd_micros), 0) FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
         WHERE j.order_id = o.id) / 1e6 AS cost_usd,
       (SELECT j.stage FROM jobs AS j WHERE j.order_id = o.id AND j.round = o.round) AS stage,
       (SELECT j.state FROM jobs AS j WHERE j.order_id = o.id AND j.round = o.round) AS job_state,
       o.brief, o.reason, o.hint, o.created_at, o.seen_at, o.due_at, o.delivered_at, o.completed_at,
       round((julianday(o.delivered_at) - julianday(o.seen_at)) * 86400, 1) AS seconds_to_deliver,
       o.client_wallet, o.deliverables, o.raw
FROM orders AS o;

CREATE VIEW v_orders_open AS
SELECT * FROM v_orders WHERE state NOT IN ('completed', 'cancelled') ORDER BY due_at, id;

CREATE VIEW v_attempts AS
SELECT a.id, j.order_id, j.round, a.stage, a.attempt, a.outcome, a.code, a.error,
       a.cost_usd_micros / 1e6 AS cost_usd,
       a.started_at, a.finished_at,
       round((julianday(a.finished_at) - julianday(a.started_at)) * 86400, 3) AS seconds,
       a.log
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

CREATE VIEW v_attention AS
SELECT 'order' AS what, o.id AS id, o.state AS state, o.code AS code, o.reason AS reason, o.hint AS hint,
       o.changed_at AS since
  FROM orders AS o WHERE o.state NOT IN ('completed', 'cancelled') AND o.state IN ('held', 'failed')
UNION ALL
SELECT 'service', s.title, s.state, '', s.reason, '', s.changed_at FROM services AS s WHERE s.state = 'held'
UNION ALL
SELECT 'row', 'row ' || u.fingerprint, 'unreadable', 'unreadable', u.reason, '', u.first_at FROM unreadable AS u
UNION ALL
SELECT 'daemon', f.name, 'held', f.name, f.value, '', f.changed_at FROM facts AS f WHERE f.name LIKE 'trouble.%';

CREATE VIEW v_requests_hour AS
SELECT substr(r.at, 1, 13) || ':00Z' AS hour, r.call AS call,
       count(*) AS requests,
       sum(r.status BETWEEN 200 AND 299) AS answered,
       sum(r.status = 429) AS refused,
       sum(r.status >= 500) AS server_errors,
       sum(coalesce(r.status, 0) = 0) AS unanswered
FROM requests AS r GROUP BY hour, call;
