-- +goose Up

-- The assistant proposes prices, and writes messages that wait in the outbox as drafts. The checks are changed as in
-- 00017: rebuilding the tables would copy the whole history.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql, 'source IN (''fixed'', ''command'', ''owner'')',
    'source IN (''fixed'', ''command'', ''assistant'', ''owner'')')
WHERE type = 'table' AND name = 'quotes';

UPDATE sqlite_schema SET sql = replace(sql, 'OR stage = ''send''', 'OR stage = ''write'' OR stage = ''send''')
WHERE type = 'table' AND name = 'jobs';

UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''queued'', ''sending'', ''sent'', ''refused'', ''dropped'', ''unknown'')',
    'state IN (''draft'', ''queued'', ''sending'', ''sent'', ''refused'', ''dropped'', ''unknown'')')
WHERE type = 'table' AND name = 'outbox';

PRAGMA writable_schema = RESET;
