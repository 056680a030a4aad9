-- name: InsertPrompt :exec
INSERT INTO prompts (order_id, kind, round, take, prompt, requirements, note, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: OrderPrompts :many
SELECT * FROM prompts WHERE order_id = ? ORDER BY kind, round, take;

-- name: RemovePrompts :exec
DELETE FROM prompts WHERE order_id = ?;
