-- +goose Up
-- When the files, the attempts and calls, and the texts and events of an order that has ended were removed.
ALTER TABLE orders ADD COLUMN files_removed_at TEXT;
ALTER TABLE orders ADD COLUMN attempts_removed_at TEXT;
ALTER TABLE orders ADD COLUMN texts_removed_at TEXT;
-- Set before the file is removed. The path becomes empty after that.
ALTER TABLE artifacts ADD COLUMN removed_at TEXT;
-- How many calls of a job were removed. They go on counting in the keys of further ones.
ALTER TABLE jobs ADD COLUMN calls_removed INTEGER NOT NULL DEFAULT 0;

CREATE INDEX orders_files ON orders (coalesce(completed_at, changed_at), id)
    WHERE state IN ('completed', 'cancelled') AND files_removed_at IS NULL;
CREATE INDEX orders_attempts ON orders (coalesce(completed_at, changed_at), id)
    WHERE state IN ('completed', 'cancelled') AND attempts_removed_at IS NULL;
CREATE INDEX orders_texts ON orders (coalesce(completed_at, changed_at), id)
    WHERE state IN ('completed', 'cancelled') AND texts_removed_at IS NULL;
CREATE INDEX orders_odd ON orders (id) WHERE id GLOB '*[^A-Za-z0-9_-]*' OR length(id) > 80 OR id GLOB '-*';
CREATE INDEX artifacts_removing ON artifacts (id) WHERE removed_at IS NOT NULL AND path <> '';
CREATE INDEX artifacts_kept ON artifacts (bytes) WHERE path <> '';
CREATE INDEX artifacts_created ON artifacts (created_at, bytes);
-- Without it the removal of an attempt looks at every call.
CREATE INDEX calls_attempt ON calls (attempt_id);
-- Without these the removal of a message to the owner looks at all of them.
CREATE INDEX dispatches_created ON dispatches (created_at);
CREATE INDEX alerts_closed ON alerts (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX events_daemon ON events (id) WHERE order_id IS NULL;

-- An order that goes on after its end has lost nothing of what is made for it now.
-- +goose StatementBegin
CREATE TRIGGER orders_reopened AFTER UPDATE OF state ON orders
WHEN NEW.state NOT IN ('completed', 'cancelled')
 AND coalesce(OLD.files_removed_at, OLD.attempts_removed_at, OLD.texts_removed_at) IS NOT NULL
BEGIN
    UPDATE orders SET files_removed_at = NULL, attempts_removed_at = NULL, texts_removed_at = NULL WHERE id = NEW.id;
END;
-- +goose StatementEnd
