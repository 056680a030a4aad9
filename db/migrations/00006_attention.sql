-- +goose Up

-- What the owner has cancelled needs the owner no more, though its order is
-- still open at the marketplace. A paused generator is called by its name.
DROP VIEW v_attention;
CREATE VIEW v_attention AS
SELECT 'order' AS what, o.id AS id, o.state AS state, o.code AS code, o.reason AS reason, o.hint AS hint,
       o.changed_at AS since
  FROM orders AS o
 WHERE o.state NOT IN ('completed', 'cancelled') AND o.state IN ('held', 'failed') AND o.code <> 'owner'
UNION ALL
SELECT j.kind, j.order_id, j.state, j.code, j.reason, j.hint, j.changed_at
  FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
 WHERE j.state IN ('held', 'failed') AND j.kind IN ('piece', 'message') AND o.state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT 'service', s.title, s.state, '', s.reason, '', s.changed_at FROM services AS s WHERE s.state = 'held'
UNION ALL
SELECT 'row', 'row ' || u.fingerprint, 'unreadable', 'unreadable', u.reason, '', u.first_at FROM unreadable AS u
UNION ALL
SELECT 'generator', substr(f.name, 19), 'paused', f.name, f.value, '', f.changed_at
  FROM facts AS f WHERE f.name LIKE 'trouble.generator.%'
UNION ALL
SELECT 'daemon', f.name, 'held', f.name, f.value, '', f.changed_at
  FROM facts AS f WHERE f.name LIKE 'trouble.%' AND f.name NOT LIKE 'trouble.generator.%';

-- Lost is what bought nothing: calls of a generator that failed, were refused, have expired or of which nobody
-- knows, and all that was spent on an order that was cancelled or given up.
DROP VIEW v_costs_daily;
CREATE VIEW v_costs_daily AS
SELECT substr(a.started_at, 1, 10) AS day, sum(a.cost_usd_micros) / 1e6 AS cost_usd,
       sum(CASE WHEN o.state IN ('cancelled', 'failed') OR (o.state = 'held' AND o.code = 'owner') THEN a.cost_usd_micros
           ELSE coalesce((SELECT sum(g.cost_usd_micros) FROM generations AS g
                           WHERE g.job_id = a.job_id AND g.attempt_id = a.id
                             AND g.state IN ('failed', 'refused', 'expired', 'unknown')), 0) END) / 1e6 AS lost_usd,
       count(*) AS attempts
FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id JOIN orders AS o ON o.id = j.order_id
WHERE a.cost_usd_micros > 0 GROUP BY day;
