-- +goose Up

-- When the thread of an order was last read at the marketplace; NULL for one that was not read since there is this column.
ALTER TABLE orders ADD COLUMN thread_read_at TEXT;
