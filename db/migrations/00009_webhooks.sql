-- +goose Up

-- What signed webhooks carry, because the marketplace may show it nowhere else: the words of a client, and what was
-- paid out. The order of a webhook may not be known yet.
CREATE TABLE webhooks (
    id                INTEGER PRIMARY KEY,
    order_id          TEXT NOT NULL,
    event             TEXT NOT NULL,
    hash              TEXT NOT NULL,              -- of the event's data
    revision          INTEGER NOT NULL,           -- its revision_count, else 0
    content           TEXT NOT NULL,              -- what the client wrote, or ''
    amount_usd_micros INTEGER,                    -- what was paid out
    pending           INTEGER NOT NULL,           -- 1 until its order is known
    message_id        TEXT NOT NULL DEFAULT '',   -- the message that it became or was merged with
    signed_at         TEXT NOT NULL,              -- by the marketplace's clock
    at                TEXT NOT NULL
) STRICT;
CREATE INDEX webhooks_order ON webhooks (order_id, event, hash);
CREATE INDEX webhooks_pending ON webhooks (id) WHERE pending = 1;

-- What was paid out for the order, as a webhook said, and how many messages its thread showed.
ALTER TABLE orders ADD COLUMN payout_usd_micros INTEGER;
ALTER TABLE orders ADD COLUMN thread_size INTEGER NOT NULL DEFAULT 0;

-- When a webhook said that our claim was rejected.
ALTER TABLE bounties ADD COLUMN rejected_at TEXT;

-- A message may have an unknown outcome. SQLite cannot change a CHECK, so the table is copied.
CREATE TABLE outbox_new (
    id         INTEGER PRIMARY KEY,
    order_id   TEXT NOT NULL REFERENCES orders (id),
    position   INTEGER NOT NULL,                  -- the round of its job
    reason     TEXT NOT NULL,                     -- received, delivered, revised-1, piece-3, owner-...
    body       TEXT NOT NULL DEFAULT '',          -- '' until it has been written from its template
    state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'refused', 'dropped', 'unknown')),
    tries      INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    sent_at    TEXT,                              -- when the last try was about to be sent
    settled_at TEXT,
    note       TEXT NOT NULL DEFAULT '',
    UNIQUE (order_id, reason),
    UNIQUE (order_id, position)
) STRICT;
INSERT INTO outbox_new SELECT id, order_id, position, reason, body, state, tries, created_at, sent_at, settled_at, note FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
