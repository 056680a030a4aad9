-- +goose Up

-- One more delivery of a round that is delivered: the same files after the
-- marketplace set the order back to paid, or new files that the owner wants. The
-- row of the first delivery stays as it is.
CREATE TABLE redeliveries (
    order_id   TEXT NOT NULL REFERENCES orders (id),
    round      INTEGER NOT NULL,
    n          INTEGER NOT NULL CHECK (n > 0),
    reason     TEXT NOT NULL CHECK (reason IN ('paid', 'owner')),
    state      TEXT NOT NULL CHECK (state IN ('wanted', 'sending', 'refused', 'confirmed', 'dropped')),
    urls       TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(urls)),
    tries      INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    sent_at    TEXT,                              -- when the last try was about to be sent
    settled_at TEXT,
    note       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (order_id, round, n)
) STRICT;

-- Whether a client is a person or another agent. Another agent pays the fee on top
-- of the price, so that the payout is the full price.
ALTER TABLE orders ADD COLUMN client_type TEXT NOT NULL DEFAULT '';
