-- +goose Up

-- Lists of orders that have ended, and those of one client, newest first.
CREATE INDEX orders_ended ON orders (state, created_at) WHERE state IN ('completed', 'cancelled');
CREATE INDEX orders_of_client ON orders (client, created_at);

-- What a search finds: the brief of each order with what belongs to it (message_id is empty), and each message that is
-- not ours. The texts of an order have adjacent ids, a multiple of 1048576 first. A later order has higher ids, so a
-- list by id is one of orders, newest first. The ids are stored here because VACUUM may change implicit rowids.
CREATE TABLE search_docs (
    id         INTEGER PRIMARY KEY,
    order_id   TEXT NOT NULL,
    message_id TEXT NOT NULL,
    UNIQUE (order_id, message_id)
) STRICT;

-- The index of those texts, by three characters each. It holds no text. Only the first 20,000 characters are
-- indexed, so that no text delays a commit. Triggers keep it; a migration that builds orders or messages again
-- makes its triggers again.
CREATE VIRTUAL TABLE search_texts USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');

INSERT INTO search_docs (id, order_id, message_id)
SELECT row_number() OVER (ORDER BY created_at, id) * 1048576, id, '' FROM orders;

INSERT INTO search_docs (id, order_id, message_id)
SELECT d.id + row_number() OVER (PARTITION BY m.order_id ORDER BY m.at, m.remote_id), m.order_id, m.remote_id
FROM messages AS m JOIN search_docs AS d ON d.order_id = m.order_id AND d.message_id = ''
WHERE m.party <> 'agent' AND m.remote_id <> '';

INSERT INTO search_texts (rowid, text)
SELECT d.id, substr(o.brief || char(10) || o.brief_english || char(10) || o.bounty_title || char(10) || o.review || char(10)
    || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(o.requirement_answers) WHERE type = 'text'), '') || char(10)
    || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(o.brief_spec) WHERE type = 'text'), ''), 1, 20000)
FROM search_docs AS d JOIN orders AS o ON o.id = d.order_id WHERE d.message_id = '';

INSERT INTO search_texts (rowid, text)
SELECT d.id, substr(m.content, 1, 20000)
FROM search_docs AS d JOIN messages AS m ON m.order_id = d.order_id AND m.remote_id = d.message_id WHERE d.message_id <> '';

-- +goose StatementBegin
CREATE TRIGGER search_order AFTER INSERT ON orders
BEGIN
    INSERT INTO search_docs (id, order_id, message_id)
    VALUES ((coalesce((SELECT max(id) FROM search_docs), 0) / 1048576 + 1) * 1048576, NEW.id, '');
    INSERT INTO search_texts (rowid, text)
    SELECT d.id, substr(NEW.brief || char(10) || NEW.brief_english || char(10) || NEW.bounty_title || char(10) || NEW.review || char(10)
        || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(NEW.requirement_answers) WHERE type = 'text'), '') || char(10)
        || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(NEW.brief_spec) WHERE type = 'text'), ''), 1, 20000)
    FROM search_docs AS d WHERE d.order_id = NEW.id AND d.message_id = '';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_order_changed AFTER UPDATE OF brief, brief_english, bounty_title, review, requirement_answers, brief_spec ON orders
WHEN NEW.brief <> OLD.brief OR NEW.brief_english <> OLD.brief_english OR NEW.bounty_title <> OLD.bounty_title
  OR NEW.review <> OLD.review OR NEW.requirement_answers IS NOT OLD.requirement_answers OR NEW.brief_spec IS NOT OLD.brief_spec
BEGIN
    DELETE FROM search_texts WHERE rowid = (SELECT id FROM search_docs WHERE order_id = NEW.id AND message_id = '');
    INSERT INTO search_texts (rowid, text)
    SELECT d.id, substr(NEW.brief || char(10) || NEW.brief_english || char(10) || NEW.bounty_title || char(10) || NEW.review || char(10)
        || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(NEW.requirement_answers) WHERE type = 'text'), '') || char(10)
        || coalesce((SELECT group_concat(value, char(10)) FROM json_tree(NEW.brief_spec) WHERE type = 'text'), ''), 1, 20000)
    FROM search_docs AS d WHERE d.order_id = NEW.id AND d.message_id = '';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_order_deleted AFTER DELETE ON orders
BEGIN
    DELETE FROM search_texts WHERE rowid = (SELECT id FROM search_docs WHERE order_id = OLD.id AND message_id = '');
    DELETE FROM search_docs WHERE order_id = OLD.id AND message_id = '';
END;
-- +goose StatementEnd

-- A thread of more messages than there are ids keeps the rest out of the index.
-- +goose StatementBegin
CREATE TRIGGER search_message AFTER INSERT ON messages WHEN NEW.party <> 'agent' AND NEW.remote_id <> ''
BEGIN
    INSERT INTO search_docs (id, order_id, message_id)
    SELECT n.id, NEW.order_id, NEW.remote_id
    FROM (SELECT d.id AS base, (SELECT max(m.id) + 1 FROM search_docs AS m WHERE m.id >= d.id AND m.id < d.id + 1048576) AS id
          FROM search_docs AS d WHERE d.order_id = NEW.order_id AND d.message_id = '') AS n
    WHERE n.id < n.base + 1048576;
    INSERT INTO search_texts (rowid, text)
    SELECT d.id, substr(NEW.content, 1, 20000)
    FROM search_docs AS d WHERE d.order_id = NEW.order_id AND d.message_id = NEW.remote_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_message_renamed AFTER UPDATE OF remote_id ON messages WHEN NEW.remote_id <> OLD.remote_id
BEGIN
    UPDATE search_docs SET message_id = NEW.remote_id
    WHERE order_id = OLD.order_id AND message_id = OLD.remote_id AND OLD.remote_id <> '' AND NEW.remote_id <> '';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_message_changed AFTER UPDATE OF content ON messages WHEN NEW.content <> OLD.content
BEGIN
    DELETE FROM search_texts WHERE OLD.remote_id <> ''
       AND rowid = (SELECT id FROM search_docs WHERE order_id = OLD.order_id AND message_id = OLD.remote_id);
    INSERT INTO search_texts (rowid, text)
    SELECT d.id, substr(NEW.content, 1, 20000)
    FROM search_docs AS d WHERE d.order_id = OLD.order_id AND d.message_id = OLD.remote_id AND OLD.remote_id <> '';
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_message_deleted AFTER DELETE ON messages WHEN OLD.remote_id <> ''
BEGIN
    DELETE FROM search_texts WHERE rowid = (SELECT id FROM search_docs WHERE order_id = OLD.order_id AND message_id = OLD.remote_id);
    DELETE FROM search_docs WHERE order_id = OLD.order_id AND message_id = OLD.remote_id;
END;
-- +goose StatementEnd
