-- +goose Up

-- One word for one thing: a call is one paid request to a provider, a request
-- goes to the marketplace, and an alert is a fact that the owner sees.

-- From here on no migration creates or drops a view: they all are in views.sql.
DROP VIEW IF EXISTS v_attempts;
DROP VIEW IF EXISTS v_attention;
DROP VIEW IF EXISTS v_bounties;
DROP VIEW IF EXISTS v_costs_daily;
DROP VIEW IF EXISTS v_earnings;
DROP VIEW IF EXISTS v_earnings_daily;
DROP VIEW IF EXISTS v_earnings_service;
DROP VIEW IF EXISTS v_generations;
DROP VIEW IF EXISTS v_messages;
DROP VIEW IF EXISTS v_orders;
DROP VIEW IF EXISTS v_orders_open;
DROP VIEW IF EXISTS v_pieces;
DROP VIEW IF EXISTS v_quotes;
DROP VIEW IF EXISTS v_requests_hour;
DROP VIEW IF EXISTS v_timeline;
DROP VIEW IF EXISTS v_unpaid;

ALTER TABLE generations RENAME TO calls;
ALTER TABLE calls RENAME COLUMN settled_at TO closed_at;
DROP INDEX generations_job;
DROP INDEX generations_began;
CREATE INDEX calls_job ON calls (job_id);
CREATE INDEX calls_began ON calls (began_at, cost_usd_micros);

ALTER TABLE requests RENAME COLUMN call TO kind;
ALTER TABLE acts RENAME TO one_time_actions;

UPDATE facts SET name = 'alert.' || substr(name, 9) WHERE name LIKE 'trouble.%';

-- The cap on an attempt counts what the job spent in attempts after this one. It
-- moves when the owner retries the job. Until now the cap counted from the
-- owner's newest timeline event of any kind, which a message writes too.
ALTER TABLE jobs ADD COLUMN cap_after_attempt INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET cap_after_attempt = coalesce((
    SELECT max(a.id) FROM attempts AS a
    WHERE a.job_id = jobs.id AND a.started_at < (
        SELECT max(e.at) FROM events AS e
        WHERE e.order_id = jobs.order_id AND e.kind = 'owner' AND e.text = 'retried by the owner')), 0);
