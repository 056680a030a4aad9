-- name: PutUser :exec
INSERT INTO users (name, role, password, added_at) VALUES (@name, @role, @password, @added_at)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password;

-- name: GetUser :many
SELECT * FROM users WHERE name = @name;

-- name: ListUsers :many
SELECT name, role, password, added_at FROM users ORDER BY name;

-- name: DeleteUser :execrows
DELETE FROM users WHERE name = @name;

-- name: AddLink :exec
INSERT INTO links (hash, name, role, expires_at) VALUES (@hash, @name, @role, @expires_at);

-- name: TakeLink :many
DELETE FROM links WHERE hash = @hash AND expires_at > @now RETURNING name, role;

-- name: LinkWaits :one
SELECT EXISTS (SELECT 1 FROM links WHERE hash = @hash AND expires_at > @now);

-- name: AddSession :exec
INSERT INTO sessions (hash, name, role, began_at, used_at, expires_at)
VALUES (@hash, @name, @role, @now, @now, @expires_at);

-- name: GetSession :many
SELECT name, role, used_at FROM sessions WHERE hash = @hash AND expires_at > @now AND used_at > @idle;

-- name: UseSession :exec
UPDATE sessions SET used_at = @now WHERE hash = @hash;

-- name: DeleteSession :exec
DELETE FROM sessions WHERE hash = @hash;

-- name: DeleteSessionsOf :execrows
DELETE FROM sessions WHERE name = @name;

-- name: DeleteLinksOf :execrows
DELETE FROM links WHERE name = @name;

-- name: DeleteExpiredLinks :exec
DELETE FROM links WHERE expires_at <= @now;

-- name: DeleteExpiredSessions :exec
DELETE FROM sessions WHERE expires_at <= @now OR used_at <= @idle;

-- name: AddToken :execrows
INSERT INTO tokens (name, hash, allow, added_at, used_at) VALUES (@name, @hash, @allow, @now, @now)
ON CONFLICT (name) DO NOTHING;

-- name: GetToken :many
SELECT name, allow, used_at FROM tokens WHERE hash = @hash;

-- name: UseToken :exec
UPDATE tokens SET used_at = @now WHERE hash = @hash;

-- name: ListTokens :many
SELECT name, allow, added_at, used_at FROM tokens ORDER BY name;

-- name: DeleteToken :execrows
DELETE FROM tokens WHERE name = @name;

-- name: ForgetSessions :exec
DELETE FROM sessions;

-- name: ForgetLinks :exec
DELETE FROM links;
