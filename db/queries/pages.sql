-- name: Narrowed :many
-- Which of some orders a narrower list has. ids is a JSON array, and a few thousand at most.
SELECT o.id,
       CAST((CAST(sqlc.arg(service) AS TEXT) = '' OR o.service = sqlc.arg(service))
        AND CAST(o.created_at AS TEXT) >= CAST(sqlc.arg(since) AS TEXT)
        AND (CAST(sqlc.arg(orders) AS TEXT) = ''
             OR sqlc.arg(orders) = 'open' AND NOT (o.state = 'held' AND o.code = 'owner')
             OR sqlc.arg(orders) = 'need you' AND (o.state = 'failed' OR o.state = 'held' AND o.code <> 'owner')
             OR sqlc.arg(orders) = 'with the client' AND o.state IN ('waiting', 'delivered'))
        AND (CAST(sqlc.arg(generator) AS TEXT) = ''
             OR EXISTS (SELECT 1 FROM jobs AS j CROSS JOIN calls AS c ON c.job_id = j.id WHERE j.order_id = o.id AND c.generator = sqlc.arg(generator)))
       AS BOOLEAN) AS chosen,
       CAST(CAST(o.created_at AS TEXT) < CAST(sqlc.arg(since) AS TEXT) AS BOOLEAN) AS earlier
FROM orders AS o WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: CostsOf :many
-- What was spent on each of some orders. ids is a JSON array.
SELECT b.order_id, CAST(sum(b.cost_usd_micros) AS INTEGER) AS cost FROM books AS b
WHERE b.order_id IN (SELECT value FROM json_each(sqlc.arg(ids))) GROUP BY b.order_id;

-- name: FirstFiles :many
-- The first file of the last round and take of each of some orders. ids is a JSON array.
SELECT a.* FROM artifacts AS a
WHERE a.id IN (
    SELECT (SELECT b.id FROM artifacts AS b WHERE b.order_id = json_each.value AND b.kind IN ('delivery', 'piece')
            ORDER BY b.kind, b.round DESC, b.take DESC, b.position LIMIT 1)
    FROM json_each(sqlc.arg(ids)));

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
