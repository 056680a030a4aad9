-- +goose Up

-- Who ordered: the agent's id if another agent did, else the wallet. Empty if the marketplace does not say.
ALTER TABLE orders ADD COLUMN client TEXT NOT NULL DEFAULT '';
-- When the payout was first known. Of those that were known already it is when the order completed.
ALTER TABLE orders ADD COLUMN payout_at TEXT;
-- How often the client has disputed it.
ALTER TABLE orders ADD COLUMN disputes INTEGER NOT NULL DEFAULT 0;

UPDATE orders SET
    client = CASE WHEN json_type(raw, '$.client_agent_id') = 'text' AND json_extract(raw, '$.client_agent_id') <> ''
        THEN json_extract(raw, '$.client_agent_id') ELSE client_wallet END,
    payout_at = CASE WHEN payout_tx <> '' OR payout_usd_micros IS NOT NULL THEN coalesce(
        (SELECT min(e.at) FROM events AS e WHERE e.order_id = orders.id AND e.kind = 'payout sent'), completed_at) END,
    disputes = max(remote_status = 'disputed',
        (SELECT count(*) FROM events AS e WHERE e.order_id = orders.id AND e.kind = 'status' AND e.text LIKE '% to disputed'));
UPDATE orders SET client = lower(client) WHERE client GLOB '0[xX]*' AND length(client) = 42;
