-- +goose Up

-- What a call is for. All but make are calls of the assistant, a language model.
ALTER TABLE calls ADD COLUMN purpose TEXT NOT NULL DEFAULT 'make' CHECK (purpose IN ('make', 'prompt', 'check', 'reply', 'quote'));

-- The prompts that the assistant was to write, one for each take. A row is written once and never changes: the same
-- work gets the same prompt after a crash.
CREATE TABLE prompts (
    order_id     TEXT NOT NULL REFERENCES orders (id),
    kind         TEXT NOT NULL CHECK (kind IN ('delivery', 'piece')),
    round        INTEGER NOT NULL,
    take         INTEGER NOT NULL,
    prompt       TEXT NOT NULL,                 -- empty: the template of the service is used
    requirements TEXT NOT NULL,                 -- what the work has to show, as a JSON list of texts
    note         TEXT NOT NULL,                 -- why the template is used
    created_at   TEXT NOT NULL,
    PRIMARY KEY (order_id, kind, round, take)
) STRICT;
