-- +goose Up

-- Since when the owner's cancellation of the order stands; NULL: it does not.
ALTER TABLE orders ADD COLUMN owner_cancelled_at TEXT;
-- 1: the owner has named the service, which no rule replaces.
ALTER TABLE orders ADD COLUMN assigned INTEGER NOT NULL DEFAULT 0;
-- The bounty that became the order, and its title, which the brief lacks.
ALTER TABLE orders ADD COLUMN bounty_id TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN bounty_title TEXT NOT NULL DEFAULT '';

UPDATE orders SET owner_cancelled_at = changed_at WHERE state = 'held' AND code = 'owner';

-- The marketplace's id of our claim, which shows whose claim was accepted.
ALTER TABLE bounties ADD COLUMN claim_id TEXT NOT NULL DEFAULT '';
