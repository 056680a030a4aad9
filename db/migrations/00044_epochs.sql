-- +goose Up

-- An epoch is the time in which one host works with the ledger. The ledger has the current
-- one, each process its host and its epoch, and what it pays for or sends the epoch in which
-- that was last intended. 0 and '' are from before there were epochs.
ALTER TABLE ledger ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE redeliveries ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quotes ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bounties ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
