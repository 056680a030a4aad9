-- name: Earnings :many
-- The orders completed in a time, the earliest first.
SELECT o.id, o.service, o.client, o.completed_at, o.price_usd_micros, o.fee_usd_micros, o.payout_usd_micros, o.client_type,
       o.payout_tx, o.payout_at, o.rating
FROM orders AS o WHERE o.completed_at IS NOT NULL AND o.completed_at >= sqlc.arg(low) AND o.completed_at < sqlc.arg(high)
  AND o.state = 'completed'
ORDER BY o.completed_at, o.id;

-- name: EarningCosts :many
-- What generators cost of the orders completed in a time, whenever it was spent.
SELECT b.order_id, b.generator, CAST(sum(b.cost_usd_micros) AS INTEGER) AS cost, CAST(sum(b.lost_usd_micros) AS INTEGER) AS lost
FROM orders AS o CROSS JOIN books AS b ON b.order_id = o.id
WHERE o.completed_at IS NOT NULL AND o.completed_at >= sqlc.arg(low) AND o.completed_at < sqlc.arg(high) AND o.state = 'completed'
GROUP BY b.order_id, b.generator;

-- name: OtherCosts :many
-- What was spent in some days (UTC) on samples, and on orders that are not completed. Everything spent on an order
-- that failed or was cancelled is lost.
SELECT b.day, b.order_id, b.generator, coalesce(o.service, '') AS service, coalesce(o.client, '') AS client,
       coalesce(o.state, '') AS state, CAST(sum(b.cost_usd_micros) AS INTEGER) AS cost,
       CAST(sum(CASE WHEN o.state IN ('cancelled', 'failed') OR (o.state = 'held' AND o.code = 'owner') THEN b.cost_usd_micros
           ELSE b.lost_usd_micros END) AS INTEGER) AS lost
FROM books AS b LEFT JOIN orders AS o ON o.id = b.order_id
WHERE b.day >= sqlc.arg(first) AND b.day <= sqlc.arg(last) AND (o.id IS NULL OR o.state <> 'completed')
GROUP BY b.day, b.order_id, b.generator HAVING sum(b.cost_usd_micros) <> 0 OR sum(b.lost_usd_micros) <> 0
ORDER BY b.day, b.order_id, b.generator;

-- name: SpentByGenerator :many
-- What was spent in some days (UTC), whatever became of the orders.
SELECT b.generator, CAST(sum(b.cost_usd_micros) AS INTEGER) AS cost FROM books AS b
WHERE b.day >= sqlc.arg(first) AND b.day <= sqlc.arg(last) GROUP BY b.generator
HAVING sum(b.cost_usd_micros) <> 0;

-- name: RoundsSentBack :many
-- How many rounds were delivered in a time, and how many of them the client has sent back, with the assistant and
-- without it. There is none before the assistant was first used.
SELECT CAST(r.assisted AS BOOLEAN) AS assisted, CAST(count(*) AS INTEGER) AS delivered, CAST(sum(r.sent_back) AS INTEGER) AS sent_back
FROM v_rounds AS r
WHERE r.delivered_at >= sqlc.arg(low) AND r.delivered_at < sqlc.arg(high) AND (EXISTS (SELECT 1 FROM prompts AS p WHERE p.order_id > '') OR EXISTS (SELECT 1 FROM checks AS c WHERE c.order_id > ''))
GROUP BY 1;
