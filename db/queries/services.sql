-- name: ListServices :many
SELECT * FROM services ORDER BY title;

-- name: PutService :exec
INSERT INTO services (title, remote_id, state, reason, differs, changed_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (title) DO UPDATE SET remote_id = excluded.remote_id, state = excluded.state,
    reason = excluded.reason, differs = excluded.differs, changed_at = excluded.changed_at;

-- name: OrdersByService :many
-- How many orders of some services were placed since a time. titles is a JSON array.
SELECT o.service, CAST(count(*) AS INTEGER) AS orders FROM json_each(sqlc.arg(titles)) AS t CROSS JOIN orders AS o
WHERE o.service = t.value AND o.created_at >= sqlc.arg(since) GROUP BY o.service;
