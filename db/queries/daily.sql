-- name: ChangedDays :many
-- The days (UTC) in a time of which something has changed since they were added up.
SELECT day FROM books_changed WHERE day >= sqlc.arg(first) AND day <= sqlc.arg(last) ORDER BY day DESC LIMIT sqlc.arg(most);

-- name: ForgetDay :exec
DELETE FROM books_daily WHERE dimension IN ('all', 'service', 'client', 'generator') AND day = ?;

-- name: DayAdded :exec
DELETE FROM books_changed WHERE day = ?;

-- name: AddEarnedOfDay :exec
-- What completed in a day, and what that has cost. next_day is the first text that is no time of the day.
INSERT INTO books_daily (dimension, day, key, orders, gross, fee, paid, cost, spent, rated, stars)
SELECT dims.dimension, sqlc.arg(day), CASE dims.dimension WHEN 'service' THEN c.service WHEN 'client' THEN c.client ELSE '' END,
       count(*), sum(c.gross), sum(c.fee),
       sum(CASE WHEN c.payout_tx <> '' OR c.payout_usd_micros IS NOT NULL THEN c.gross - c.fee ELSE 0 END),
       sum(c.cost), 0, count(c.rating), coalesce(sum(c.rating), 0)
FROM completed_orders AS c CROSS JOIN (SELECT 'all' AS dimension UNION ALL SELECT 'service' UNION ALL SELECT 'client') AS dims
WHERE c.completed_at >= CAST(sqlc.arg(day) AS TEXT) AND c.completed_at < CAST(sqlc.arg(next_day) AS TEXT) GROUP BY 1, 3;

-- name: AddCostsOfDay :exec
-- What each generator has cost of the orders that completed in a day.
INSERT INTO books_daily (dimension, day, key, orders, gross, fee, paid, cost, spent, rated, stars)
SELECT 'generator', sqlc.arg(day), b.generator, 0, 0, 0, 0, sum(b.cost_usd_micros), 0, 0, 0
FROM orders AS o CROSS JOIN books AS b ON b.order_id = o.id
WHERE o.completed_at IS NOT NULL AND o.completed_at >= CAST(sqlc.arg(day) AS TEXT) AND o.completed_at < CAST(sqlc.arg(next_day) AS TEXT) AND o.state = 'completed'
GROUP BY b.generator HAVING sum(b.cost_usd_micros) <> 0;

-- name: AddSpentOfDay :exec
-- What was spent in a day, whatever became of the orders.
INSERT INTO books_daily (dimension, day, key, orders, gross, fee, paid, cost, spent, rated, stars)
SELECT dims.dimension, sqlc.arg(day),
       CASE dims.dimension WHEN 'service' THEN coalesce(o.service, '') WHEN 'client' THEN coalesce(o.client, '') WHEN 'generator' THEN b.generator ELSE '' END,
       0, 0, 0, 0, 0, sum(b.cost_usd_micros), 0, 0
FROM books AS b LEFT JOIN orders AS o ON o.id = b.order_id
CROSS JOIN (SELECT 'all' AS dimension UNION ALL SELECT 'service' UNION ALL SELECT 'client' UNION ALL SELECT 'generator') AS dims
WHERE b.day = sqlc.arg(day) GROUP BY 1, 3 HAVING sum(b.cost_usd_micros) <> 0
ON CONFLICT (dimension, day, key) DO UPDATE SET spent = excluded.spent;

-- name: BooksByDay :many
SELECT day, orders, gross, fee, paid, cost, spent, rated, stars FROM books_daily
WHERE dimension = 'all' AND day >= sqlc.arg(first) AND day <= sqlc.arg(last) ORDER BY day;

-- name: BooksByMonth :many
SELECT substr(day, 1, 7) AS month, CAST(sum(orders) AS INTEGER) AS orders, CAST(sum(gross) AS INTEGER) AS gross, CAST(sum(fee) AS INTEGER) AS fee,
       CAST(sum(paid) AS INTEGER) AS paid, CAST(sum(cost) AS INTEGER) AS cost, CAST(sum(spent) AS INTEGER) AS spent,
       CAST(sum(rated) AS INTEGER) AS rated, CAST(sum(stars) AS INTEGER) AS stars
FROM books_daily WHERE dimension = 'all' AND day >= sqlc.arg(first) AND day <= sqlc.arg(last) GROUP BY 1 ORDER BY 1;

-- name: BooksBy :many
-- The sums of each service, client or generator, those that earned most first.
SELECT key, CAST(sum(orders) AS INTEGER) AS orders, CAST(sum(gross) AS INTEGER) AS gross, CAST(sum(fee) AS INTEGER) AS fee,
       CAST(sum(paid) AS INTEGER) AS paid, CAST(sum(cost) AS INTEGER) AS cost, CAST(sum(spent) AS INTEGER) AS spent,
       CAST(sum(rated) AS INTEGER) AS rated, CAST(sum(stars) AS INTEGER) AS stars
FROM books_daily WHERE dimension = sqlc.arg(dimension) AND day >= sqlc.arg(first) AND day <= sqlc.arg(last)
GROUP BY key ORDER BY sum(gross - fee - cost) DESC, sum(spent) DESC, key LIMIT sqlc.arg(most);

-- name: FailedPayouts :many
-- The newest completed orders without a payout whose payout failed or was refused, and was not asked for again since.
-- The first condition is that of the index.
SELECT o.id, o.service, o.completed_at, CAST(c.gross - c.fee AS INTEGER) AS net, e.text
FROM events AS e INDEXED BY events_payout CROSS JOIN orders AS o CROSS JOIN completed_orders AS c
WHERE e.kind IN ('payout failed', 'payout asked', 'payout refused') AND e.kind <> 'payout asked'
  AND o.id = e.order_id AND o.completed_at IS NOT NULL AND o.state = 'completed' AND o.payout_tx = '' AND o.payout_usd_micros IS NULL
  AND NOT EXISTS (SELECT 1 FROM events AS l WHERE l.order_id = e.order_id AND l.id > e.id
                   AND l.kind IN ('payout failed', 'payout asked', 'payout refused'))
  AND c.id = o.id
ORDER BY o.completed_at DESC, o.id LIMIT sqlc.arg(most);

-- name: UnpaidCompleted :many
-- The newest completed orders without a payout, each with whether it was asked for.
SELECT u.id, u.service, u.completed_at, CAST(c.gross - c.fee AS INTEGER) AS net,
       CAST(EXISTS (SELECT 1 FROM events AS e WHERE e.order_id = u.id AND e.kind = 'payout asked') AS BOOLEAN) AS asked
FROM (SELECT o.id, o.service, o.completed_at FROM orders AS o INDEXED BY orders_unpaid
      WHERE o.completed_at IS NOT NULL AND o.state = 'completed' AND o.payout_tx = '' AND o.payout_usd_micros IS NULL
      ORDER BY o.completed_at DESC LIMIT sqlc.arg(most)) AS u
CROSS JOIN completed_orders AS c ON c.id = u.id
ORDER BY u.completed_at DESC, u.id;

-- name: PaidOut :one
-- What is known to be paid out, and what of the net of all orders is not, of the days that are added up.
SELECT CAST(coalesce(sum(paid), 0) AS INTEGER) AS paid, CAST(coalesce(sum(gross - fee - paid), 0) AS INTEGER) AS unpaid
FROM books_daily WHERE dimension = 'all';
