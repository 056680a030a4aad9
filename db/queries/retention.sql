-- What is removed of orders that have ended. Each statement that removes looks at the view ended itself, so that an
-- order that goes on meanwhile keeps what it has. The conditions are literal, or the partial indexes are not used.

-- name: OrdersWithFiles :many
-- The orders that had ended by a time and whose files are still there, the oldest first.
SELECT e.id FROM ended AS e
WHERE e.over_at <= sqlc.arg(before_at) AND e.files_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
ORDER BY e.over_at, e.id LIMIT sqlc.arg(most);

-- name: OrdersWithAttempts :many
SELECT e.id FROM ended AS e
WHERE e.over_at <= sqlc.arg(before_at) AND e.attempts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
ORDER BY e.over_at, e.id LIMIT sqlc.arg(most);

-- name: OrdersWithTexts :many
SELECT e.id FROM ended AS e
WHERE e.over_at <= sqlc.arg(before_at) AND e.texts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
ORDER BY e.over_at, e.id LIMIT sqlc.arg(most);

-- name: HasEnded :one
SELECT EXISTS (SELECT 1 FROM ended AS e WHERE e.id = sqlc.arg(id) AND e.ended_at <= sqlc.arg(before_at));

-- name: OddOrderIDs :many
-- The orders whose id is no name for a folder. Only read while there is such a folder.
SELECT id FROM orders WHERE id GLOB '*[^A-Za-z0-9_-]*' OR length(id) > 80 OR id GLOB '-*';

-- name: SetFilesRemoved :exec
UPDATE orders SET files_removed_at = sqlc.arg(now) WHERE id = sqlc.arg(id);

-- name: SetAttemptsRemoved :exec
UPDATE orders SET attempts_removed_at = sqlc.arg(now) WHERE id = sqlc.arg(id);

-- name: SetTextsRemoved :exec
-- raw is JSON and cannot be NULL. The views show none.
UPDATE orders SET raw = 'null', texts_removed_at = sqlc.arg(now) WHERE id = sqlc.arg(id);

-- name: MarkFiles :exec
-- The files of an order are to be removed. A link has no file.
UPDATE artifacts SET removed_at = sqlc.arg(now) WHERE order_id = sqlc.arg(order_id) AND removed_at IS NULL AND path <> '';

-- name: MarkedFiles :many
-- The files that are to be removed after one, without those that another row still needs.
SELECT a.id, a.order_id, a.path, a.sha256 FROM artifacts AS a
WHERE a.id > sqlc.arg(after) AND a.removed_at IS NOT NULL AND a.path <> ''
  AND NOT EXISTS (SELECT 1 FROM artifacts AS k WHERE k.order_id = a.order_id AND k.path = a.path AND k.removed_at IS NULL)
ORDER BY a.id LIMIT 200;

-- name: FileRemoved :exec
UPDATE artifacts SET path = '' WHERE id = sqlc.arg(id) AND removed_at IS NOT NULL;

-- name: RemoveCalls :many
-- The newest call of all stays, so that no number is used twice.
DELETE FROM calls WHERE id IN (
    SELECT c.id FROM jobs AS j JOIN calls AS c ON c.job_id = j.id
    WHERE j.order_id = sqlc.arg(order_id) AND c.id < (SELECT max(n.id) FROM calls AS n) LIMIT 100)
RETURNING job_id;

-- name: CountRemovedCall :exec
UPDATE jobs SET calls_removed = calls_removed + 1 WHERE id = sqlc.arg(id);

-- name: RemoveAttempts :execrows
-- The newest attempt of all stays, and so do those that have calls.
DELETE FROM attempts WHERE id IN (
    SELECT a.id FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id
    WHERE j.order_id = sqlc.arg(order_id) AND a.id < (SELECT max(n.id) FROM attempts AS n)
      AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.attempt_id = a.id) LIMIT 100);

-- name: HasAttempts :one
SELECT EXISTS (SELECT 1 FROM jobs AS j JOIN attempts AS a ON a.job_id = j.id WHERE j.order_id = ?);

-- name: RemoveEvents :execrows
-- What a payout that has not come depends on stays, and so does the newest event of all: its number is the mark
-- of the ledger.
DELETE FROM events WHERE id IN (
    SELECT v.id FROM events AS v
    WHERE v.order_id = CAST(sqlc.arg(order_id) AS TEXT) AND v.kind NOT IN ('payout failed', 'payout asked', 'payout refused')
      AND v.id < (SELECT max(n.id) FROM events AS n) LIMIT 200);

-- name: RemoveMessageTexts :execrows
-- Few at once, because each leaves the index of texts, too.
UPDATE messages SET content = '' WHERE messages.order_id = sqlc.arg(order_id) AND messages.remote_id IN (
    SELECT m.remote_id FROM messages AS m WHERE m.order_id = sqlc.arg(order_id) AND m.content <> '' LIMIT 50);

-- name: RemoveSentTexts :exec
UPDATE outbox SET body = '' WHERE order_id = sqlc.arg(order_id) AND state NOT IN ('queued', 'sending');

-- name: RemovePieceTexts :exec
UPDATE pieces SET request = '' WHERE order_id = sqlc.arg(order_id);

-- name: RemoveWebhooks :exec
DELETE FROM webhooks WHERE order_id = sqlc.arg(order_id) AND pending = 0;

-- name: RemoveRequests :execrows
DELETE FROM requests WHERE id IN (SELECT r.id FROM requests AS r WHERE r.at < sqlc.arg(before_at) ORDER BY r.at LIMIT 500);

-- name: OldDispatches :many
-- Messages to the owner that need nothing any more. One about an alert that is open stays.
SELECT d.id FROM dispatches AS d
WHERE d.created_at < sqlc.arg(before_at) AND (d.sent_at IS NOT NULL OR d.failed_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM notices AS n JOIN alerts AS a ON a.id = n.alert_id WHERE n.dispatch_id = d.id AND a.closed_at IS NULL)
ORDER BY d.created_at LIMIT 100;

-- name: RemoveNotices :exec
DELETE FROM notices WHERE dispatch_id = CAST(sqlc.arg(dispatch_id) AS INTEGER);

-- name: RemoveDispatch :exec
DELETE FROM dispatches WHERE id = ?;

-- name: RemoveAlerts :execrows
DELETE FROM alerts WHERE id IN (
    SELECT a.id FROM alerts AS a WHERE a.closed_at IS NOT NULL AND a.closed_at < sqlc.arg(before_at)
      AND NOT EXISTS (SELECT 1 FROM notices AS n WHERE n.alert_id = a.id) ORDER BY a.closed_at LIMIT 100);

-- name: RemoveDaemonEvents :execrows
-- Events that belong to no order.
DELETE FROM events WHERE id IN (
    SELECT v.id FROM events AS v WHERE v.order_id IS NULL AND v.at < sqlc.arg(before_at)
      AND v.id < (SELECT max(n.id) FROM events AS n) ORDER BY v.id LIMIT 200);

-- name: RemoveRuns :execrows
DELETE FROM runs WHERE id IN (
    SELECT r.id FROM runs AS r WHERE r.began_at < sqlc.arg(before_at) AND (r.ended_at IS NOT NULL OR r.crashed_at IS NOT NULL)
      AND r.id < (SELECT max(n.id) FROM runs AS n) ORDER BY r.id LIMIT 200);

-- name: PrunableFiles :one
SELECT CAST(count(*) AS INTEGER) AS files, CAST(coalesce(sum(a.bytes), 0) AS INTEGER) AS bytes
FROM ended AS e CROSS JOIN artifacts AS a ON a.order_id = e.id
WHERE e.over_at <= sqlc.arg(before_at) AND e.files_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at) AND a.path <> '';

-- name: PrunableAttempts :one
SELECT CAST(count(*) AS INTEGER) AS attempts, CAST(coalesce(sum(length(a.error) + length(a.log) + 100), 0) AS INTEGER) AS bytes
FROM ended AS e CROSS JOIN jobs AS j ON j.order_id = e.id CROSS JOIN attempts AS a ON a.job_id = j.id
WHERE e.over_at <= sqlc.arg(before_at) AND e.attempts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
  AND a.id < (SELECT max(n.id) FROM attempts AS n)
  AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.attempt_id = a.id AND c.id = (SELECT max(n.id) FROM calls AS n));

-- name: PrunableCalls :one
SELECT CAST(count(*) AS INTEGER) AS calls, CAST(coalesce(sum(length(c.note) + length(c.ticket) + 150), 0) AS INTEGER) AS bytes
FROM ended AS e CROSS JOIN jobs AS j ON j.order_id = e.id CROSS JOIN calls AS c ON c.job_id = j.id
WHERE e.over_at <= sqlc.arg(before_at) AND e.attempts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
  AND c.id < (SELECT max(n.id) FROM calls AS n);

-- name: PrunableEvents :one
-- Those that RemoveEvents removes.
SELECT CAST(count(*) AS INTEGER) AS events, CAST(coalesce(sum(length(v.text) + 100), 0) AS INTEGER) AS bytes
FROM ended AS e CROSS JOIN events AS v ON v.order_id = e.id
WHERE e.over_at <= sqlc.arg(before_at) AND e.texts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at)
  AND v.kind NOT IN ('payout failed', 'payout asked', 'payout refused') AND v.id < (SELECT max(n.id) FROM events AS n);

-- name: PrunableTexts :one
SELECT CAST(count(*) AS INTEGER) AS orders, CAST(coalesce(sum(length(o.raw)
    + coalesce((SELECT sum(length(m.content)) FROM messages AS m WHERE m.order_id = e.id), 0)), 0) AS INTEGER) AS bytes
FROM ended AS e CROSS JOIN orders AS o ON o.id = e.id
WHERE e.over_at <= sqlc.arg(before_at) AND e.texts_removed_at IS NULL AND e.ended_at <= sqlc.arg(before_at);

-- name: PrunableNotices :one
-- The messages to the owner that OldDispatches has.
SELECT CAST(count(*) AS INTEGER) AS messages, CAST(coalesce(sum(length(d.title) + length(d.text) + 200), 0) AS INTEGER) AS bytes
FROM dispatches AS d
WHERE d.created_at < sqlc.arg(before_at) AND (d.sent_at IS NOT NULL OR d.failed_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM notices AS n JOIN alerts AS a ON a.id = n.alert_id WHERE n.dispatch_id = d.id AND a.closed_at IS NULL);

-- name: PrunableAlerts :one
-- Those that RemoveAlerts removes once the messages of OldDispatches are gone.
SELECT CAST(count(*) AS INTEGER) AS alerts, CAST(coalesce(sum(length(a.reason) + length(a.hint) + 150), 0) AS INTEGER) AS bytes
FROM alerts AS a
WHERE a.closed_at IS NOT NULL AND a.closed_at < sqlc.arg(before_at)
  AND NOT EXISTS (SELECT 1 FROM notices AS n LEFT JOIN dispatches AS d ON d.id = n.dispatch_id
       WHERE n.alert_id = a.id AND (d.id IS NULL OR d.created_at >= sqlc.arg(before_at) OR d.sent_at IS NULL AND d.failed_at IS NULL
         OR EXISTS (SELECT 1 FROM notices AS o JOIN alerts AS b ON b.id = o.alert_id WHERE o.dispatch_id = d.id AND b.closed_at IS NULL)));

-- name: PrunableDaemonEvents :one
-- Those that RemoveDaemonEvents removes.
SELECT CAST(count(*) AS INTEGER) AS events, CAST(coalesce(sum(length(v.text) + 100), 0) AS INTEGER) AS bytes
FROM events AS v WHERE v.order_id IS NULL AND v.at < sqlc.arg(before_at) AND v.id < (SELECT max(n.id) FROM events AS n);

-- name: PrunableRuns :one
-- Those that RemoveRuns removes.
SELECT CAST(count(*) AS INTEGER) AS runs, CAST(coalesce(sum(length(r.note) + 100), 0) AS INTEGER) AS bytes
FROM runs AS r WHERE r.began_at < sqlc.arg(before_at) AND (r.ended_at IS NOT NULL OR r.crashed_at IS NOT NULL)
  AND r.id < (SELECT max(n.id) FROM runs AS n);

-- name: PrunableRequests :one
SELECT CAST(count(*) AS INTEGER) FROM requests WHERE at < sqlc.arg(before_at);

-- name: StoredSince :one
-- How much was stored since a time, and when the first of it was.
SELECT CAST(coalesce(sum(bytes), 0) AS INTEGER) AS bytes, CAST(coalesce(min(created_at), '') AS TEXT) AS first_at
FROM artifacts WHERE created_at >= ?;

-- name: KeptBytes :one
SELECT CAST(coalesce(sum(bytes), 0) AS INTEGER) FROM artifacts WHERE path <> '';
