-- name: ListServices :many
SELECT * FROM services ORDER BY title;

-- name: PutService :exec
INSERT INTO services (title, remote_id, state, reason, changed_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (title) DO UPDATE SET remote_id = excluded.remote_id, state = excluded.state,
    reason = excluded.reason, changed_at = excluded.changed_at;
