-- name: Narrowed :many
-- Those of some orders that a narrower list has. ids is a JSON array, and a thousand at most. state is that of
-- PageOfOpen, or 'all'.
SELECT o.id FROM orders AS o
WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)))
  AND (CAST(sqlc.arg(service) AS TEXT) = '' OR o.service = sqlc.arg(service))
  AND CAST(o.created_at AS TEXT) >= CAST(sqlc.arg(since) AS TEXT)
  AND (CAST(sqlc.arg(state) AS TEXT) = 'all' OR o.state = sqlc.arg(state)
       OR sqlc.arg(state) = '' AND o.state NOT IN ('completed', 'cancelled'))
  AND (CAST(sqlc.arg(orders) AS TEXT) = ''
       OR sqlc.arg(orders) = 'open' AND NOT (o.state = 'held' AND o.code = 'owner')
       OR sqlc.arg(orders) = 'need you' AND (o.state = 'failed' OR o.state = 'held' AND o.code <> 'owner')
       OR sqlc.arg(orders) = 'with the client' AND o.state IN ('waiting', 'delivered'))
  AND (CAST(sqlc.arg(generator) AS TEXT) = ''
       OR EXISTS (SELECT 1 FROM jobs AS j CROSS JOIN calls AS c ON c.job_id = j.id WHERE j.order_id = o.id AND c.generator = sqlc.arg(generator)));

-- name: ExtrasOf :many
-- What was spent on each of some orders, and until when its client reviews it. ids is a JSON array.
SELECT o.id, o.review_deadline_at,
       CAST((SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id) AS INTEGER) AS cost
FROM orders AS o WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: DeliveredSince :many
-- The orders that were delivered since a time, the last one first.
SELECT d.order_id, d.settled_at, o.price_usd_micros FROM deliveries AS d JOIN orders AS o ON o.id = d.order_id
WHERE d.settled_at IS NOT NULL AND d.settled_at >= sqlc.arg(since) AND d.state = 'confirmed'
ORDER BY d.settled_at DESC, d.order_id LIMIT sqlc.arg(most);

-- name: CountDeliveredSince :one
SELECT CAST(count(*) AS INTEGER) FROM deliveries
WHERE settled_at IS NOT NULL AND settled_at >= sqlc.arg(since) AND state = 'confirmed';

-- name: OpenCallsOf :many
-- The calls to providers that are open for some orders. ids is a JSON array.
SELECT j.order_id, c.generator, c.ticket, c.began_at FROM jobs AS j CROSS JOIN calls AS c ON c.job_id = j.id
WHERE j.order_id IN (SELECT value FROM json_each(sqlc.arg(ids))) AND c.state IN ('calling', 'submitted') ORDER BY c.id;
