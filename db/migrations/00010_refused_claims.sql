-- +goose Up

-- Why a claim was refused, as a code: one that was refused because the agent has no
-- owner is made again once it has one.
ALTER TABLE bounties ADD COLUMN code TEXT NOT NULL DEFAULT '';
UPDATE bounties SET code = 'forbidden' WHERE state = 'refused' AND reason LIKE '%answered 403%';

CREATE INDEX bounties_refused ON bounties (code) WHERE state = 'refused';
