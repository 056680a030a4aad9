-- +goose Up

-- What was earned and spent in a day (UTC), added up, so that the sums of a month read 30 rows and not its orders. A
-- day is added up again once it is asked for after a change, see books_changed.
CREATE TABLE books_daily (
    dimension       TEXT NOT NULL CHECK (dimension IN ('all', 'service', 'client', 'generator')),
    day             TEXT NOT NULL,               -- 2026-11-25: on which the orders completed, or the money was spent
    key             TEXT NOT NULL,               -- the service, the client, the generator; empty for all
    orders          INTEGER NOT NULL,            -- that completed
    gross           INTEGER NOT NULL,            -- of those, in micros, as the rest
    fee             INTEGER NOT NULL,
    paid            INTEGER NOT NULL,            -- known to be paid out
    cost            INTEGER NOT NULL,            -- of those orders, whenever it was spent
    spent           INTEGER NOT NULL,            -- in the day, whatever became of the orders
    rated           INTEGER NOT NULL,
    stars           INTEGER NOT NULL,
    PRIMARY KEY (dimension, day, key)
) STRICT, WITHOUT ROWID;

-- The days of which something has changed since they were added up.
CREATE TABLE books_changed (
    day TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER books_daily_order AFTER INSERT ON orders WHEN NEW.completed_at IS NOT NULL
BEGIN
    INSERT INTO books_changed (day) VALUES (substr(NEW.completed_at, 1, 10)) ON CONFLICT (day) DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_daily_order_changed AFTER UPDATE OF state, completed_at, service, client, client_type, price_usd_micros, fee_usd_micros,
    payout_usd_micros, payout_tx, rating ON orders
WHEN NEW.completed_at IS NOT NULL OR OLD.completed_at IS NOT NULL
BEGIN
    INSERT INTO books_changed (day)
    SELECT substr(d.at, 1, 10) FROM (SELECT NEW.completed_at AS at UNION ALL SELECT OLD.completed_at) AS d WHERE d.at IS NOT NULL
    ON CONFLICT (day) DO NOTHING;
END;
-- +goose StatementEnd

-- What was spent on an order counts for its service and its client.
-- +goose StatementBegin
CREATE TRIGGER books_daily_order_assigned AFTER UPDATE OF service, client ON orders WHEN NEW.service <> OLD.service OR NEW.client <> OLD.client
BEGIN
    INSERT INTO books_changed (day) SELECT b.day FROM books AS b WHERE b.order_id = NEW.id
    ON CONFLICT (day) DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_daily_spent AFTER INSERT ON books
BEGIN
    INSERT INTO books_changed (day) VALUES (NEW.day) ON CONFLICT (day) DO NOTHING;
    INSERT INTO books_changed (day)
    SELECT substr(o.completed_at, 1, 10) FROM orders AS o WHERE o.id = NEW.order_id AND o.completed_at IS NOT NULL
    ON CONFLICT (day) DO NOTHING;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_daily_spent_changed AFTER UPDATE ON books
BEGIN
    INSERT INTO books_changed (day) VALUES (NEW.day) ON CONFLICT (day) DO NOTHING;
    INSERT INTO books_changed (day)
    SELECT substr(o.completed_at, 1, 10) FROM orders AS o WHERE o.id = NEW.order_id AND o.completed_at IS NOT NULL
    ON CONFLICT (day) DO NOTHING;
END;
-- +goose StatementEnd

-- The days until now are added up when they are asked for.
INSERT INTO books_changed (day)
SELECT DISTINCT substr(completed_at, 1, 10) FROM orders WHERE completed_at IS NOT NULL
UNION SELECT DISTINCT day FROM books;
