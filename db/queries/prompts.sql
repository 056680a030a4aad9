-- name: InsertPrompt :exec
INSERT INTO prompts (order_id, kind, round, take, prompt, requirements, note, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: OrderPrompts :many
SELECT * FROM prompts WHERE order_id = ? ORDER BY kind, round, take;

-- name: RemovePrompts :exec
-- The row stays: whether the assistant wrote a prompt counts in the accounts.
UPDATE prompts SET prompt = '', requirements = '[]', note = CASE note WHEN '' THEN '' ELSE 'removed' END WHERE order_id = ?;
