-- +goose Up

-- What the owner has paused. A row whose until_at is over no longer counts; the daemon removes it.
CREATE TABLE pauses (
    service  TEXT PRIMARY KEY,               -- its title; '' for every service
    began_at TEXT NOT NULL,
    until_at TEXT,                           -- NULL until the owner resumes
    actor    TEXT NOT NULL,
    reason   TEXT NOT NULL DEFAULT '',
    delisted INTEGER NOT NULL DEFAULT 0      -- 1: it is off the marketplace until the pause ends
) STRICT;

-- 'paused by cli:jo: on holiday' was the text of an alert.
INSERT INTO pauses (service, began_at, actor, reason)
SELECT '', changed_at,
       CASE WHEN instr(value, ': ') > 0 THEN substr(value, 11, instr(value, ': ') - 11) ELSE substr(value, 11) END,
       CASE WHEN instr(value, ': ') > 0 THEN substr(value, instr(value, ': ') + 2) ELSE '' END
  FROM facts WHERE name = 'alert.paused';
DELETE FROM facts WHERE name = 'alert.paused';

-- A service may be off the marketplace for as long as it is paused.
CREATE TABLE services_new (
    title      TEXT PRIMARY KEY,
    remote_id  TEXT NOT NULL DEFAULT '',
    state      TEXT NOT NULL CHECK (state IN ('wanted', 'creating', 'listed', 'held', 'retired', 'delisted')),
    reason     TEXT NOT NULL DEFAULT '',
    changed_at TEXT NOT NULL
) STRICT;
INSERT INTO services_new SELECT title, remote_id, state, reason, changed_at FROM services;
DROP TABLE services;
ALTER TABLE services_new RENAME TO services;
