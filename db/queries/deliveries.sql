-- name: GetDelivery :many
SELECT order_id, round, state, urls, tries, sent_at FROM deliveries WHERE order_id = ? AND round = ?;

-- name: IntendDelivery :exec
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, epoch) VALUES (?, ?, 'sending', ?, 1, ?, (SELECT l.epoch FROM ledger AS l WHERE l.one = 1))
ON CONFLICT (order_id, round) DO UPDATE SET state = 'sending', urls = excluded.urls,
    tries = deliveries.tries + 1, sent_at = excluded.sent_at, settled_at = NULL, note = '', epoch = excluded.epoch;

-- name: EndDelivery :exec
UPDATE deliveries SET state = ?, settled_at = ?, note = ? WHERE order_id = ? AND round = ?;

-- name: PutFound :exec
-- A delivery that the marketplace shows and that was not recorded, as after a restore.
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at)
VALUES (sqlc.arg(order_id), sqlc.arg(round), 'sending',
        (SELECT json_group_array(f.url) FROM (SELECT a.url FROM artifacts AS a
          WHERE a.order_id = sqlc.arg(order_id) AND a.kind = 'delivery' AND a.round = sqlc.arg(round) AND a.url <> ''
            AND a.take = (SELECT max(n.take) FROM artifacts AS n WHERE n.order_id = a.order_id AND n.kind = a.kind AND n.round = a.round)
          ORDER BY a.position) AS f), 0, sqlc.arg(sent_at))
ON CONFLICT (order_id, round) DO NOTHING;

-- name: InsertArtifact :exec
INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, url, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: DeleteArtifacts :exec
DELETE FROM artifacts WHERE order_id = ? AND kind = ? AND round = ? AND take = ?;

-- name: ListArtifacts :many
-- The files of the last take that has any.
SELECT * FROM artifacts AS a WHERE a.order_id = ? AND a.kind = ? AND a.round = ?
  AND a.take = (SELECT max(n.take) FROM artifacts AS n WHERE n.order_id = a.order_id AND n.kind = a.kind AND n.round = a.round)
ORDER BY a.position;

-- name: ListTakes :many
-- The takes of a round or a piece that were opened, by the owner or by the assistant's check.
SELECT * FROM takes WHERE order_id = ? AND kind = ? AND round = ? ORDER BY take;

-- name: TakenFiles :many
-- The files of all takes of a round or a piece.
SELECT * FROM artifacts WHERE order_id = ? AND kind = ? AND round = ? ORDER BY take, position;

-- name: CurrentTake :one
SELECT CAST(coalesce(max(t.take), 1) AS INTEGER) FROM takes AS t WHERE t.order_id = ? AND t.kind = ? AND t.round = ?;

-- name: InsertTake :exec
INSERT INTO takes (order_id, kind, round, take, instructions, from_these, by_check, same_as, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: SetArtifactURL :exec
UPDATE artifacts SET url = ?, media = ?, uploaded_at = ? WHERE id = ?;

-- name: PutElsewhere :exec
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, settled_at, note)
VALUES (?, ?, 'elsewhere', '[]', 0, ?, ?, ?)
ON CONFLICT (order_id, round) DO UPDATE SET state = 'elsewhere', settled_at = excluded.settled_at, note = excluded.note;

-- name: SetOrderDelivered :exec
UPDATE orders SET delivered_at = ? WHERE id = ?;

-- name: OpenRedelivery :many
SELECT order_id, round, n, reason, state, tries, sent_at FROM redeliveries
WHERE order_id = ? AND round = ? AND state IN ('wanted', 'sending', 'refused') ORDER BY n DESC LIMIT 1;

-- name: InsertRedelivery :exec
INSERT INTO redeliveries (order_id, round, n, reason, state, created_at)
VALUES (sqlc.arg(order_id), sqlc.arg(round),
        (SELECT coalesce(max(r.n), 0) + 1 FROM redeliveries AS r WHERE r.order_id = sqlc.arg(order_id) AND r.round = sqlc.arg(round)),
        sqlc.arg(reason), 'wanted', sqlc.arg(created_at));

-- name: IntendRedelivery :exec
UPDATE redeliveries SET state = 'sending', urls = sqlc.arg(urls), tries = tries + 1, sent_at = sqlc.arg(sent_at),
    settled_at = NULL, note = '', epoch = (SELECT l.epoch FROM ledger AS l WHERE l.one = 1)
WHERE order_id = sqlc.arg(order_id) AND round = sqlc.arg(round) AND n = sqlc.arg(n);

-- name: EndRedelivery :exec
UPDATE redeliveries SET state = sqlc.arg(state), settled_at = sqlc.arg(settled_at), note = sqlc.arg(note)
WHERE order_id = sqlc.arg(order_id) AND round = sqlc.arg(round) AND state IN ('wanted', 'sending', 'refused');

-- name: OrderRedeliveries :many
SELECT * FROM redeliveries WHERE order_id = ? ORDER BY round, n;
