-- +goose Up

-- What needs the owner or has stopped the daemon, from when until when. One row is open
-- for each cause.
CREATE TABLE alerts (
    id        INTEGER PRIMARY KEY,
    what      TEXT NOT NULL,                     -- order, piece, message, thread, service, row, generator or daemon
    subject   TEXT NOT NULL,                     -- the id of that
    code      TEXT NOT NULL,
    event     TEXT NOT NULL CHECK (event = 'needs_owner' OR event = 'down'),
    timed     INTEGER NOT NULL,                  -- 1: a rule about time has opened it, and no other row shows it
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    hint      TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT
) STRICT;

CREATE UNIQUE INDEX alerts_open ON alerts (what, subject, code) WHERE closed_at IS NULL;

-- Messages to the owner, each to one target. A row is committed before it is sent.
CREATE TABLE dispatches (
    id         INTEGER PRIMARY KEY,
    target     TEXT NOT NULL,
    title      TEXT NOT NULL,
    text       TEXT NOT NULL,
    urgent     INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    due_at     TEXT NOT NULL,                    -- when it is sent, or sent again
    tries      INTEGER NOT NULL DEFAULT 0,
    sent_at    TEXT,
    failed_at  TEXT,                             -- when it was given up
    ref        TEXT NOT NULL DEFAULT '',         -- the service's name for the message
    reason     TEXT NOT NULL DEFAULT ''          -- why the last try failed
) STRICT;

CREATE INDEX dispatches_open ON dispatches (target, id) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX dispatches_sent ON dispatches (target, sent_at) WHERE sent_at IS NOT NULL;

-- What a message to the owner is made of: one row for each line and target.
CREATE TABLE notices (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind = 'alert' OR kind = 'reminder' OR kind = 'over' OR kind = 'delivered' OR kind = 'message'),
    alert_id    INTEGER REFERENCES alerts (id),
    urgent      INTEGER NOT NULL,
    line        TEXT NOT NULL,
    more        TEXT NOT NULL,                   -- further lines, or empty
    created_at  TEXT NOT NULL,
    due_at      TEXT NOT NULL,                   -- it may go with an earlier message
    dispatch_id INTEGER REFERENCES dispatches (id)
) STRICT;

CREATE INDEX notices_waiting ON notices (target, id) WHERE dispatch_id IS NULL;
CREATE INDEX notices_alert ON notices (alert_id, target) WHERE alert_id IS NOT NULL;
CREATE INDEX notices_dispatch ON notices (dispatch_id) WHERE dispatch_id IS NOT NULL;

CREATE INDEX orders_unpaid ON orders (completed_at) WHERE completed_at IS NOT NULL AND state = 'completed' AND payout_tx = '' AND payout_usd_micros IS NULL;
