-- +goose Up

-- What agents on one address share: the requests that the marketplace has counted, and who
-- they are. Nothing in here is of use for longer than a day, and no agent relies on it.

-- One row. id is random, so that an agent notices a new file.
CREATE TABLE state (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    id          TEXT NOT NULL,
    counts      TEXT NOT NULL,             -- separate, shared, or '' for not learned
    learned_at  TEXT,                      -- when that was last forgotten
    probed_at   TEXT,                      -- the end of the window that was probed
    probing_at  TEXT                       -- until when the answer to the probe is waited for
) STRICT;

INSERT INTO state (one, id, counts) VALUES (1, lower(hex(randomblob(16))), '');

CREATE TABLE windows (
    scope            TEXT PRIMARY KEY,     -- all, or a kind of request
    started_at       TEXT,
    ends_at          TEXT,
    used             INTEGER NOT NULL,
    learned_limit    INTEGER NOT NULL,     -- 0 for none
    blocked_until_at TEXT,
    anchor           TEXT NOT NULL         -- the request whose answer sets the end; '' once it came
) STRICT;

CREATE TABLE agents (
    ledger    TEXT PRIMARY KEY,            -- the id of the agent's ledger
    name      TEXT NOT NULL,
    socket    TEXT NOT NULL,               -- of its daemon; '' for none
    console   TEXT NOT NULL,               -- where browsers find it; '' for nowhere
    seen_at   TEXT NOT NULL,               -- when the row was last written
    beat_at   TEXT,                        -- when its daemon last showed that it runs; NULL once it has stopped
    polled_at TEXT,
    due       INTEGER NOT NULL,            -- deliveries that could be sent now
    sends     INTEGER NOT NULL,            -- requests besides polls that it needs or expects in this window
    open      INTEGER NOT NULL,            -- orders that have not ended
    needs     INTEGER NOT NULL,            -- what waits for the owner
    stopped   INTEGER NOT NULL             -- 1 if it earns nothing
) STRICT;

-- How much of a window an agent has used. Rows of another start than the window's are old.
CREATE TABLE used (
    ledger     TEXT NOT NULL,
    scope      TEXT NOT NULL,
    started_at TEXT,
    used       INTEGER NOT NULL,
    PRIMARY KEY (ledger, scope)
) STRICT;
