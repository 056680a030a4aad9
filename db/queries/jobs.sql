-- name: Lease :many
-- Leases the most urgent ready job of a lane. The states are literals because SQLite does not use a partial index
-- for a bound value.
UPDATE jobs SET state = 'leased', attempt = attempt + 1, lease_token = sqlc.arg(token),
    lease_until = sqlc.arg(lease_until), changed_at = sqlc.arg(changed_at)
WHERE id = (
    SELECT r.id FROM jobs AS r
    WHERE r.state = 'ready' AND r.lane = sqlc.arg(lane) AND r.run_at <= sqlc.arg(run_at)
      AND (r.not_before IS NULL OR r.not_before <= sqlc.arg(run_at))
    ORDER BY r.priority, r.due_at, r.id LIMIT 1)
RETURNING id, order_id, kind, round, stage, attempt, due_at, created_at, cap_after_attempt, redone;

-- name: HoldDamagedJob :exec
-- A time of the row cannot be read. Such times become now, so that the owner's retry can lease the job.
UPDATE jobs SET state = 'held', attempt = CASE WHEN state = 'leased' THEN max(attempt - 1, 0) ELSE attempt END,
    lease_token = '', lease_until = NULL, code = 'row_damaged', reason = sqlc.arg(reason), hint = sqlc.arg(hint),
    due_at = CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', due_at) = due_at THEN due_at ELSE sqlc.arg(now) END,
    created_at = CASE WHEN strftime('%Y-%m-%dT%H:%M:%fZ', created_at) = created_at THEN created_at ELSE sqlc.arg(now) END,
    run_at = sqlc.arg(now), not_before = NULL, changed_at = sqlc.arg(now)
WHERE id = sqlc.arg(id);

-- name: NextRunAt :many
SELECT id, order_id, kind, round, run_at, not_before FROM jobs WHERE state = 'ready' AND lane = ?
ORDER BY max(run_at, coalesce(not_before, run_at)) LIMIT 1;

-- name: Renew :execrows
UPDATE jobs SET lease_until = ? WHERE id = ? AND lease_token = ?;

-- name: Advance :execrows
-- The stage is done and the next one follows.
UPDATE jobs SET state = 'ready', stage = sqlc.arg(stage), lane = sqlc.arg(lane), priority = sqlc.arg(priority),
    attempt = 0, crashes = 0, run_at = sqlc.arg(run_at), lease_token = '', lease_until = NULL,
    code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id) AND lease_token = sqlc.arg(token);

-- name: Complete :execrows
UPDATE jobs SET state = 'done', lease_token = '', lease_until = NULL, code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE id = sqlc.arg(id) AND lease_token = sqlc.arg(token);

-- name: Reschedule :execrows
-- Tries again at run_at. uncounted is 1 when the attempt does not count. The job is stuck once it has failed with the
-- same code since stuck_before_at; NULL is for codes that are expected to last.
UPDATE jobs SET state = 'ready', attempt = attempt - sqlc.arg(uncounted), run_at = sqlc.arg(run_at),
    lease_token = '', lease_until = NULL, reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at),
    stuck_at = CASE WHEN code = sqlc.arg(code) AND failing_at <= sqlc.arg(stuck_before_at)
        THEN coalesce(stuck_at, sqlc.arg(changed_at)) END,
    failing_at = CASE WHEN code = sqlc.arg(code) THEN coalesce(failing_at, sqlc.arg(changed_at)) ELSE sqlc.arg(changed_at) END,
    code = sqlc.arg(code)
WHERE id = sqlc.arg(id) AND lease_token = sqlc.arg(token);

-- name: Hold :execrows
UPDATE jobs SET state = 'held', lease_token = '', lease_until = NULL, code = sqlc.arg(code),
    reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id) AND lease_token = sqlc.arg(token);

-- name: Fail :execrows
UPDATE jobs SET state = 'failed', lease_token = '', lease_until = NULL, code = sqlc.arg(code),
    reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at),
    finished_at = sqlc.arg(finished_at)
WHERE id = sqlc.arg(id) AND lease_token = sqlc.arg(token);

-- name: LeaseStands :one
-- Reports whether the lease is still valid. Asked before a write to any table but jobs.
SELECT EXISTS (SELECT 1 FROM jobs AS j WHERE j.id = ? AND j.lease_token = ?);

-- name: LeasedJobs :many
SELECT id, order_id, kind, round, stage, attempt, crashes FROM jobs WHERE state = 'leased';

-- name: RescueJob :exec
-- A job that a crash interrupted is ready again. The attempt does not count, the crash does.
UPDATE jobs SET state = 'ready', attempt = max(attempt - 1, 0), crashes = crashes + 1,
    lease_token = '', lease_until = NULL, changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id);

-- name: HoldCrashedJob :exec
UPDATE jobs SET state = 'held', attempt = max(attempt - 1, 0), crashes = crashes + 1, lease_token = '',
    lease_until = NULL, code = 'crashes', reason = sqlc.arg(reason), hint = sqlc.arg(hint),
    changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id);

-- name: CloseJobs :execrows
-- The order has ended, so its remaining work is cancelled. Messages stay: the send decides whether the
-- marketplace still takes one. What waits for the owner keeps its code, so that it is not sent unasked if the order is
-- opened again.
UPDATE jobs SET state = 'cancelled', lease_token = '', lease_until = NULL,
    code = CASE WHEN state = 'held' AND code IN ('review', 'dry_run') THEN code ELSE sqlc.arg(code) END,
    reason = sqlc.arg(reason), changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind <> 'message' AND state IN ('ready', 'leased', 'held');

-- name: HoldJobs :execrows
UPDATE jobs SET state = 'held', lease_token = '', lease_until = NULL,
    attempt = CASE WHEN state = 'leased' THEN max(attempt - 1, 0) ELSE attempt END,
    code = sqlc.arg(code), reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind IN ('delivery', 'piece') AND state IN ('ready', 'leased');

-- name: HoldVanished :execrows
-- The marketplace no longer lists the order, so nothing is made or quoted for it. A message is sent or refused by itself.
UPDATE jobs SET state = 'held', lease_token = '', lease_until = NULL,
    attempt = CASE WHEN state = 'leased' THEN max(attempt - 1, 0) ELSE attempt END,
    code = 'vanished', reason = sqlc.arg(reason), hint = sqlc.arg(hint), changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind IN ('piece', 'quote') AND state IN ('ready', 'leased');

-- name: ReleaseVanished :execrows
-- The marketplace lists the order again.
UPDATE jobs SET state = 'ready', run_at = sqlc.arg(run_at), code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind IN ('piece', 'quote') AND state = 'held' AND code = 'vanished';

-- name: CloseWorkOfEnded :execrows
-- Closes work that was left or opened after its order had ended. The states are apart, so that each uses its partial index.
-- The code is that of CloseJobs.
UPDATE jobs SET state = 'cancelled', lease_token = '', lease_until = NULL,
    code = CASE WHEN state = 'held' AND code IN ('review', 'dry_run') THEN code
        ELSE (SELECT e.state FROM orders AS e WHERE e.id = jobs.order_id) END, reason = 'the order has ended',
    changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE id IN (
    SELECT r.id FROM jobs AS r JOIN orders AS o ON o.id = r.order_id
     WHERE r.state = 'ready' AND r.lane IN ('generate', 'network') AND r.kind <> 'message' AND o.state IN ('completed', 'cancelled')
    UNION ALL
    SELECT h.id FROM jobs AS h JOIN orders AS o ON o.id = h.order_id
     WHERE h.state IN ('held', 'failed') AND h.state = 'held' AND h.kind <> 'message' AND o.state IN ('completed', 'cancelled'));

-- name: ReleaseJobs :execrows
-- Held, failed and cancelled work of a round may run again, with fresh attempts. every_kind = 1 includes the jobs
-- that are no deliveries. What waits for the owner's approval, as a draft does, is only released by that. by_owner = 1
-- starts the cap on an attempt from zero as well, and sends what a dry run has made.
UPDATE jobs SET state = 'ready', attempt = 0, crashes = 0,
    cap_after_attempt = CASE WHEN CAST(sqlc.arg(by_owner) AS INTEGER) = 1
        THEN coalesce((SELECT max(a.id) FROM attempts AS a WHERE a.job_id = jobs.id), 0) ELSE cap_after_attempt END,
    run_at = sqlc.arg(run_at), code = '', reason = '',
    hint = '', changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE order_id = sqlc.arg(order_id) AND state IN ('held', 'failed', 'cancelled')
  AND code <> 'review' AND NOT (code = 'dry_run' AND CAST(sqlc.arg(by_owner) AS INTEGER) = 0)
  AND NOT (kind = 'message' AND state = 'held' AND code = 'draft')
  AND ((kind = 'delivery' AND round = sqlc.arg(round)) OR (kind <> 'delivery' AND CAST(sqlc.arg(every_kind) AS INTEGER) = 1));

-- name: RedoJobs :many
-- The owner wants files made again from the start: those of one piece or, with piece = 0, those of the round and
-- of every broken piece. The delivery of an order with pieces makes no files of its own.
UPDATE jobs SET state = 'ready', stage = 'generate', lane = 'generate', priority = 0, attempt = 0, crashes = 0,
    cap_after_attempt = coalesce((SELECT max(a.id) FROM attempts AS a WHERE a.job_id = jobs.id), 0),
    redone = 1, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE jobs.order_id = sqlc.arg(order_id) AND jobs.state IN ('held', 'failed', 'cancelled')
  AND (jobs.kind = 'piece' AND (jobs.round = sqlc.arg(piece)
           OR CAST(sqlc.arg(piece) AS INTEGER) = 0 AND jobs.state <> 'cancelled' AND jobs.code NOT IN ('review', 'refused'))
       OR jobs.kind = 'delivery' AND jobs.round = sqlc.arg(round) AND CAST(sqlc.arg(piece) AS INTEGER) = 0
           AND NOT EXISTS (SELECT 1 FROM pieces AS p WHERE p.order_id = sqlc.arg(order_id)))
RETURNING id, kind, round;

-- name: HasWork :one
-- Reports whether a job is due or leased.
SELECT CAST(
    EXISTS (SELECT 1 FROM jobs AS r WHERE r.state = 'ready' AND r.lane IN ('generate', 'network') AND r.run_at <= sqlc.arg(run_at)
            AND (r.not_before IS NULL OR r.not_before <= sqlc.arg(run_at)))
    OR EXISTS (SELECT 1 FROM jobs AS l WHERE l.state = 'leased') AS INTEGER);

-- name: UnfinishedJobs :one
-- Counts the work that still needs requests: the jobs to deliver, and all unfinished jobs. Two arms, because
-- state IN ('ready', 'leased') would use neither partial index.
SELECT CAST(coalesce(sum(u.stage = 'deliver'), 0) AS INTEGER) AS delivering, CAST(count(*) AS INTEGER) AS total
FROM (SELECT r.stage FROM jobs AS r WHERE r.state = 'ready' AND r.lane IN ('generate', 'network')
      UNION ALL
      SELECT l.stage FROM jobs AS l WHERE l.state = 'leased') AS u;

-- name: DueDeliveries :one
-- Counts the deliveries that could be sent now if a request were left.
SELECT CAST(count(*) AS INTEGER) AS due
FROM (SELECT r.id FROM jobs AS r WHERE r.state = 'ready' AND r.lane IN ('generate', 'network') AND r.stage = 'deliver'
        AND (r.not_before IS NULL OR r.not_before <= sqlc.arg(now_at) OR r.code IN ('budget', 'rate_limited'))
      UNION ALL
      SELECT l.id FROM jobs AS l WHERE l.state = 'leased' AND l.stage = 'deliver') AS u;

-- name: FirstLater :many
-- When the job's generator first could not work, since its stage began, was done, or was settled by the owner.
SELECT a.started_at FROM attempts AS a
WHERE a.job_id = sqlc.arg(job_id) AND a.stage = sqlc.arg(stage) AND a.code IN ('try_later', 'job_lost')
  AND a.id > coalesce((SELECT max(c.id) FROM attempts AS c
    WHERE c.job_id = sqlc.arg(job_id) AND c.outcome IN ('done', 'fail', 'hold')), 0)
  AND a.id > coalesce((SELECT j.cap_after_attempt FROM jobs AS j WHERE j.id = sqlc.arg(job_id)), 0)
ORDER BY a.id LIMIT 1;

-- name: InsertAttempt :execlastid
INSERT INTO attempts (job_id, stage, attempt, started_at) VALUES (?, ?, ?, ?);

-- name: FinishAttempt :exec
UPDATE attempts SET finished_at = sqlc.arg(finished_at), outcome = sqlc.arg(outcome), code = sqlc.arg(code),
    error = sqlc.arg(error), log = sqlc.arg(log), cost_usd_micros = cost_usd_micros + CAST(sqlc.arg(cost) AS INTEGER)
WHERE id = sqlc.arg(id);

-- name: RepeatWait :execrows
-- Counts an attempt that has only waited as one more look of the earlier one that waited for the same. None has come
-- in between that ended otherwise or cost something, and the owner has not retried since.
UPDATE attempts SET looks = looks + 1, finished_at = sqlc.arg(finished_at), error = sqlc.arg(error), log = sqlc.arg(log)
WHERE attempts.id = (
    SELECT max(p.id) FROM attempts AS a JOIN attempts AS p ON p.job_id = a.job_id
    WHERE a.id = sqlc.arg(id) AND a.cost_usd_micros = 0 AND NOT EXISTS (SELECT 1 FROM calls AS c WHERE c.attempt_id = a.id)
      AND p.id < a.id AND p.stage = a.stage AND p.attempt = a.attempt AND p.outcome = a.outcome AND p.code = a.code
      AND p.id > coalesce((SELECT max(o.id) FROM attempts AS o
        WHERE o.job_id = a.job_id AND o.id < a.id AND (o.outcome NOT IN ('wait', 'retry') OR o.cost_usd_micros > 0)), 0)
      AND p.id > (SELECT j.cap_after_attempt FROM jobs AS j WHERE j.id = a.job_id));

-- name: DropAttempt :exec
-- The attempt is counted in the row of an earlier one.
DELETE FROM attempts WHERE id = ?;

-- name: CrashAttempts :exec
UPDATE attempts SET finished_at = sqlc.arg(finished_at), outcome = sqlc.arg(outcome), code = sqlc.arg(code)
WHERE job_id = sqlc.arg(job_id) AND finished_at IS NULL;

-- name: RunNow :execrows
-- At most 1000 jobs: SQLite keeps what a statement changes in memory until its end.
UPDATE jobs SET run_at = sqlc.arg(run_at) WHERE id IN (
    SELECT j.id FROM jobs AS j
    WHERE j.state = 'ready' AND j.lane IN ('generate', 'network') AND j.code = sqlc.arg(code) AND j.run_at > sqlc.arg(run_at) LIMIT 1000);

-- name: LeaseTokens :one
SELECT CAST(coalesce(group_concat(lease_token, ' '), '') AS TEXT) FROM jobs WHERE state = 'leased';

-- name: WaitHasEnded :one
-- Whether the wait ended while the lease was held.
SELECT EXISTS (SELECT 1 FROM facts WHERE name = sqlc.arg(fact) AND instr(value, CAST(sqlc.arg(token) AS TEXT)) > 0);

-- name: OwnerCancel :execrows
-- The owner cancels the order: its work ends in whatever state it is. What waits for the owner keeps its code, so that it
-- is not sent unasked if the owner takes the cancellation back, or the client acts.
UPDATE jobs SET state = 'cancelled', lease_token = '', lease_until = NULL,
    code = CASE WHEN state = 'held' AND code IN ('review', 'dry_run') THEN code ELSE 'owner' END, reason = sqlc.arg(reason),
    hint = '', changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind <> 'message' AND state IN ('ready', 'leased', 'held', 'failed');

-- name: FinishJobs :exec
-- The marketplace shows that the work of a round is done.
UPDATE jobs SET state = 'done', code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at),
    finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND round = sqlc.arg(round)
  AND state IN ('held', 'failed', 'cancelled');

-- name: HoldNext :exec
UPDATE jobs SET state = 'held', code = sqlc.arg(code), reason = sqlc.arg(reason), hint = sqlc.arg(hint)
WHERE id = sqlc.arg(id) AND state = 'ready';

-- name: EndJob :exec
-- The marketplace shows that one job is done. A lease on it ends.
UPDATE jobs SET state = 'done', lease_token = '', lease_until = NULL, code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at), finished_at = sqlc.arg(finished_at)
WHERE order_id = sqlc.arg(order_id) AND kind = sqlc.arg(kind) AND round = sqlc.arg(round)
  AND state IN ('ready', 'leased', 'held', 'failed');

-- name: ReadyQuote :execrows
-- The owner set a price: the quote may be sent, or sent again.
UPDATE jobs SET state = 'ready', stage = 'quote', lane = 'network', priority = sqlc.arg(priority), attempt = 0, crashes = 0,
    run_at = sqlc.arg(run_at), lease_token = '', lease_until = NULL, code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE order_id = sqlc.arg(order_id) AND kind = 'quote';

-- name: ReleaseQuote :execrows
-- The price of an order is looked for again, or for the first time after a setting allows it.
UPDATE jobs SET state = 'ready', stage = 'price', lane = 'generate', priority = sqlc.arg(priority), attempt = 0, crashes = 0,
    run_at = sqlc.arg(run_at), code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE order_id = sqlc.arg(order_id) AND kind = 'quote' AND state IN ('held', 'failed', 'cancelled');

-- name: ReleasePieces :exec
-- What held the pieces of an order together with it is over.
UPDATE jobs SET state = 'ready', attempt = 0, crashes = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'piece' AND state = 'held' AND code = sqlc.arg(code)
  AND code NOT IN ('review', 'dry_run');

-- name: RunDeliveryNow :exec
UPDATE jobs SET run_at = sqlc.arg(run_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND state = 'ready';

-- name: RunMessagesNow :exec
-- The order's status changed, perhaps to one that takes messages.
UPDATE jobs SET run_at = sqlc.arg(run_at)
WHERE order_id = sqlc.arg(order_id) AND kind = 'message' AND state = 'ready' AND code = 'not_now';

-- name: DeliverAgain :execrows
-- The job of a delivered round runs once more, from the given stage.
UPDATE jobs SET state = 'ready', stage = sqlc.arg(stage), lane = sqlc.arg(lane), priority = sqlc.arg(priority), attempt = 0,
    crashes = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at), finished_at = NULL
WHERE order_id = sqlc.arg(order_id) AND kind = 'delivery' AND round = sqlc.arg(round)
  AND state IN ('held', 'failed', 'cancelled', 'done');
