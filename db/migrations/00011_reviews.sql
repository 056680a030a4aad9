-- +goose Up

-- The translation of the brief, the brief taken apart, and what the client says of
-- the work. The review is read up to three times after the order has completed:
-- review_due_at is the next time, review_reads how often it was read.
ALTER TABLE orders ADD COLUMN brief_english TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN brief_spec TEXT CHECK (brief_spec IS NULL OR json_valid(brief_spec));
ALTER TABLE orders ADD COLUMN rating INTEGER;
ALTER TABLE orders ADD COLUMN review TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN review_reads INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN review_due_at TEXT;
CREATE INDEX orders_review ON orders (review_due_at) WHERE review_due_at IS NOT NULL;

UPDATE orders SET review_due_at = completed_at WHERE state = 'completed' AND completed_at IS NOT NULL;

-- An order that does not change at the marketplace is not written again, so the
-- open ones take both from the row as it came.
UPDATE orders SET
    brief_english = CASE json_type(raw, '$.brief_english') WHEN 'text' THEN raw ->> '$.brief_english' ELSE '' END,
    brief_spec = CASE
        WHEN json_type(raw, '$.brief_spec') IN ('object', 'array') THEN raw -> '$.brief_spec'
        WHEN json_type(raw, '$.brief_spec') = 'text' AND json_valid(raw ->> '$.brief_spec')
         AND json_type(raw ->> '$.brief_spec') IN ('object', 'array') THEN raw ->> '$.brief_spec' END
WHERE state NOT IN ('completed', 'cancelled');
