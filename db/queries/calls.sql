-- name: InsertCall :execlastid
INSERT INTO calls (job_id, attempt_id, generator, key, state, cost_usd_micros, began_at, cancels, purpose, epoch)
VALUES (?, ?, ?, ?, 'calling', ?, ?, ?, ?, (SELECT l.epoch FROM ledger AS l WHERE l.one = 1));

-- name: CountCalls :one
-- Counts the calls ever recorded for the work of a job by a generator, whatever became of them, and those that were
-- removed after the end of its order.
SELECT CAST(coalesce(sum(j.calls_removed + (SELECT count(*) FROM calls AS c WHERE c.job_id = j.id AND c.generator = ?)), 0) AS INTEGER)
FROM jobs AS j WHERE j.order_id = ? AND j.kind = ? AND j.round = ?;

-- name: AddAttemptCost :exec
UPDATE attempts SET cost_usd_micros = max(cost_usd_micros + CAST(sqlc.arg(delta) AS INTEGER), 0) WHERE id = sqlc.arg(id);

-- name: OpenCalls :many
-- The open calls of a job for a purpose, and the attempt that began each. A call that is being cancelled is never resumed.
SELECT c.*, a.attempt FROM calls AS c JOIN attempts AS a ON a.id = c.attempt_id
WHERE c.job_id = sqlc.arg(job_id) AND c.purpose = sqlc.arg(purpose) AND c.state IN ('calling', 'submitted') AND c.cancel_wanted_at IS NULL
ORDER BY c.id;

-- name: UnusedCall :many
-- The last call of a job, if it is done and no attempt has used or rejected what it made since: the attempt was cut
-- right after it, or the ledger was restored to that moment. What was made for an earlier take is not wanted.
SELECT c.*, a.attempt FROM calls AS c JOIN attempts AS a ON a.id = c.attempt_id JOIN jobs AS j ON j.id = c.job_id
WHERE c.job_id = sqlc.arg(job_id) AND c.purpose = sqlc.arg(purpose) AND c.state = 'done' AND c.cancel_wanted_at IS NULL
  AND c.id = (SELECT max(n.id) FROM calls AS n WHERE n.job_id = c.job_id AND n.purpose = c.purpose)
  AND (j.redone = 0 OR c.attempt_id > j.cap_after_attempt)
  AND NOT EXISTS (SELECT 1 FROM takes AS t
    WHERE t.order_id = j.order_id AND t.kind = j.kind AND t.round = j.round AND t.by_check = 1 AND t.created_at >= c.closed_at)
  AND NOT EXISTS (SELECT 1 FROM attempts AS u
    WHERE u.job_id = c.job_id AND u.stage = 'generate' AND u.finished_at >= c.closed_at
      AND (u.outcome IN ('done', 'fail') OR u.code IN (SELECT value FROM json_each(sqlc.arg(rejected)))));

-- name: ReopenCall :execrows
UPDATE calls SET state = CASE WHEN ticket = '' THEN 'calling' ELSE 'submitted' END, closed_at = NULL, note = ''
WHERE id = ? AND state = 'done';

-- name: CountCutCalls :one
-- The calls of a job for a purpose whose outcome was never learned, since the owner has last retried it.
SELECT count(*) FROM calls AS c
WHERE c.job_id = sqlc.arg(job_id) AND c.purpose = sqlc.arg(purpose) AND c.state = 'unknown' AND c.began_at >= sqlc.arg(since)
  AND c.attempt_id > coalesce((SELECT j.cap_after_attempt FROM jobs AS j WHERE j.id = c.job_id), 0);

-- name: CallSubmitted :execrows
UPDATE calls SET state = 'submitted', ticket = sqlc.arg(ticket)
WHERE id = sqlc.arg(id) AND state IN ('calling', 'submitted');

-- name: CancelCallOfEndedJob :execrows
-- The provider's id of a call has come after its job was cancelled.
UPDATE calls SET cancel_wanted_at = sqlc.arg(now), cancel_next_at = sqlc.arg(now)
WHERE calls.id = sqlc.arg(id) AND calls.state = 'submitted' AND ticket <> '' AND cancels = 1 AND cancel_wanted_at IS NULL
  AND job_id IN (SELECT j.id FROM jobs AS j WHERE j.state = 'cancelled' AND j.id = calls.job_id);

-- name: CancelOrderCalls :execrows
-- The order has ended, so what the provider still makes for it is not wanted any more.
UPDATE calls SET cancel_wanted_at = sqlc.arg(now), cancel_next_at = sqlc.arg(now)
WHERE calls.state = 'submitted' AND ticket <> '' AND cancels = 1 AND cancel_wanted_at IS NULL
  AND job_id IN (SELECT j.id FROM jobs AS j WHERE j.order_id = sqlc.arg(order_id));

-- name: CancelJobCalls :execrows
-- The owner wants the files of a job made again.
UPDATE calls SET cancel_wanted_at = sqlc.arg(now), cancel_next_at = sqlc.arg(now)
WHERE state = 'submitted' AND ticket <> '' AND cancels = 1 AND cancel_wanted_at IS NULL AND job_id = sqlc.arg(job_id);

-- name: DueCancellations :many
-- The calls whose job is to be cancelled at the provider now.
SELECT c.id, c.generator, c.ticket, c.cost_usd_micros, c.cancel_tries, j.id AS job_id, j.order_id
FROM calls AS c JOIN jobs AS j ON j.id = c.job_id
WHERE c.state = 'submitted' AND c.cancel_wanted_at IS NOT NULL AND c.cancel_next_at <= ? ORDER BY c.cancel_next_at LIMIT 100;

-- name: NextCancellation :many
SELECT cancel_next_at FROM calls
WHERE state = 'submitted' AND cancel_wanted_at IS NOT NULL ORDER BY cancel_next_at LIMIT 1;

-- name: CountCancellation :execrows
-- A job is about to be cancelled at the provider. The same is tried again at next_at unless the call is closed.
UPDATE calls SET cancel_tries = cancel_tries + 1, cancel_next_at = sqlc.arg(cancel_next_at)
WHERE id = sqlc.arg(id) AND state = 'submitted' AND cancel_wanted_at IS NOT NULL;

-- name: CallLate :many
-- A job is done, and its result is not there yet. The first such look since the last gap counts,
-- and gaps beyond the second do not.
UPDATE calls SET late_at = CASE WHEN late_seen_at >= sqlc.arg(gap) OR late_gaps >= 2 THEN late_at ELSE sqlc.arg(now) END,
    late_gaps = late_gaps + coalesce(late_seen_at < sqlc.arg(gap), 0), late_seen_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND state IN ('calling', 'submitted')
RETURNING late_at;

-- name: CallRuns :exec
-- The job runs, or runs again.
UPDATE calls SET late_at = NULL, late_seen_at = NULL, late_gaps = 0 WHERE id = ? AND state IN ('calling', 'submitted');

-- name: OpenCall :many
SELECT * FROM calls WHERE id = ? AND state IN ('calling', 'submitted');

-- name: CloseCall :exec
UPDATE calls SET state = sqlc.arg(state), cost_usd_micros = sqlc.arg(cost), closed_at = sqlc.arg(closed_at),
    note = sqlc.arg(note)
WHERE id = sqlc.arg(id);

-- name: GiveUpUnknownCalls :exec
-- The owner retries an order: the calls of unknown outcome that its jobs are held for are given up and stay
-- counted as spent.
UPDATE calls SET state = 'unknown', closed_at = sqlc.arg(closed_at), note = 'given up by the owner'
WHERE state IN ('calling', 'submitted') AND job_id IN (
    SELECT j.id FROM jobs AS j WHERE j.order_id = sqlc.arg(order_id) AND j.code = 'unknown_call');

-- name: GiveUpCalls :exec
-- The owner wants the files of a job made again: its open calls are given up, unless they are being cancelled.
UPDATE calls SET state = 'unknown', closed_at = sqlc.arg(closed_at), note = 'given up by the owner'
WHERE state IN ('calling', 'submitted') AND cancel_wanted_at IS NULL AND job_id = sqlc.arg(job_id);

-- name: ForgottenCalls :many
-- The calls without an outcome that began before a time, and that no work asks about any more: their orders have ended.
SELECT c.id FROM calls AS c JOIN jobs AS j ON j.id = c.job_id JOIN orders AS o ON o.id = j.order_id
WHERE c.began_at < ? AND c.state IN ('calling', 'submitted') AND c.cancel_wanted_at IS NULL
  AND j.state NOT IN ('ready', 'leased', 'held') AND o.state IN ('completed', 'cancelled') LIMIT 100;

-- name: GiveUpForgottenCall :exec
UPDATE calls SET state = 'unknown', closed_at = sqlc.arg(closed_at), note = 'its order has ended'
WHERE calls.id = sqlc.arg(id) AND state IN ('calling', 'submitted') AND cancel_wanted_at IS NULL
  AND job_id IN (SELECT j.id FROM jobs AS j JOIN orders AS o ON o.id = j.order_id WHERE j.id = calls.job_id
      AND j.state NOT IN ('ready', 'leased', 'held') AND o.state IN ('completed', 'cancelled'));

-- name: SpentOnOrder :one
-- From the books, which have also what was removed.
SELECT CAST(coalesce(sum(cost_usd_micros), 0) AS INTEGER) FROM books WHERE order_id = ?;

-- name: SpentSince :one
SELECT CAST(coalesce(sum(c.cost_usd_micros), 0) AS INTEGER) FROM calls AS c WHERE c.began_at >= ?;

-- name: SpentInAttempt :one
-- An attempt that was interrupted or had to wait has a row for each start. The sum counts the rows after the
-- job's last counted attempt and after the owner's last retry, which starts a new attempt.
SELECT CAST(coalesce(sum(a.cost_usd_micros), 0) AS INTEGER) FROM attempts AS a
WHERE a.job_id = sqlc.arg(job_id)
  AND a.id > coalesce((SELECT max(c.id) FROM attempts AS c
    WHERE c.job_id = sqlc.arg(job_id) AND c.outcome IN ('done', 'retry', 'fail', 'hold')), 0)
  AND a.id > coalesce((SELECT j.cap_after_attempt FROM jobs AS j WHERE j.id = sqlc.arg(job_id)), 0);

-- name: OrderCalls :many
SELECT c.*, j.kind, j.round, a.attempt FROM calls AS c
JOIN jobs AS j ON j.id = c.job_id JOIN attempts AS a ON a.id = c.attempt_id
WHERE j.order_id = ? ORDER BY c.id;

-- name: SameFile :many
-- Files with the same content: in other orders, and in other pieces of the same subscription. The rounds of a
-- delivery are compared elsewhere.
SELECT order_id FROM artifacts
WHERE sha256 = sqlc.arg(sha256) AND kind IN ('delivery', 'piece')
  AND (order_id <> sqlc.arg(order_id) OR kind = 'piece' AND kind = sqlc.arg(kind) AND round <> sqlc.arg(round)) LIMIT 1;
