-- Files in the owner's own storage.

-- name: ObjectKey :many
SELECT key FROM objects
WHERE order_id = sqlc.arg(order_id) AND kind = sqlc.arg(kind) AND round = sqlc.arg(round) AND take = sqlc.arg(take)
  AND position = sqlc.arg(position) AND sha256 = sqlc.arg(sha256) AND place = sqlc.arg(place) AND removed_at IS NULL;

-- name: InsertObject :exec
INSERT INTO objects (key, place, order_id, kind, round, take, position, sha256, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: OldObjects :many
-- What lies in a place and is to be removed: of orders that have ended by a time, at the marketplace as well, so that
-- nobody can send them back or dispute them; or what an earlier process has marked.
SELECT b.key FROM objects AS b
WHERE b.place = sqlc.arg(place) AND b.created_at <= sqlc.arg(before_at)
  AND (b.removed_at IS NOT NULL OR EXISTS (
       SELECT 1 FROM ended AS e JOIN orders AS o ON o.id = e.id
        WHERE e.id = b.order_id AND e.ended_at <= sqlc.arg(before_at) AND o.remote_status IN ('completed', 'cancelled')))
ORDER BY b.created_at LIMIT sqlc.arg(most);

-- name: MarkObject :execrows
-- Looks again, so that the file of an order that goes on meanwhile stays.
UPDATE objects SET removed_at = sqlc.arg(now)
WHERE key = sqlc.arg(key) AND (removed_at IS NOT NULL OR EXISTS (
      SELECT 1 FROM ended AS e JOIN orders AS o ON o.id = e.id
       WHERE e.id = objects.order_id AND e.ended_at <= sqlc.arg(before_at) AND o.remote_status IN ('completed', 'cancelled')));

-- name: ForgetAddress :exec
-- The address of a file that is removed leads nowhere, and is not delivered again.
UPDATE artifacts SET url = '' WHERE id IN (
    SELECT a.id FROM objects AS b JOIN artifacts AS a ON a.order_id = b.order_id AND a.kind = b.kind AND a.round = b.round
       AND a.take = b.take AND a.position = b.position AND a.sha256 = b.sha256
     WHERE b.key = sqlc.arg(key) AND instr(a.url, b.key) > 0);

-- name: DeleteObject :exec
DELETE FROM objects WHERE key = ? AND removed_at IS NOT NULL;
