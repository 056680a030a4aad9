-- Puts the text :text, whose number is :n, wherever the ledger keeps texts of a client, a
-- provider or the marketplace. Each order pwn_ord_N has one text in each place, pwn_full has
-- all texts in each place, and pwn_week has all of them as requests of a subscription.

INSERT OR IGNORE INTO orders (id, service, service_title, client_wallet, client, brief, brief_english, reference_urls,
    reference_images, requirement_answers, remote_status, state, code, reason, hint, price_usd_micros, payout_tx,
    created_at, due_at, seen_at, changed_at, delivered_at, completed_at, window_ends_at, quota_total, fingerprint, raw, review, rating, bounty_title)
SELECT id, service, 'Pictures', 'wallet', 'wallet', brief, brief || '!', '[]', '[]', NULL, 'paid', state, code, brief, brief, 5000000, '',
    :at, :due, :at, :at, NULL, NULL, CASE quota WHEN 0 THEN NULL ELSE :due END, quota, 0, '{}', brief, 5, brief
FROM (SELECT 'pwn_full' AS id, 'Pictures' AS service, :all AS brief, 'held' AS state, 'review' AS code, 0 AS quota
    UNION ALL SELECT 'pwn_week', 'Pictures', :all, 'waiting', '', 999);

INSERT INTO orders (id, service, service_title, client_wallet, client, brief, brief_english, reference_urls, reference_images,
    requirement_answers, remote_status, state, code, reason, hint, price_usd_micros, payout_tx, created_at, due_at, seen_at, changed_at,
    delivered_at, completed_at, fingerprint, raw, review, rating, bounty_title)
SELECT printf('pwn_ord_%04d', :n), :text, :text, :text, :text, :text, :text || '!', json_array(:valid), json_array(:valid),
    json_object(:valid, :valid), 'paid', state, code, :text, :text, 5000000, CASE WHEN state = 'completed' AND :n % 12 = 4 THEN :text ELSE '' END, :at, :due, :at, :at,
    CASE WHEN state IN ('delivered', 'completed') THEN :at END, CASE state WHEN 'completed' THEN :at END, :n, '{}', :text, 4, :text
FROM (SELECT CASE :n % 6 WHEN 0 THEN 'held' WHEN 1 THEN 'held' WHEN 2 THEN 'failed' WHEN 3 THEN 'delivered' WHEN 4 THEN 'completed' ELSE 'working' END AS state,
    CASE :n % 6 WHEN 0 THEN 'review' WHEN 1 THEN 'no_service' WHEN 2 THEN 'rejected' ELSE '' END AS code);

INSERT OR IGNORE INTO jobs (id, order_id, kind, round, stage, lane, priority, state, due_at, run_at, code, reason, hint, created_at, changed_at)
VALUES (900000, 'pwn_full', 'delivery', 0, 'upload', 'network', 1, 'held', :due, :at, 'review', :all, :all, :at, :at);
INSERT INTO jobs (order_id, kind, round, stage, lane, priority, state, due_at, run_at, code, reason, hint, created_at, changed_at)
VALUES ('pwn_week', 'piece', :n, 'generate', 'generate', 1, CASE WHEN :n < 9 THEN 'held' ELSE 'done' END, :due, :at, 'rejected', :text, :text, :at, :at);
INSERT INTO pieces VALUES ('pwn_week', :n, 'm' || :n, :text, :at);
INSERT INTO attempts (id, job_id, stage, attempt, started_at, finished_at, outcome, code, error, log)
VALUES (900000 + :n, 900000, 'generate', :n, :at, :at, 'retry', '', :text, CASE :n WHEN 7 THEN :all ELSE :text END);
INSERT INTO calls (generator, key, ticket, state, cost_usd_micros, began_at, closed_at, note, job_id, attempt_id)
VALUES (:text, 'pwn' || :n, :text, 'failed', 10000, :at, :at, :text, 900000, 900000 + :n);
INSERT INTO takes (order_id, kind, round, take, instructions, created_at) VALUES ('pwn_full', 'delivery', 0, :n, :text, :at);
INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, url, created_at)
VALUES ('pwn_full', 'delivery', 0, :n, 0, 'artifacts/pwn', :text, 9, :sum, CASE :n % 2 WHEN 0 THEN 'image/png' ELSE :text END, :text, 9, 9, :text, :at),
    ('pwn_full', 'reference', 0, 1, :n, '', :text, 9, '', 'image/png', 'image', 9, 9, :text, :at);
INSERT INTO deliveries (order_id, round, state, urls, tries, sent_at, note)
VALUES ('pwn_full', :n, 'refused', json_array(:valid), 1, :at, :text), (printf('pwn_ord_%04d', :n), 0, 'confirmed', json_array(:valid), 1, :at, :text);
INSERT INTO messages VALUES ('pwn_full', 'm' || :n, 'client', :text, :text, :at, :at), ('pwn_full', 'o' || :n, 'other', :text, :text, :at, :at),
    (printf('pwn_ord_%04d', :n), 'm', 'client', :text, :text, :at, :at);
INSERT INTO outbox (order_id, position, reason, body, state, tries, created_at, sent_at, note)
VALUES ('pwn_full', :n, 'owner-' || :n, :text, 'refused', 1, :at, :at, :text);
INSERT INTO events (at, order_id, kind, text, actor) VALUES (:at, 'pwn_full', 'held', :text, :text), (:at, 'pwn_full', 'payout failed', :text, ''),
    (:at, printf('pwn_ord_%04d', :n), CASE :n % 6 WHEN 4 THEN 'payout failed' ELSE 'failed' END, :text, '');
INSERT INTO quotes (order_id, price_usd_micros, source, state, note) VALUES (printf('pwn_ord_%04d', :n), 5000000, 'owner', 'refused', :text);
INSERT INTO bounties (id, title, brief, category, budget_usd_micros, deadline_hours, service, message, state, reason, claimed_at, changed_at, code, claim_id)
VALUES ('pwn_bty_' || :n, :text, :text, :text, 5000000, 9, :text, :text, 'refused', :text, :at, :at, '', :text);
INSERT OR IGNORE INTO services (title, remote_id, state, reason, changed_at, differs) VALUES (:text, :text, 'listed', :text, :at, :text);
INSERT INTO pauses (service, began_at, actor, reason) SELECT :text, :at, :text, :text WHERE :n % 20 = 0;
INSERT OR IGNORE INTO pauses (service, began_at, actor, reason) VALUES ('Murals', :at, 'console:jo', :all);
INSERT INTO unreadable SELECT :n, :at, :at, 1, :text, :text WHERE :n % 20 = 2;
INSERT INTO facts SELECT 'alert.pwn' || :n, :text, :at WHERE :n % 20 = 1;
INSERT OR IGNORE INTO facts VALUES ('alert.generator.studio', :some, :at), ('alert.model.studio', :some, :at);
INSERT INTO alerts (what, subject, code, event, timed, state, reason, hint, opened_at, closed_at)
VALUES ('order', :text, 'rejected', 'needs_owner', 0, 'held', :text, :text, :at, :at), ('service', :text, '', 'needs_owner', 0, 'held', :text, :text, :at, :at);
INSERT INTO requests (at, kind, order_id, answered_at, status, error) VALUES (:at, 'poll', :text, :at, 500, :text);
INSERT INTO one_time_actions VALUES (:text, :text, 'done', :text, :at, :at);
INSERT INTO dispatches (target, title, text, urgent, created_at, due_at, sent_at, reason) VALUES (:text, :text, :text, 0, :at, :at, :at, :text);
INSERT INTO books_daily VALUES ('service', substr(:at, 1, 10), :text, 1, :n + 1, 0, 0, 0, 0, 0, 0), ('client', substr(:at, 1, 10), :text, 1, :n + 1, 0, 0, 0, 0, 0, 0),
    ('generator', substr(:at, 1, 10), :text, 1, 0, 0, 0, 0, :n + 1, 0, 0);
