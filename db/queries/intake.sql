-- name: KnownOrders :many
-- What the database knows of the listed orders. ids is a JSON array. more reports whether KnownMore
-- has a row for the order that is not empty: each column that is read for all orders slows every poll.
SELECT o.id, o.service, o.state, o.remote_status, o.round, o.code, o.fingerprint, o.missing_at, o.effect_event_id,
       o.owner_cancelled_at, o.assigned, o.revision_count, o.client_approved_at,
       coalesce(j.state, '') AS job_state, coalesce(j.stage, '') AS job_stage, coalesce(d.state, '') AS delivery_state,
       CAST(EXISTS (SELECT 1 FROM jobs AS p WHERE p.order_id = o.id AND p.kind = 'quote' AND p.round = 0)
         OR EXISTS (SELECT 1 FROM quotes AS q WHERE q.order_id = o.id)
         OR EXISTS (SELECT 1 FROM redeliveries AS r WHERE r.order_id = o.id) AS BOOLEAN) AS more
FROM orders AS o
LEFT JOIN jobs AS j ON j.order_id = o.id AND j.kind = 'delivery' AND j.round = o.round
LEFT JOIN deliveries AS d ON d.order_id = o.id AND d.round = o.round
WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: KnownMore :many
-- The quotes and redeliveries of listed orders.
SELECT o.id,
       CAST((SELECT count(*) FROM redeliveries AS r WHERE r.order_id = o.id AND r.reason = 'paid' AND r.state <> 'dropped') AS INTEGER) AS again,
       CAST(coalesce((SELECT r.reason FROM redeliveries AS r WHERE r.order_id = o.id AND r.round = o.round
                       AND r.state IN ('wanted', 'sending', 'refused') ORDER BY r.n DESC LIMIT 1), '') AS TEXT) AS again_for,
       coalesce(p.state, '') AS quoting, coalesce(q.state, '') AS quote_state
FROM orders AS o
LEFT JOIN jobs AS p ON p.order_id = o.id AND p.kind = 'quote' AND p.round = 0
LEFT JOIN quotes AS q ON q.order_id = o.id
WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: InsertOrder :exec
INSERT INTO orders (id, service, service_id, service_title, client_wallet, brief, reference_urls,
    reference_images, requirement_answers, remote_status, state, code, reason, hint, price_usd_micros,
    fee_usd_micros, deliverables, max_revisions, revision_count, quota_total, quota_used, payout_tx,
    created_at, due_at, seen_at, changed_at, delivered_at, review_deadline_at, completed_at,
    window_ends_at, thread_due_at, bounty_id, bounty_title, client_type, fingerprint, raw, brief_english, brief_spec, review_due_at, too_large,
    client, payout_at, disputes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: UpdateOrderFacts :exec
-- A field that the marketplace left out keeps its last value.
UPDATE orders SET
    service = sqlc.arg(service), service_id = sqlc.arg(service_id), service_title = sqlc.arg(service_title),
    client_wallet = sqlc.arg(client_wallet),
    client = CASE WHEN CAST(sqlc.arg(client) AS TEXT) = '' THEN client ELSE CAST(sqlc.arg(client) AS TEXT) END, brief = sqlc.arg(brief),
    reference_urls = sqlc.arg(reference_urls), reference_images = sqlc.arg(reference_images),
    requirement_answers = coalesce(sqlc.arg(requirement_answers), requirement_answers),
    brief_english = CASE WHEN sqlc.arg(brief_english) = '' THEN brief_english ELSE sqlc.arg(brief_english) END,
    brief_spec = coalesce(sqlc.arg(brief_spec), brief_spec),
    disputes = disputes + (CAST(sqlc.arg(remote_status) AS TEXT) = 'disputed' AND remote_status <> 'disputed'),
    remote_status = sqlc.arg(remote_status),
    price_usd_micros = coalesce(sqlc.arg(price_usd_micros), price_usd_micros),
    fee_usd_micros = coalesce(sqlc.arg(fee_usd_micros), fee_usd_micros),
    deliverables = sqlc.arg(deliverables),
    max_revisions = coalesce(sqlc.arg(max_revisions), max_revisions),
    revision_count = coalesce(sqlc.arg(revision_count), revision_count),
    quota_total = coalesce(sqlc.arg(quota_total), quota_total),
    quota_used = coalesce(sqlc.arg(quota_used), quota_used),
    payout_at = CASE WHEN CAST(sqlc.arg(payout_tx) AS TEXT) = '' THEN payout_at ELSE coalesce(payout_at, sqlc.arg(seen_at)) END,
    payout_tx = sqlc.arg(payout_tx),
    bounty_id = sqlc.arg(bounty_id),
    delivered_at = coalesce(sqlc.arg(delivered_at), delivered_at),
    review_deadline_at = coalesce(sqlc.arg(review_deadline_at), review_deadline_at),
    completed_at = coalesce(sqlc.arg(completed_at), completed_at),
    window_ends_at = coalesce(sqlc.arg(window_ends_at), window_ends_at),
    client_type = CASE WHEN sqlc.arg(client_type) = '' THEN client_type ELSE sqlc.arg(client_type) END,
    missing_at = NULL, too_large = 0, fingerprint = sqlc.arg(fingerprint), raw = sqlc.arg(raw)
WHERE id = sqlc.arg(id);

-- name: UpdateLargeOrder :exec
-- The order has become too large to read. What was read before stays.
UPDATE orders SET remote_status = ?, missing_at = NULL, too_large = 1, fingerprint = ? WHERE id = ?;

-- name: SetOrderState :exec
UPDATE orders SET state = ?, code = ?, reason = ?, hint = ?, changed_at = ? WHERE id = ?;

-- name: SetOrderService :exec
-- The order is for another service than the one that the file has.
UPDATE orders SET service = ?, due_at = ? WHERE id = ?;

-- name: AssignOrder :exec
-- The owner names the service, which also takes a cancellation back.
UPDATE orders SET service = ?, assigned = 1, owner_cancelled_at = NULL WHERE id = ?;

-- name: HasBegun :one
-- Reports whether work for the service of an order has begun. A look for a service that is not configured is no work.
SELECT EXISTS (SELECT 1 FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
    WHERE j.order_id = ? AND j.kind <> 'message' AND a.code <> 'no_service');

-- name: SetOwnerCancelled :exec
-- Records since when the owner's cancellation stands, or that it does not.
UPDATE orders SET owner_cancelled_at = ? WHERE id = ?;

-- name: ThreadOrder :one
-- What decides what a thread means: the order may have moved on while it was read.
SELECT remote_status, CAST(owner_cancelled_at IS NOT NULL AS BOOLEAN) AS owner_cancelled, thread_due_at FROM orders WHERE id = ?;

-- name: SetOrderBounty :exec
UPDATE orders SET bounty_id = sqlc.arg(bounty_id), bounty_title = sqlc.arg(bounty_title)
WHERE id = sqlc.arg(id) AND bounty_title <> sqlc.arg(bounty_title);

-- name: SetOrderRound :exec
UPDATE orders SET round = ? WHERE id = ?;

-- name: SetOrderMissing :exec
UPDATE orders SET missing_at = ? WHERE id = ?;

-- name: SetOrderCompleted :exec
UPDATE orders SET completed_at = coalesce(completed_at, sqlc.arg(completed_at)),
    review_due_at = CASE review_reads WHEN 0 THEN coalesce(review_due_at, sqlc.arg(completed_at)) ELSE review_due_at END
WHERE id = sqlc.arg(id);

-- name: CountOpen :one
SELECT count(*) FROM orders WHERE state NOT IN ('completed', 'cancelled');

-- name: OpenOrderIDs :many
SELECT id FROM orders WHERE state NOT IN ('completed', 'cancelled');

-- name: InsertJob :exec
INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, created_at, changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: RecordUnreadable :exec
INSERT INTO unreadable (fingerprint, first_at, last_at, times, reason, raw) VALUES (?, ?, ?, 1, ?, ?)
ON CONFLICT (fingerprint) DO UPDATE SET last_at = excluded.last_at, times = unreadable.times + 1;

-- name: LastEventID :one
SELECT CAST(coalesce(max(id), 0) AS INTEGER) FROM events;

-- name: InsertEvent :execlastid
INSERT INTO events (at, order_id, kind, text, actor) VALUES (?, ?, ?, ?, ?);

-- name: InsertEventOnce :exec
-- A finding that repeats in each attempt is recorded once.
INSERT INTO events (at, order_id, kind, text)
SELECT sqlc.arg(at), sqlc.arg(order_id), sqlc.arg(kind), sqlc.arg(text) WHERE NOT EXISTS (
    SELECT 1 FROM events AS e WHERE e.order_id = sqlc.arg(order_id) AND e.kind = sqlc.arg(kind) AND e.text = sqlc.arg(text));

-- name: SetEffect :exec
UPDATE orders SET effect_event_id = ? WHERE id = ?;
