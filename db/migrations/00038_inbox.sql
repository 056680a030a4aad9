-- +goose Up

-- What clients wrote, newest first.
CREATE INDEX messages_client ON messages (at, order_id) WHERE party = 'client';
