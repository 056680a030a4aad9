-- +goose Up

-- What was spent on each order in a day, also after the attempts and calls of it are
-- pruned. Triggers keep it, so that it is exact whatever writes them. A migration that
-- builds one of those tables again makes its triggers again.
CREATE TABLE books (
    day             TEXT NOT NULL,               -- 2026-11-25: of the start of the attempt, or of the sample
    order_id        TEXT NOT NULL,               -- empty for samples
    kind            TEXT NOT NULL,               -- of the job, or 'sample'
    generator       TEXT NOT NULL,               -- empty for what no call has cost
    cost_usd_micros INTEGER NOT NULL,
    lost_usd_micros INTEGER NOT NULL,            -- for calls that bought nothing
    attempts        INTEGER NOT NULL,            -- that cost something, or samples; in the row without a generator
    PRIMARY KEY (day, order_id, kind, generator)
) STRICT, WITHOUT ROWID;

CREATE INDEX books_order ON books (order_id, cost_usd_micros);

INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, c.generator, sum(c.cost_usd_micros),
       sum(CASE WHEN c.state IN ('failed', 'refused', 'expired', 'unknown') THEN c.cost_usd_micros ELSE 0 END), 0
FROM calls AS c JOIN attempts AS a ON a.id = c.attempt_id JOIN jobs AS j ON j.id = a.job_id
WHERE c.cost_usd_micros > 0 GROUP BY 1, 2, 3, 4;

INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
SELECT substr(c.began_at, 1, 10), '', 'sample', c.generator, sum(c.cost_usd_micros),
       sum(CASE WHEN c.state IN ('failed', 'refused', 'expired', 'unknown') THEN c.cost_usd_micros ELSE 0 END), count(*)
FROM calls AS c WHERE c.job_id IS NULL AND c.cost_usd_micros > 0 GROUP BY 1, 4;

INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, '',
       sum(a.cost_usd_micros - (SELECT coalesce(sum(c.cost_usd_micros), 0) FROM calls AS c WHERE c.job_id = a.job_id AND c.attempt_id = a.id)),
       0, count(*)
FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE a.cost_usd_micros > 0 GROUP BY 1, 2, 3;

-- What an attempt has cost. The triggers of calls move their part to the generator.
-- +goose StatementBegin
CREATE TRIGGER books_attempt_begun AFTER INSERT ON attempts WHEN NEW.cost_usd_micros > 0
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(NEW.started_at, 1, 10), j.order_id, j.kind, '', NEW.cost_usd_micros, 0, 1
    FROM jobs AS j WHERE j.id = NEW.job_id
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, attempts = attempts + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_attempt AFTER UPDATE OF cost_usd_micros ON attempts
WHEN NEW.cost_usd_micros <> OLD.cost_usd_micros
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(NEW.started_at, 1, 10), j.order_id, j.kind, '', NEW.cost_usd_micros - OLD.cost_usd_micros, 0,
           (NEW.cost_usd_micros > 0) - (OLD.cost_usd_micros > 0)
    FROM jobs AS j WHERE j.id = NEW.job_id
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, attempts = attempts + excluded.attempts;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_call AFTER INSERT ON calls WHEN NEW.job_id IS NOT NULL AND NEW.cost_usd_micros > 0
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, NEW.generator, NEW.cost_usd_micros, 0, 0
    FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE a.id = NEW.attempt_id
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros;
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, '', -NEW.cost_usd_micros, 0, 0
    FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE a.id = NEW.attempt_id
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_call_closed AFTER UPDATE OF cost_usd_micros, state ON calls WHEN NEW.job_id IS NOT NULL
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, NEW.generator, NEW.cost_usd_micros - OLD.cost_usd_micros,
           CASE WHEN NEW.state IN ('failed', 'refused', 'expired', 'unknown') THEN NEW.cost_usd_micros ELSE 0 END
         - CASE WHEN OLD.state IN ('failed', 'refused', 'expired', 'unknown') THEN OLD.cost_usd_micros ELSE 0 END, 0
    FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
    WHERE a.id = NEW.attempt_id AND (NEW.cost_usd_micros > 0 OR OLD.cost_usd_micros > 0)
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, lost_usd_micros = lost_usd_micros + excluded.lost_usd_micros;
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    SELECT substr(a.started_at, 1, 10), j.order_id, j.kind, '', OLD.cost_usd_micros - NEW.cost_usd_micros, 0, 0
    FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
    WHERE a.id = NEW.attempt_id AND NEW.cost_usd_micros <> OLD.cost_usd_micros
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_sample AFTER INSERT ON calls WHEN NEW.job_id IS NULL AND NEW.cost_usd_micros > 0
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    VALUES (substr(NEW.began_at, 1, 10), '', 'sample', NEW.generator, NEW.cost_usd_micros, 0, 1)
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, attempts = attempts + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER books_sample_closed AFTER UPDATE OF cost_usd_micros, state ON calls
WHEN NEW.job_id IS NULL AND (NEW.cost_usd_micros > 0 OR OLD.cost_usd_micros > 0)
BEGIN
    INSERT INTO books (day, order_id, kind, generator, cost_usd_micros, lost_usd_micros, attempts)
    VALUES (substr(NEW.began_at, 1, 10), '', 'sample', NEW.generator, NEW.cost_usd_micros - OLD.cost_usd_micros,
            CASE WHEN NEW.state IN ('failed', 'refused', 'expired', 'unknown') THEN NEW.cost_usd_micros ELSE 0 END
          - CASE WHEN OLD.state IN ('failed', 'refused', 'expired', 'unknown') THEN OLD.cost_usd_micros ELSE 0 END,
            (NEW.cost_usd_micros > 0) - (OLD.cost_usd_micros > 0))
    ON CONFLICT (day, order_id, kind, generator) DO UPDATE SET
        cost_usd_micros = cost_usd_micros + excluded.cost_usd_micros, lost_usd_micros = lost_usd_micros + excluded.lost_usd_micros,
        attempts = attempts + excluded.attempts;
END;
-- +goose StatementEnd
