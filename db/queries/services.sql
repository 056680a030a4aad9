-- name: ListServices :many
SELECT * FROM services ORDER BY title;

-- name: PutService :exec
INSERT INTO services (title, remote_id, state, reason, differs, changed_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (title) DO UPDATE SET remote_id = excluded.remote_id, state = excluded.state,
    reason = excluded.reason, differs = excluded.differs, changed_at = excluded.changed_at;

-- name: OrdersByService :many
SELECT service, CAST(count(*) AS INTEGER) AS orders FROM orders WHERE created_at >= ? GROUP BY service;
