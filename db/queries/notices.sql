-- name: Standing :many
SELECT what, id, state, code, reason, hint, since, due FROM standing;

-- name: OpenAlerts :many
SELECT * FROM alerts WHERE closed_at IS NULL ORDER BY what, subject, code;

-- name: InsertAlert :one
INSERT INTO alerts (what, subject, code, event, timed, state, reason, hint, opened_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id;

-- name: UpdateAlert :exec
UPDATE alerts SET state = sqlc.arg(state), reason = sqlc.arg(reason), hint = sqlc.arg(hint) WHERE id = sqlc.arg(id);

-- name: CloseAlert :exec
UPDATE alerts SET closed_at = sqlc.arg(closed_at) WHERE id = sqlc.arg(id);

-- name: LastNotices :many
-- When each open alert was last put on its way to each target.
SELECT n.alert_id, n.target, CAST(max(n.created_at) AS TEXT) AS told_at FROM alerts AS a CROSS JOIN notices AS n
WHERE n.alert_id = a.id AND a.closed_at IS NULL GROUP BY n.alert_id, n.target;

-- name: DropWaitingNotices :exec
-- What was not sent yet of an alert is no longer true.
DELETE FROM notices WHERE alert_id = ? AND dispatch_id IS NULL;

-- name: ToldTargets :many
SELECT DISTINCT target FROM notices WHERE alert_id = ? AND dispatch_id IS NOT NULL;

-- name: InsertNotice :exec
INSERT INTO notices (target, kind, alert_id, urgent, line, more, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: WaitingNotices :many
SELECT * FROM notices WHERE target = ? AND dispatch_id IS NULL ORDER BY id LIMIT 200;

-- name: DispatchNotice :exec
UPDATE notices SET dispatch_id = sqlc.arg(dispatch_id) WHERE id = sqlc.arg(id);

-- name: InsertDispatch :one
INSERT INTO dispatches (target, title, text, urgent, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?) RETURNING id;

-- name: OpenDispatches :many
-- The message of the target that is being sent.
SELECT * FROM dispatches WHERE target = ? AND sent_at IS NULL AND failed_at IS NULL ORDER BY id LIMIT 1;

-- name: BeginDispatch :exec
UPDATE dispatches SET tries = tries + 1, due_at = sqlc.arg(due_at) WHERE id = sqlc.arg(id);

-- name: DispatchSent :exec
UPDATE dispatches SET sent_at = sqlc.arg(sent_at), ref = sqlc.arg(ref), reason = '' WHERE id = sqlc.arg(id);

-- name: DispatchFailed :exec
UPDATE dispatches SET due_at = sqlc.arg(due_at), failed_at = sqlc.narg(failed_at), reason = sqlc.arg(reason) WHERE id = sqlc.arg(id);

-- name: DispatchesSince :one
SELECT CAST(count(*) AS INTEGER) FROM dispatches WHERE target = sqlc.arg(target) AND sent_at IS NOT NULL AND sent_at >= sqlc.arg(sent_at);

-- name: EditableDispatches :many
-- The sent messages that announced an alert which is over, with the waiting line about it.
SELECT DISTINCT d.id, d.ref FROM notices AS o
JOIN notices AS n ON n.alert_id = o.alert_id AND n.target = o.target AND n.dispatch_id IS NOT NULL AND n.kind = 'alert'
JOIN dispatches AS d ON d.id = n.dispatch_id
WHERE o.target = ? AND o.dispatch_id IS NULL AND o.kind = 'over' AND d.ref <> '' AND d.sent_at IS NOT NULL;

-- name: DispatchLines :many
-- The lines of a message, with when the alert of each was over.
SELECT n.*, a.closed_at FROM notices AS n LEFT JOIN alerts AS a ON a.id = n.alert_id WHERE n.dispatch_id = ? ORDER BY n.id;

-- name: DispatchOverNotices :exec
-- The lines that an edit of the message has said.
UPDATE notices SET dispatch_id = sqlc.arg(dispatch_id)
WHERE notices.target = sqlc.arg(target) AND notices.dispatch_id IS NULL AND notices.kind = 'over'
  AND notices.alert_id IN (SELECT n.alert_id FROM notices AS n WHERE n.dispatch_id = sqlc.arg(dispatch_id) AND n.kind = 'alert');

-- name: PolledSince :one
-- When the last poll was answered, if that is not before a time; else NULL.
SELECT max(at) AS last_at FROM requests WHERE at >= ? AND kind = 'poll' AND status BETWEEN 200 AND 299;

-- name: OrdersNearDeadline :many
SELECT id, service, created_at, due_at FROM orders
WHERE state NOT IN ('completed', 'cancelled') AND state = 'working' AND window_ends_at IS NULL AND due_at IS NOT NULL AND due_at <= ?
ORDER BY due_at, id LIMIT 100;

-- name: UnansweredOrders :many
-- The orders whose client wrote last, before a time.
SELECT o.id, m.at FROM orders AS o CROSS JOIN messages AS m
WHERE m.order_id = o.id AND o.state NOT IN ('completed', 'cancelled') AND o.window_ends_at IS NULL AND m.party = 'client' AND m.at <= ?
  AND m.at = (SELECT max(l.at) FROM messages AS l WHERE l.order_id = o.id)
ORDER BY m.at, o.id LIMIT 100;

-- name: UnpaidOrders :one
-- What completed before a time and shows no payout.
SELECT CAST(count(*) AS INTEGER) AS orders, min(completed_at) AS first_at FROM orders
WHERE completed_at IS NOT NULL AND state = 'completed' AND payout_tx = '' AND payout_usd_micros IS NULL AND completed_at <= ?;

-- name: DigestDays :many
-- The last day of which the target was sent the summary, if any.
SELECT day FROM digests WHERE target = ?;

-- name: SetDigestDay :execrows
-- Changes no row if the summary of that day or of a later one was sent.
INSERT INTO digests (target, day) VALUES (sqlc.arg(target), sqlc.arg(day))
ON CONFLICT (target) DO UPDATE SET day = excluded.day WHERE digests.day < excluded.day;

-- name: EarnedBetween :one
SELECT CAST(count(*) AS INTEGER) AS orders, CAST(coalesce(sum(gross - fee), 0) AS INTEGER) AS net
FROM completed_orders WHERE completed_at >= sqlc.arg(low) AND completed_at < sqlc.arg(high);

-- name: SpentBetween :one
SELECT CAST(coalesce(sum(cost), 0) AS INTEGER) FROM spent WHERE at >= sqlc.arg(low) AND at < sqlc.arg(high);

-- name: CameBetween :one
SELECT CAST(count(*) AS INTEGER) FROM orders WHERE created_at >= sqlc.arg(low) AND created_at < sqlc.arg(high);

-- name: DeliveredBetween :many
SELECT order_id, urls FROM deliveries
WHERE settled_at >= sqlc.arg(low) AND settled_at < sqlc.arg(high) AND state = 'confirmed' ORDER BY settled_at, order_id;

-- name: PiecesBetween :many
-- The links of the pieces that were uploaded.
SELECT url FROM artifacts
WHERE uploaded_at >= sqlc.arg(low) AND uploaded_at < sqlc.arg(high) AND kind = 'piece' AND url <> '' ORDER BY uploaded_at, id;
