-- name: GetOrder :many
SELECT * FROM orders WHERE id = ?;

-- name: OrderIDsLike :many
-- The orders whose id has the given beginning.
SELECT id FROM orders WHERE id >= sqlc.arg(low) AND id < sqlc.arg(high) ORDER BY id LIMIT 5;

-- name: OrderIDsEnding :many
-- The orders whose id ends with the given text of at least six characters.
SELECT id FROM orders WHERE substr(id, -6) = substr(CAST(sqlc.arg(ending) AS TEXT), -6) AND substr(id, -length(CAST(sqlc.arg(ending) AS TEXT))) = CAST(sqlc.arg(ending) AS TEXT) ORDER BY length(id), id LIMIT 5;

-- name: OrderLines :many
-- Orders of a list, in any order. ids is a JSON array. The job shown is the delivery of the current round or, while
-- there is none, the quote.
SELECT o.id, o.service, o.state, o.remote_status, o.round, o.price_usd_micros, o.brief, o.code, o.reason, o.hint,
       o.created_at, o.seen_at, o.due_at, o.delivered_at, o.completed_at,
       coalesce(j.stage, '') AS stage, coalesce(j.state, '') AS job_state,
       CAST(coalesce(j.attempt, 0) AS INTEGER) AS attempt, j.run_at, j.not_before,
       coalesce(j.code, '') AS job_code, coalesce(j.reason, '') AS job_reason
FROM orders AS o
LEFT JOIN jobs AS j ON j.id = (
    SELECT w.id FROM jobs AS w
    WHERE w.order_id = o.id AND ((w.kind = 'delivery' AND w.round = o.round) OR w.kind = 'quote')
    ORDER BY w.kind LIMIT 1)
WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: PageOfAll :many
-- The next orders after (at, id) in the list of all orders, newest first, until those before since.
SELECT id FROM orders
WHERE created_at >= CAST(sqlc.arg(since) AS TEXT) AND created_at <= sqlc.arg(at) AND (created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfOpen :many
-- The same of orders that have not ended, of all or of one state, group, client and service. The + keeps the planner
-- from the index of all orders.
SELECT id FROM orders
WHERE state NOT IN ('completed', 'cancelled') AND (CAST(sqlc.arg(state) AS TEXT) = '' OR state = sqlc.arg(state))
  AND (CAST(sqlc.arg(orders) AS TEXT) = ''
       OR sqlc.arg(orders) = 'open' AND NOT (state = 'held' AND code = 'owner')
       OR sqlc.arg(orders) = 'need you' AND (state = 'failed' OR state = 'held' AND code <> 'owner')
       OR sqlc.arg(orders) = 'with the client' AND state IN ('waiting', 'delivered'))
  AND (CAST(sqlc.arg(client) AS TEXT) = '' OR +client = sqlc.arg(client))
  AND (CAST(sqlc.arg(service) AS TEXT) = '' OR +service = sqlc.arg(service))
  AND +created_at >= CAST(sqlc.arg(since) AS TEXT) AND +created_at <= sqlc.arg(at) AND (+created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY +created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfEnded :many
-- The same of orders that have ended in one way.
SELECT id FROM orders
WHERE state IN ('completed', 'cancelled') AND state = sqlc.arg(state)
  AND created_at >= CAST(sqlc.arg(since) AS TEXT) AND created_at <= sqlc.arg(at) AND (created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfClient :many
-- The same of the orders of a client.
SELECT id FROM orders
WHERE client = sqlc.arg(client)
  AND created_at >= CAST(sqlc.arg(since) AS TEXT) AND created_at <= sqlc.arg(at) AND (created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfClientEnded :many
-- The same of those that have ended in one way. The first condition is that of the index, which has all that is read.
SELECT id FROM orders INDEXED BY orders_client
WHERE client <> '' AND client = sqlc.arg(client) AND state = sqlc.arg(state)
  AND created_at >= CAST(sqlc.arg(since) AS TEXT) AND created_at <= sqlc.arg(at) AND (created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfService :many
-- The same of the orders of a service.
SELECT id FROM orders
WHERE service = sqlc.arg(service)
  AND created_at >= CAST(sqlc.arg(since) AS TEXT) AND created_at <= sqlc.arg(at) AND (created_at < sqlc.arg(at) OR id > sqlc.arg(id))
ORDER BY created_at DESC, id LIMIT sqlc.arg(most);

-- name: PageOfGenerator :many
-- The orders that a generator was called for, by the last of its calls for each, the newest first: those before a call.
SELECT j.order_id, c.began_at FROM calls AS c CROSS JOIN jobs AS j
WHERE c.generator = sqlc.arg(generator) AND c.id < sqlc.arg(below) AND j.id = c.job_id
  AND NOT EXISTS (SELECT 1 FROM jobs AS k CROSS JOIN calls AS l ON l.job_id = k.id
                  WHERE k.order_id = j.order_id AND +l.generator = c.generator AND +l.id > c.id)
ORDER BY c.id DESC LIMIT sqlc.arg(most);

-- name: LastCallOf :one
-- The last call of a generator for an order; 0 for none.
SELECT CAST(coalesce(max(c.id), 0) AS INTEGER) FROM jobs AS j CROSS JOIN calls AS c ON c.job_id = j.id
WHERE j.order_id = sqlc.arg(order_id) AND c.generator = sqlc.arg(generator);

-- name: CountOrders :many
-- Only live states, so that the cost does not grow with history. Orders that the owner cancelled do not count.
SELECT state, CAST(count(*) AS INTEGER) AS orders FROM orders
WHERE state NOT IN ('completed', 'cancelled') AND NOT (state = 'held' AND code = 'owner') GROUP BY state;

-- name: CompletedSince :one
SELECT CAST(count(*) AS INTEGER) FROM orders WHERE completed_at IS NOT NULL AND completed_at >= ?;

-- name: OrderAttempts :many
SELECT a.*, j.round, j.kind FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE j.order_id = ? ORDER BY a.id;

-- name: OrderJobs :many
SELECT kind, round, stage, state, attempt, run_at, not_before, code, reason, hint FROM jobs WHERE order_id = ? ORDER BY id;

-- name: OrderDeliveries :many
SELECT * FROM deliveries WHERE order_id = ? ORDER BY round;

-- name: OrderArtifacts :many
SELECT * FROM artifacts WHERE order_id = ? ORDER BY kind, round, take, position;

-- name: FileByID :one
SELECT * FROM artifacts WHERE id = ?;

-- name: FileWanted :one
SELECT CAST(EXISTS (SELECT 1 FROM artifacts WHERE sha256 = ? AND path <> '' AND removed_at IS NULL) AS INTEGER);

-- name: Cover :many
-- The first file of what was made last for an order.
SELECT * FROM artifacts WHERE order_id = ? AND kind <> 'reference' AND path <> '' AND removed_at IS NULL
ORDER BY created_at DESC, round DESC, take DESC, position LIMIT 1;

-- name: FilesAfter :many
-- Files on the disk that have a picture, by their ids.
SELECT * FROM artifacts WHERE id > sqlc.arg(id) AND path <> '' AND removed_at IS NULL AND (mime GLOB 'image/*' OR mime GLOB 'video/*')
ORDER BY id LIMIT 100;

-- name: OrderTakes :many
SELECT * FROM takes WHERE order_id = ? ORDER BY kind, round, take;

-- name: OrderEvents :many
SELECT * FROM events WHERE order_id = ? ORDER BY id;

-- name: RequestsSince :many
SELECT kind, CAST(count(*) AS INTEGER) AS requests, CAST(coalesce(sum(status = 429), 0) AS INTEGER) AS refused
FROM requests WHERE at >= ? GROUP BY kind;

-- name: SeenSince :one
SELECT CAST(count(*) AS INTEGER) FROM orders WHERE created_at >= ?;

-- name: Attention :many
-- Alerts of the daemon come first, then the newest.
SELECT what, id, state, code, reason, hint, since, due FROM v_attention
ORDER BY what NOT IN ('daemon', 'generator'), since DESC, id;

-- name: OrdersWaitingFor :one
-- How many orders have work that was put off with the given code at or after a time.
SELECT CAST(count(DISTINCT order_id) AS INTEGER) FROM jobs
WHERE state = 'ready' AND lane IN ('generate', 'network') AND code = sqlc.arg(code) AND changed_at >= sqlc.arg(changed_at);

-- name: WaitingWork :many
-- How many orders in work wait until after a time, by what they wait for.
SELECT j.code, CAST(count(*) AS INTEGER) AS orders
FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state = 'ready' AND j.lane IN ('generate', 'network') AND j.code <> '' AND j.run_at > ? AND o.state = 'working'
  AND (j.kind = 'quote' OR j.kind = 'delivery' AND j.round = o.round)
GROUP BY j.code ORDER BY orders DESC, j.code;

-- name: Queue :many
-- The work that is under way, by stage, with when the first of it was due. Only live jobs are read.
SELECT stage, state, CAST(count(*) AS INTEGER) AS jobs, CAST(min(run_at) AS TEXT) AS first_at FROM jobs
WHERE state = 'ready' AND lane IN ('generate', 'network') GROUP BY stage
UNION ALL
SELECT stage, state, CAST(count(*) AS INTEGER), '' FROM jobs WHERE state = 'leased' GROUP BY stage;

-- name: OldestWorking :one
-- When the oldest order that is worked on was seen first.
SELECT CAST(coalesce(min(seen_at), '') AS TEXT) FROM orders WHERE state NOT IN ('completed', 'cancelled') AND state = 'working';

-- name: OldestWaiting :many
-- The order that has waited longest for its delivery.
SELECT id, service, created_at, due_at FROM orders
WHERE state NOT IN ('completed', 'cancelled') AND state = 'working' AND window_ends_at IS NULL
ORDER BY created_at, id LIMIT 1;

-- name: MatchOrders :many
-- The orders that have not ended and fit a filter, the oldest first. An empty text, like 'any', fits all. The code
-- and the state of a piece or a message count as those of its order. generates is how many of its stopped jobs make
-- files.
SELECT o.id, o.service, o.state, o.code, o.price_usd_micros, o.fee_usd_micros, o.client_type,
       CAST((SELECT count(*) FROM jobs AS g WHERE g.order_id = o.id AND g.stage = 'generate'
           AND g.state IN ('held', 'failed', 'cancelled')
           AND (g.kind = 'piece' OR g.kind = 'delivery' AND g.round = o.round)) AS INTEGER) AS generates,
       CAST((SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id) AS INTEGER) AS spent
FROM orders AS o
WHERE o.state NOT IN ('completed', 'cancelled')
  AND (CAST(sqlc.arg(state) AS TEXT) = '' OR o.state = CAST(sqlc.arg(state) AS TEXT) OR EXISTS (
      SELECT 1 FROM jobs AS s WHERE s.order_id = o.id AND s.kind IN ('piece', 'message') AND s.state = CAST(sqlc.arg(state) AS TEXT)
        AND s.state IN ('held', 'failed')))
  AND (CAST(sqlc.arg(code) AS TEXT) = '' OR o.code = CAST(sqlc.arg(code) AS TEXT) OR EXISTS (
      SELECT 1 FROM jobs AS c WHERE c.order_id = o.id AND c.code = CAST(sqlc.arg(code) AS TEXT) AND c.state IN ('held', 'failed')))
  AND (CAST(sqlc.arg(service) AS TEXT) = '' OR o.service = CAST(sqlc.arg(service) AS TEXT))
  AND (CAST(sqlc.arg(client) AS TEXT) = '' OR o.client = CAST(sqlc.arg(client) AS TEXT))
  AND o.created_at >= sqlc.arg(since_at) AND o.created_at < sqlc.arg(before_at)
ORDER BY o.created_at, o.id LIMIT sqlc.arg(most);
