-- name: GetLedger :one
SELECT l.id, l.agent_id, l.base_url, l.boot, l.marked, l.reconcile, l.restored_at, l.uncompared_at, l.epoch,
       CAST(coalesce((SELECT r.host FROM runs AS r WHERE r.id = (SELECT max(n.id) FROM runs AS n)), '') AS TEXT) AS host,
       CAST(coalesce((SELECT max(e.id) FROM events AS e), 0) AS INTEGER) AS event,
       CAST(EXISTS (SELECT 1 FROM orders AS o WHERE o.created_at > '') AS INTEGER) AS used
FROM ledger AS l WHERE l.one = 1;

-- name: LastEventAt :many
SELECT at FROM events WHERE id = (SELECT max(e.id) FROM events AS e);

-- name: BootLedger :exec
UPDATE ledger SET boot = boot + 1, id = CASE id WHEN '' THEN CAST(sqlc.arg(id) AS TEXT) ELSE id END WHERE one = 1;

-- name: BeginEpoch :exec
-- An epoch never goes back.
UPDATE ledger SET epoch = sqlc.arg(epoch) WHERE one = 1 AND epoch < sqlc.arg(epoch);

-- name: SetUncompared :exec
-- A database that never had an order has nothing to compare.
UPDATE ledger SET uncompared_at = sqlc.arg(uncompared_at)
WHERE one = 1 AND uncompared_at IS NULL AND EXISTS (SELECT 1 FROM orders AS o WHERE o.created_at > '');

-- name: SetCompared :exec
UPDATE ledger SET uncompared_at = NULL WHERE one = 1;

-- name: UncomparedAt :one
SELECT uncompared_at FROM ledger WHERE one = 1;

-- name: PutUncompared :exec
-- The first record stays: later ones have what this process has taken over.
INSERT INTO uncompared (order_id, record) VALUES (sqlc.arg(order_id), sqlc.arg(record)) ON CONFLICT (order_id) DO NOTHING;

-- name: GetUncompared :many
SELECT record FROM uncompared WHERE order_id = sqlc.arg(order_id);

-- name: ForgetUncompared :exec
-- kept, a JSON array, are the orders that are still to be compared.
DELETE FROM uncompared WHERE order_id NOT IN (SELECT value FROM json_each(sqlc.arg(kept)));

-- name: MarkLedger :exec
UPDATE ledger SET marked = 1 WHERE one = 1;

-- name: BindLedger :exec
UPDATE ledger SET agent_id = sqlc.arg(agent_id), base_url = sqlc.arg(base_url) WHERE one = 1;

-- name: WantReconcile :exec
UPDATE ledger SET reconcile = sqlc.arg(reconcile) WHERE one = 1;

-- name: SetRestored :exec
UPDATE ledger SET restored_at = sqlc.arg(restored_at) WHERE one = 1;

-- name: RestoredAt :one
SELECT restored_at FROM ledger WHERE one = 1;

-- name: SetOrderRestored :exec
UPDATE orders SET restored_at = sqlc.arg(restored_at) WHERE id = sqlc.arg(id);

-- name: ForgetOrdersRestored :exec
UPDATE orders SET restored_at = NULL WHERE restored_at IS NOT NULL;

-- name: ReleaseRestored :exec
-- The owner accepts a restore: what it held may run again.
UPDATE jobs SET state = 'ready', attempt = 0, crashes = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at)
WHERE order_id IN (SELECT o.id FROM orders AS o WHERE o.state NOT IN ('completed', 'cancelled'))
  AND state = 'held' AND code = 'restored';

-- name: ResumeRestoredOrders :exec
UPDATE orders SET state = 'working', code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at)
WHERE state NOT IN ('completed', 'cancelled') AND state = 'held' AND code = 'restored';

-- name: FreeWindows :exec
-- Requests that a reconcile counted without knowing them are taken off the counts again.
UPDATE windows SET used = 0;

-- name: RecordOrders :many
-- Of each order what is compared with the marketplace. ids is a JSON array, as in the queries that follow.
SELECT o.id, o.state, o.remote_status, o.round, o.revision_count, o.deliverables, o.foreign_files, o.window_ends_at,
       o.restored_at, coalesce(q.state, '') AS quote_state
FROM orders AS o LEFT JOIN quotes AS q ON q.order_id = o.id
WHERE o.id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: RecordDeliveries :many
SELECT d.order_id, d.round, d.state, d.urls FROM deliveries AS d
WHERE d.order_id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: RecordRedeliveries :many
SELECT r.order_id, r.urls FROM redeliveries AS r
WHERE r.order_id IN (SELECT value FROM json_each(sqlc.arg(ids)));

-- name: RecordOutbox :many
SELECT b.order_id, b.position, b.reason, b.body, b.state FROM outbox AS b
WHERE b.order_id IN (SELECT value FROM json_each(sqlc.arg(ids))) ORDER BY b.order_id, b.position;

-- name: RecordMessages :many
SELECT m.order_id, m.remote_id, m.content FROM messages AS m
WHERE m.order_id IN (SELECT value FROM json_each(sqlc.arg(ids))) AND m.party = 'agent';

-- name: AdoptRounds :execrows
-- Deliveries that the marketplace shows end the work on these rounds.
UPDATE jobs SET state = 'cancelled', lease_token = '', lease_until = NULL, code = 'delivered', reason = sqlc.arg(reason),
    changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND round < sqlc.arg(rounds)
  AND state IN ('ready', 'leased', 'held', 'failed');

-- name: FinishJob :execrows
-- The marketplace shows the result of the job.
UPDATE jobs SET state = 'done', lease_token = '', lease_until = NULL, code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind = sqlc.arg(kind) AND round = sqlc.arg(round) AND state <> 'done';

-- name: PutSent :many
-- A message that the thread shows. Its position is that of its job.
INSERT INTO outbox (order_id, position, reason, body, state, created_at, sent_at, settled_at, note)
VALUES (sqlc.arg(order_id), (SELECT coalesce(max(o.position), 0) + 1 FROM outbox AS o WHERE o.order_id = sqlc.arg(order_id)),
        sqlc.arg(reason), sqlc.arg(body), 'sent', sqlc.arg(created_at), sqlc.arg(sent_at), sqlc.arg(settled_at), sqlc.arg(note))
ON CONFLICT (order_id, reason) DO UPDATE SET body = excluded.body, state = 'sent', sent_at = excluded.sent_at,
    settled_at = excluded.settled_at, note = excluded.note
RETURNING position;

-- name: SetForeignFiles :exec
UPDATE orders SET foreign_files = sqlc.arg(foreign_files) WHERE id = sqlc.arg(id);

-- name: CallsWithoutTicket :many
-- The jobs of an order with an open call of which the provider's id is unknown. A call that the running attempt began is being made now.
SELECT DISTINCT j.id, j.kind, j.round, j.stage, c.generator FROM calls AS c JOIN jobs AS j ON j.id = c.job_id
WHERE j.order_id = ? AND c.purpose = 'make' AND c.state = 'calling' AND c.ticket = '' AND j.state IN ('ready', 'leased')
  AND NOT EXISTS (SELECT 1 FROM attempts AS a
    WHERE a.job_id = j.id AND j.state = 'leased' AND a.outcome = 'running' AND a.started_at <= c.began_at);

-- name: HoldJob :exec
UPDATE jobs SET state = 'held', lease_token = '', lease_until = NULL,
    attempt = CASE WHEN state = 'leased' THEN max(attempt - 1, 0) ELSE attempt END,
    code = sqlc.arg(code), reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id);

-- name: CopiedLedger :one
-- Read in copies, which may be of an older version.
SELECT id, agent_id, CAST((SELECT coalesce(max(e.id), 0) FROM events AS e) AS INTEGER) AS event FROM ledger WHERE one = 1;

-- name: StoredFiles :many
-- Each file in the data folder once, however many orders share it, without those that are removed.
SELECT path, CAST(max(bytes) AS INTEGER) AS bytes, CAST(max(sha256) AS TEXT) AS sha256 FROM artifacts WHERE path <> '' AND removed_at IS NULL GROUP BY path ORDER BY path;
