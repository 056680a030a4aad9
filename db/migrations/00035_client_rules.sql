-- +goose Up

-- Since when the owner has the order worked on although the rules for clients hold it.
ALTER TABLE orders ADD COLUMN client_approved_at TEXT;

-- Clients are added up over all their orders without reading the orders themselves.
CREATE INDEX orders_client ON orders (client, state, created_at, price_usd_micros, round, disputes, rating, id)
    WHERE client <> '';
