-- +goose Up

-- One row a completed order: what it brought and what it cost.
CREATE VIEW v_earnings AS
SELECT o.id, o.service, substr(o.completed_at, 1, 10) AS day,
       coalesce(o.price_usd_micros, 0) / 1e6 AS gross_usd,
       coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0) / 1e6 AS fee_usd,
       (coalesce(o.price_usd_micros, 0) - coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0)) / 1e6 AS net_usd,
       coalesce(c.cost, 0) / 1e6 AS cost_usd,
       (coalesce(o.price_usd_micros, 0) - coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0) - coalesce(c.cost, 0)) / 1e6 AS profit_usd,
       o.payout_tx <> '' AS paid_out, o.payout_tx, o.completed_at
FROM orders AS o
LEFT JOIN (SELECT j.order_id AS order_id, sum(a.cost_usd_micros) AS cost
             FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id GROUP BY j.order_id) AS c ON c.order_id = o.id
WHERE o.completed_at IS NOT NULL AND o.state = 'completed';

CREATE VIEW v_earnings_service AS
SELECT service, count(*) AS orders, sum(gross_usd) AS gross_usd, sum(fee_usd) AS fee_usd, sum(net_usd) AS net_usd,
       sum(cost_usd) AS cost_usd, sum(profit_usd) AS profit_usd
FROM v_earnings GROUP BY service;

-- Completed orders without a payout, as far as the marketplace says.
CREATE VIEW v_unpaid AS
SELECT o.id, o.service, o.completed_at,
       (coalesce(o.price_usd_micros, 0) - coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0)) / 1e6 AS net_usd,
       coalesce((SELECT e.text FROM events AS e WHERE e.order_id = o.id AND e.kind = 'payout failed' ORDER BY e.id DESC LIMIT 1), '') AS note
FROM orders AS o
WHERE o.completed_at IS NOT NULL AND o.state = 'completed' AND o.payout_tx = '';

-- What generation has cost, by the day of the attempt, for orders of any fate.
CREATE VIEW v_costs_daily AS
SELECT substr(a.started_at, 1, 10) AS day, sum(a.cost_usd_micros) / 1e6 AS cost_usd,
       sum(CASE WHEN o.state IN ('cancelled', 'failed') THEN a.cost_usd_micros ELSE 0 END) / 1e6 AS lost_usd,
       count(*) AS attempts
FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id JOIN orders AS o ON o.id = j.order_id
WHERE a.cost_usd_micros > 0 GROUP BY day;
