-- name: ListPauses :many
SELECT * FROM pauses ORDER BY service;

-- name: PutPause :exec
INSERT INTO pauses (service, began_at, until_at, actor, reason, delisted) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (service) DO UPDATE SET until_at = excluded.until_at, actor = excluded.actor, reason = excluded.reason,
    delisted = excluded.delisted;

-- name: DeletePause :exec
DELETE FROM pauses WHERE service = ?;

-- name: DelistService :exec
-- The row is made where the service was never listed by this ledger. What the owner retired stays so.
INSERT INTO services (title, remote_id, state, reason, changed_at) VALUES (?, ?, 'delisted', '', ?)
ON CONFLICT (title) DO UPDATE SET state = 'delisted', reason = '', changed_at = excluded.changed_at WHERE state <> 'retired';

-- name: RelistService :exec
-- The pause that took the service off the marketplace is over, so that the daemon lists it again.
UPDATE services SET state = 'wanted', reason = '', changed_at = ? WHERE title = ? AND state <> 'retired';
