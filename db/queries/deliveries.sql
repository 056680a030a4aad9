-- name: GetDelivery :many
SELECT order_id, round, state, urls, tries, sent_at FROM deliveries WHERE order_id = ? AND round = ?;

-- name: IntendDelivery :exec
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at) VALUES (?, ?, 'sending', ?, 1, ?)
ON CONFLICT (order_id, round) DO UPDATE SET state = 'sending', urls = excluded.urls,
    tries = deliveries.tries + 1, sent_at = excluded.sent_at, settled_at = NULL, note = '';

-- name: EndDelivery :exec
UPDATE deliveries SET state = ?, settled_at = ?, note = ? WHERE order_id = ? AND round = ?;

-- name: InsertArtifact :exec
INSERT INTO artifacts (order_id, kind, round, position, path, name, bytes, sha256, mime, media, width, height, url, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: DeleteArtifacts :exec
DELETE FROM artifacts WHERE order_id = ? AND kind = ? AND round = ?;

-- name: ListArtifacts :many
SELECT * FROM artifacts WHERE order_id = ? AND kind = ? AND round = ? ORDER BY position;

-- name: SetArtifactURL :exec
UPDATE artifacts SET url = ?, media = ?, uploaded_at = ? WHERE id = ?;

-- name: PutElsewhere :exec
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at, note)
VALUES (?, ?, 'elsewhere', '[]', 0, ?, ?, ?)
ON CONFLICT (order_id, round) DO UPDATE SET state = 'elsewhere', settled_at = excluded.settled_at, note = excluded.note;

-- name: SetOrderDelivered :exec
UPDATE orders SET delivered_at = ? WHERE id = ?;
