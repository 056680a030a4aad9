-- name: HeldFor :many
-- The work that is held for one of the codes. codes is a JSON array. What the marketplace does not list stays held.
-- The first condition is that of the partial index.
SELECT j.id, j.order_id, j.kind, j.round, j.stage, j.code, o.service FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state IN ('held', 'failed') AND j.state = 'held' AND o.missing_at IS NULL AND j.code IN (SELECT value FROM json_each(sqlc.arg(codes)))
ORDER BY j.id;

-- name: ReadyToSend :many
-- The work whose files or price are there, and that nothing was sent of. A price that the owner has named is no
-- such work, and neither is the delivery of a window, whose pieces were sent one by one.
SELECT j.id, j.order_id, j.kind, j.round, j.stage, j.code, o.service FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
WHERE j.state = 'ready' AND j.lane = 'network'
  AND (j.stage = 'quote' AND EXISTS (SELECT 1 FROM quotes AS q
               WHERE q.order_id = j.order_id AND q.state IN ('priced', 'refused') AND q.source <> 'owner')
       OR j.stage IN ('upload', 'deliver')
           AND EXISTS (SELECT 1 FROM artifacts AS a WHERE a.order_id = j.order_id AND a.kind = j.kind AND a.round = j.round)
           AND (j.kind <> 'delivery' OR NOT EXISTS (SELECT 1 FROM deliveries AS d
               WHERE d.order_id = j.order_id AND d.round = j.round AND d.state <> 'refused')))
ORDER BY j.id;

-- name: ReleaseJob :exec
-- What held a job is over. Its attempts count from zero again, and its calls still count for the caps.
UPDATE jobs SET state = 'ready', attempt = 0, crashes = 0, run_at = sqlc.arg(run_at), code = '', reason = '', hint = '',
    changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id) AND state = 'held';

-- name: ResumeOrder :exec
-- The order was held for the same reason as its job.
UPDATE orders SET state = 'working', code = '', reason = '', hint = '', changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id) AND state = 'held' AND code = sqlc.arg(code);
