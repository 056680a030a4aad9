-- name: GetState :one
SELECT id, counts, learned_at, probed_at, probing_at FROM state WHERE one = 1;

-- name: PutState :exec
UPDATE state SET counts = @counts, learned_at = @learned_at, probed_at = @probed_at, probing_at = @probing_at WHERE one = 1;

-- name: ListWindows :many
SELECT * FROM windows;

-- name: PutWindow :exec
INSERT INTO windows (scope, started_at, ends_at, used, learned_limit, blocked_until_at, anchor)
VALUES (@scope, @started_at, @ends_at, @used, @learned_limit, @blocked_until_at, @anchor)
ON CONFLICT (scope) DO UPDATE SET started_at = excluded.started_at, ends_at = excluded.ends_at, used = excluded.used,
    learned_limit = excluded.learned_limit, blocked_until_at = excluded.blocked_until_at, anchor = excluded.anchor;

-- name: ListAgents :many
SELECT * FROM agents ORDER BY name, ledger LIMIT 1000;

-- name: PutAgent :exec
INSERT INTO agents (ledger, name, socket, console, seen_at, beat_at, polled_at, due, sends, open, needs, stopped)
VALUES (@ledger, @name, @socket, @console, @seen_at, @beat_at, @polled_at, @due, @sends, @open, @needs, @stopped)
ON CONFLICT (ledger) DO UPDATE SET name = excluded.name, socket = excluded.socket, console = excluded.console,
    seen_at = excluded.seen_at, beat_at = excluded.beat_at, polled_at = excluded.polled_at, due = excluded.due,
    sends = excluded.sends, open = excluded.open, needs = excluded.needs, stopped = excluded.stopped;

-- name: ForgetAgents :exec
DELETE FROM agents WHERE seen_at < @before_at;

-- name: ListUsed :many
SELECT ledger, scope, started_at, used FROM used;

-- name: PutUsed :exec
INSERT INTO used (ledger, scope, started_at, used) VALUES (@ledger, @scope, @started_at, @used)
ON CONFLICT (ledger, scope) DO UPDATE SET started_at = excluded.started_at, used = excluded.used;

-- name: ForgetUsed :exec
DELETE FROM used WHERE ledger NOT IN (SELECT ledger FROM agents);
