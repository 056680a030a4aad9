-- +goose Up

-- A process that has started and has not compared the ledger with the marketplace yet:
-- the time of the newest event before it. NULL: the ledger was compared.
ALTER TABLE ledger ADD COLUMN uncompared_at TEXT;
-- What the ledger had of an order before that process took over what the marketplace
-- shows of it, as JSON.
CREATE TABLE uncompared (
    order_id TEXT PRIMARY KEY,
    record   TEXT NOT NULL CHECK (json_valid(record))
) STRICT;
