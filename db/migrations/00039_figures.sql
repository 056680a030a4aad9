-- +goose Up

-- What the marketplace shows of a listed service otherwise than the configuration, field by field, as JSON.
ALTER TABLE services ADD COLUMN differs TEXT NOT NULL DEFAULT '';

-- The newest calls of one generator, and the orders of each service since a time.
CREATE INDEX calls_generator ON calls (generator, id);
CREATE INDEX orders_placed ON orders (created_at, service);
