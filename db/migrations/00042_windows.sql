-- +goose Up

-- Payouts that failed, so that finding them does not read each order without a payout.
CREATE INDEX events_payout ON events (order_id, id, kind) WHERE kind IN ('payout failed', 'payout asked', 'payout refused');

-- The orders of a service, newest first. It also counts those since a time.
DROP INDEX orders_placed;
CREATE INDEX orders_of_service ON orders (service, created_at);
