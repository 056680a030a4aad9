-- name: SearchTexts :many
-- The next texts below an id that contain what the phrase asks for, highest ids first. chosen reports whether the order
-- is one to list; state is that of PageOfOpen, or 'all'.
SELECT d.id, d.order_id,
       CAST((CAST(sqlc.arg(state) AS TEXT) = 'all' OR o.state = sqlc.arg(state)
             OR sqlc.arg(state) = '' AND o.state NOT IN ('completed', 'cancelled'))
            AND (CAST(sqlc.arg(client) AS TEXT) = '' OR o.client = sqlc.arg(client)) AS BOOLEAN) AS chosen
FROM (SELECT f.rowid AS id FROM search_texts AS f WHERE f.text MATCH sqlc.arg(phrase) AND f.rowid < sqlc.arg(below)
      ORDER BY f.rowid DESC LIMIT sqlc.arg(most)) AS t
JOIN search_docs AS d ON d.id = t.id JOIN orders AS o ON o.id = d.order_id
ORDER BY t.id DESC;

-- name: SearchPlace :many
-- The lowest id of the texts of an order.
SELECT id FROM search_docs WHERE order_id = ? AND message_id = '';
