-- +goose Up

-- What the database says of itself, in one row: its random id, the agent whose work
-- it records, and what a copy that was put back would lack.
CREATE TABLE ledger (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    id          TEXT NOT NULL DEFAULT '',         -- random, from the first start
    agent_id    TEXT NOT NULL DEFAULT '',         -- of the credentials that were accepted
    base_url    TEXT NOT NULL DEFAULT '',         -- of the marketplace that accepted them
    boot        INTEGER NOT NULL DEFAULT 0,       -- how often a daemon has started
    marked      INTEGER NOT NULL DEFAULT 0 CHECK (marked IN (0, 1)), -- 1 once ledger.mark was written
    reconcile   TEXT NOT NULL DEFAULT '',         -- why it is to be reconciled before it works; '' is not
    restored_at TEXT                              -- since when a restore is known; NULL once it is accepted
) STRICT;
INSERT INTO ledger (one) VALUES (1);

-- Since when it is unknown what was spent on the order, because the ledger was
-- restored. NULL: it is known.
ALTER TABLE orders ADD COLUMN restored_at TEXT;
CREATE INDEX orders_restored ON orders (restored_at) WHERE restored_at IS NOT NULL;
-- Files that the marketplace shows and that this ledger has not delivered, as a
-- reconcile found them.
ALTER TABLE orders ADD COLUMN foreign_files TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(foreign_files));
