-- name: SetClientApproved :exec
-- The owner has the order worked on whatever the rules for clients say.
UPDATE orders SET client_approved_at = coalesce(client_approved_at, sqlc.arg(client_approved_at)) WHERE id = sqlc.arg(id);

-- name: HeldForClient :many
-- The work that is held because its client is blocked. The first condition is that of the partial index.
SELECT j.id, j.order_id, j.kind, j.round, j.stage, j.code, o.service, o.client, o.client_wallet
FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state IN ('held', 'failed') AND j.state = 'held' AND o.missing_at IS NULL AND j.code = 'client_blocked'
ORDER BY j.id;

-- name: ReadyForClient :many
-- The work that may be held because its client is blocked: nothing was sent of it, and the owner has not approved
-- the order.
SELECT j.id, j.order_id, j.kind, j.round, j.stage, j.code, o.service, o.client, o.client_wallet
FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state = 'ready' AND j.lane IN ('generate', 'network') AND j.kind IN ('delivery', 'piece', 'quote') AND o.client_approved_at IS NULL
  AND (j.kind <> 'delivery' OR NOT EXISTS (SELECT 1 FROM deliveries AS d
      WHERE d.order_id = j.order_id AND d.round = j.round AND d.state <> 'refused'))
  AND (j.stage <> 'quote' OR EXISTS (SELECT 1 FROM quotes AS q
      WHERE q.order_id = j.order_id AND q.state IN ('priced', 'refused') AND q.source <> 'owner'))
ORDER BY j.id;

-- name: ClientAhead :one
-- How many orders of the same client are in work that came before the order. Windows are not counted, because they
-- are in work for as long as they last.
SELECT CAST(count(*) AS INTEGER) FROM orders AS o, orders AS e
WHERE o.id = sqlc.arg(id) AND o.client <> '' AND e.state NOT IN ('completed', 'cancelled') AND e.state = 'working' AND e.client = o.client
  AND e.window_ends_at IS NULL AND (e.created_at < o.created_at OR e.created_at = o.created_at AND e.id < o.id);

-- name: SpentOnClient :one
-- What was spent since a day (UTC) on all orders of the client of an order.
SELECT CAST(coalesce(sum(b.cost_usd_micros), 0) AS INTEGER)
FROM books AS b CROSS JOIN orders AS e ON e.id = b.order_id
WHERE b.day >= sqlc.arg(day) AND e.client = (SELECT o.client FROM orders AS o WHERE o.id = sqlc.arg(id));

-- name: WaitsForClient :one
-- Reports whether work of the order waits for other orders of its client.
SELECT EXISTS (SELECT 1 FROM jobs AS j WHERE j.order_id = ? AND j.state = 'ready' AND j.code = 'client_open');

-- name: RunWaitingForClient :exec
-- The owner has approved an order that waits for others of its client.
UPDATE jobs SET run_at = sqlc.arg(run_at) WHERE order_id = sqlc.arg(order_id) AND state = 'ready' AND code = 'client_open';

-- name: ListClients :many
-- What each client has ordered, paid, sent back and disputed, over the index that has all of it.
SELECT o.client, CAST(count(*) AS INTEGER) AS orders,
       CAST(sum(o.state NOT IN ('completed', 'cancelled')) AS INTEGER) AS open,
       CAST(sum(o.state = 'completed') AS INTEGER) AS completed,
       CAST(coalesce(sum(CASE WHEN o.state = 'completed' THEN o.price_usd_micros END), 0) AS INTEGER) AS gross,
       CAST(sum((SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id)) AS INTEGER) AS cost,
       CAST(sum(o.round) AS INTEGER) AS sent_back, CAST(sum(o.disputes) AS INTEGER) AS disputes,
       CAST(count(o.rating) AS INTEGER) AS rated, CAST(coalesce(sum(o.rating), 0) AS INTEGER) AS stars,
       CAST(max(o.created_at) AS TEXT) AS last_at
FROM orders AS o INDEXED BY orders_client WHERE o.client <> '' GROUP BY o.client;

-- name: ClientOrders :many
-- The orders of a client, the newest first.
SELECT o.id, o.service, o.state, o.code, o.price_usd_micros, o.round, o.disputes, o.rating, o.created_at
FROM orders AS o WHERE o.client = ? ORDER BY o.created_at DESC, o.id LIMIT ?;
