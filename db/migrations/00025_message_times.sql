-- +goose Up

-- The newest message of a thread, which is looked for each minute, without reading the others.
CREATE INDEX messages_at ON messages (order_id, at);
