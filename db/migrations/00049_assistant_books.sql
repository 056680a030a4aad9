-- +goose Up

-- What the assistant was asked for an order in a day, as far as the calls of it are pruned. A migration that builds
-- the table calls again makes this trigger again.
CREATE TABLE books_assistant (
    day             TEXT NOT NULL,               -- 2026-11-25: of the start of the call
    order_id        TEXT NOT NULL,
    purpose         TEXT NOT NULL,
    calls           INTEGER NOT NULL,
    cost_usd_micros INTEGER NOT NULL,
    lost_usd_micros INTEGER NOT NULL,            -- for calls that bought nothing
    PRIMARY KEY (day, order_id, purpose)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER books_assistant_pruned AFTER DELETE ON calls WHEN OLD.purpose <> 'make'
BEGIN
    INSERT INTO books_assistant (day, order_id, purpose, calls, cost_usd_micros, lost_usd_micros)
    VALUES (substr(OLD.began_at, 1, 10), coalesce((SELECT j.order_id FROM jobs AS j WHERE j.id = OLD.job_id), ''), OLD.purpose, 1,
            OLD.cost_usd_micros, CASE WHEN OLD.state IN ('failed', 'refused', 'expired', 'unknown') THEN OLD.cost_usd_micros ELSE 0 END)
    ON CONFLICT (day, order_id, purpose) DO UPDATE SET calls = calls + 1,
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, lost_usd_micros = lost_usd_micros + excluded.lost_usd_micros;
END;
-- +goose StatementEnd
