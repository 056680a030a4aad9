-- +goose Up

-- A line of a message may be the summary of a day.
CREATE TABLE new_notices (
    id          INTEGER PRIMARY KEY,
    target      TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind = 'alert' OR kind = 'reminder' OR kind = 'over' OR kind = 'delivered' OR kind = 'message' OR kind = 'digest'),
    alert_id    INTEGER REFERENCES alerts (id),
    urgent      INTEGER NOT NULL,
    line        TEXT NOT NULL,
    more        TEXT NOT NULL,                   -- further lines, or empty
    created_at  TEXT NOT NULL,
    due_at      TEXT NOT NULL,                   -- it may go with an earlier message
    dispatch_id INTEGER REFERENCES dispatches (id)
) STRICT;

INSERT INTO new_notices SELECT id, target, kind, alert_id, urgent, line, more, created_at, due_at, dispatch_id FROM notices;
DROP TABLE notices;
ALTER TABLE new_notices RENAME TO notices;

CREATE INDEX notices_waiting ON notices (target, id) WHERE dispatch_id IS NULL;
CREATE INDEX notices_alert ON notices (alert_id, target) WHERE alert_id IS NOT NULL;
CREATE INDEX notices_dispatch ON notices (dispatch_id) WHERE dispatch_id IS NOT NULL;

-- The last day of which each target was sent the summary.
CREATE TABLE digests (
    target TEXT PRIMARY KEY,
    day    TEXT NOT NULL                         -- 2026-11-25, in the target's time zone
) STRICT;

-- What a summary adds up is found by its time.
CREATE INDEX attempts_cost ON attempts (started_at) WHERE cost_usd_micros > 0;
CREATE INDEX deliveries_settled ON deliveries (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX artifacts_uploaded ON artifacts (uploaded_at) WHERE uploaded_at IS NOT NULL;
