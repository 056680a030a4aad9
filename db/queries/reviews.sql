-- name: DueReviews :many
-- The longest due first.
SELECT id, review_due_at FROM orders WHERE review_due_at IS NOT NULL ORDER BY review_due_at LIMIT ?;

-- name: ReviewReads :many
SELECT review_reads FROM orders WHERE id = ?;

-- name: PutReview :exec
UPDATE orders SET rating = ?, review = ?, review_reads = review_reads + 1, review_due_at = ? WHERE id = ?;
