-- All views, in one place. Each upgrade of the database drops every view before
-- its migrations and creates these again after. Views whose names begin with v_
-- are for people with sqlite3: tables may change with a release, these views keep
-- their columns. The others are steps on the way and may change.

CREATE VIEW v_orders AS
SELECT o.id, o.service, o.state, o.remote_status, o.round,
       o.price_usd_micros / 1e6 AS price_usd,
       (SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id) / 1e6 AS cost_usd,
       (SELECT j.stage FROM jobs AS j WHERE j.order_id = o.id AND j.kind = 'delivery' AND j.round = o.round) AS stage,
       (SELECT j.state FROM jobs AS j WHERE j.order_id = o.id AND j.kind = 'delivery' AND j.round = o.round) AS job_state,
       o.brief, o.reason, o.hint, o.created_at, o.seen_at, o.due_at, o.delivered_at, o.completed_at,
       round((julianday(o.delivered_at) - julianday(o.seen_at)) * 86400, 1) AS seconds_to_deliver,
       o.client_wallet, o.deliverables, CASE WHEN o.texts_removed_at IS NULL THEN o.raw END AS raw,
       o.window_ends_at, o.quota_total, o.quota_used,
       (SELECT count(*) FROM pieces AS p WHERE p.order_id = o.id) AS pieces,
       o.brief_english, o.brief_spec, o.rating, o.review
FROM orders AS o;

CREATE VIEW v_orders_open AS
SELECT * FROM v_orders WHERE state NOT IN ('completed', 'cancelled') ORDER BY due_at, id;

CREATE VIEW v_attempts AS
SELECT a.id, j.order_id, j.round, a.stage, a.attempt, a.outcome, a.code, a.error,
       a.cost_usd_micros / 1e6 AS cost_usd,
       a.started_at, a.finished_at,
       round((julianday(a.finished_at) - julianday(a.started_at)) * 86400, 3) AS seconds,
       a.log, j.kind, a.looks
FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id;

-- Each call of a generator, with its outcome and its cost. A sample belongs to no order.
CREATE VIEW v_calls AS
SELECT c.id, j.order_id, coalesce(j.kind, 'sample') AS kind, j.round, a.attempt, c.generator,
       -- a call whose order has ended is cancelled at the provider
       CASE WHEN c.cancel_wanted_at IS NULL THEN c.state WHEN c.state = 'submitted' THEN 'cancelling'
            WHEN c.state = 'failed' THEN 'cancelled' ELSE c.state END AS state, c.ticket,
       c.cost_usd_micros / 1e6 AS cost_usd, c.began_at, c.closed_at, c.note, c.key, c.epoch, c.purpose
FROM calls AS c LEFT JOIN jobs AS j ON j.id = c.job_id LEFT JOIN attempts AS a ON a.id = c.attempt_id;

CREATE VIEW v_timeline AS
SELECT at, order_id, what, text, actor FROM (
    SELECT a.started_at AS at, j.order_id AS order_id, a.stage || ' started' AS what,
           'attempt ' || a.attempt AS text, '' AS actor, 1 AS step, 2 * a.id AS id
      FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id
    UNION ALL
    SELECT a.finished_at, j.order_id, a.stage || ' ' || a.outcome, a.error, '', 1, 2 * a.id + 1
      FROM attempts AS a JOIN jobs AS j ON j.id = a.job_id WHERE a.finished_at IS NOT NULL
    UNION ALL
    SELECT f.uploaded_at, f.order_id, 'file uploaded', f.name || ' ' || f.url, '', 2, f.id
      FROM artifacts AS f WHERE f.uploaded_at IS NOT NULL
    UNION ALL
    SELECT f.created_at, f.order_id, 'reference fetched', f.name || ' ' || f.url, '', 1, f.id
      FROM artifacts AS f WHERE f.kind = 'reference'
    UNION ALL
    SELECT o.seen_at, o.id, 'seen', o.service_title, '', 0, 0 FROM orders AS o
    UNION ALL
    SELECT m.at, m.order_id, 'client wrote', m.content, '', 0, m.rowid FROM messages AS m WHERE m.party = 'client'
    UNION ALL
    SELECT e.at, e.order_id, e.kind, e.text, e.actor, 3, e.id FROM events AS e
) ORDER BY at, step, id;

-- Each quote, with its outcome.
CREATE VIEW v_quotes AS
SELECT q.order_id, o.service, o.remote_status, q.price_usd_micros / 1e6 AS price_usd, q.source, q.state,
       q.tries, q.sent_at, q.settled_at, q.note, o.brief
FROM quotes AS q JOIN orders AS o ON o.id = q.order_id;

-- The threads, and the messages of ours that are not in them yet.
CREATE VIEW v_messages AS
SELECT m.order_id, m.at, m.party, m.sender, m.content, 'in the thread' AS state, '' AS reason FROM messages AS m
UNION ALL
SELECT b.order_id, b.created_at, 'agent', '', b.body, b.state, b.reason FROM outbox AS b
 WHERE b.state <> 'sent' OR NOT EXISTS
       (SELECT 1 FROM messages AS m WHERE m.order_id = b.order_id AND m.party = 'agent' AND m.content = b.body);

-- Each piece of a subscription, with the state of its work and its message.
CREATE VIEW v_pieces AS
SELECT p.order_id, p.number, p.request, j.state AS job_state, j.stage, b.state AS message_state, b.settled_at AS sent_at,
       (SELECT group_concat(f.url, ' ') FROM artifacts AS f
         WHERE f.order_id = p.order_id AND f.kind = 'piece' AND f.round = p.number
           AND f.take = (SELECT max(n.take) FROM artifacts AS n
                          WHERE n.order_id = f.order_id AND n.kind = 'piece' AND n.round = f.round)) AS urls,
       p.created_at
FROM pieces AS p
LEFT JOIN jobs AS j ON j.order_id = p.order_id AND j.kind = 'piece' AND j.round = p.number
LEFT JOIN outbox AS b ON b.order_id = p.order_id AND b.reason = 'piece-' || p.number;

-- Each take of a round or a piece: what the owner or the assistant's check had made again, with which instructions of the
-- owner, and its files. Paths are relative to the data folder. The last take with files is the one that goes to the client.
-- same_as is the take whose files it has, or 0.
CREATE VIEW v_takes AS
SELECT w.order_id, w.kind, w.round, w.take, coalesce(t.instructions, '') AS instructions,
       coalesce(t.from_these, 0) AS from_these,
       (SELECT group_concat(f.path, ' ') FROM artifacts AS f WHERE f.order_id = w.order_id AND f.kind = w.kind
           AND f.round = w.round AND f.take = w.take AND f.path <> '') AS files,
       (SELECT group_concat(f.url, ' ') FROM artifacts AS f WHERE f.order_id = w.order_id AND f.kind = w.kind
           AND f.round = w.round AND f.take = w.take AND f.url <> '') AS urls,
       t.created_at AS opened_at,
       (SELECT min(f.created_at) FROM artifacts AS f WHERE f.order_id = w.order_id AND f.kind = w.kind
           AND f.round = w.round AND f.take = w.take) AS made_at,
       coalesce(t.by_check, 0) AS by_check, coalesce(t.same_as, 0) AS same_as
FROM (SELECT order_id, kind, round, take FROM artifacts WHERE kind <> 'reference'
      UNION SELECT order_id, kind, round, take FROM takes) AS w
LEFT JOIN takes AS t ON t.order_id = w.order_id AND t.kind = w.kind AND t.round = w.round AND t.take = w.take;

-- Each look of the assistant at the files of a take. The score is of 10, and NULL if there is none: note says why.
CREATE VIEW v_checks AS
SELECT order_id, kind, round, take, score, below, problems, note, checked_at FROM checks;

CREATE VIEW v_bounties AS
SELECT id, title, category, budget_usd_micros / 1e6 AS budget_usd, service, state, reason, order_id, claimed_at, brief
FROM bounties;

-- Completed orders in micros. The fee is the order's own where the marketplace
-- sends one, else 10 percent of the price. No other place in SQL knows the rate.
-- Another agent pays the fee on top of the price, so there is none to subtract.
-- Where a webhook said what was paid out, that is the net.
CREATE VIEW completed_orders AS
SELECT o.id, o.service, o.completed_at, o.payout_tx, o.payout_usd_micros,
       coalesce(o.price_usd_micros, 0) AS gross,
       CASE WHEN o.payout_usd_micros IS NOT NULL THEN coalesce(o.price_usd_micros, 0) - o.payout_usd_micros
            WHEN o.client_type = 'agent_x402' THEN 0
            ELSE coalesce(o.fee_usd_micros, o.price_usd_micros / 10, 0) END AS fee,
       (SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id) AS cost,
       o.rating, o.client, o.payout_at
FROM orders AS o WHERE o.completed_at IS NOT NULL AND o.state = 'completed';

CREATE VIEW v_earnings AS
SELECT id, service, substr(completed_at, 1, 10) AS day,
       gross / 1e6 AS gross_usd, fee / 1e6 AS fee_usd, (gross - fee) / 1e6 AS net_usd,
       cost / 1e6 AS cost_usd, (gross - fee - cost) / 1e6 AS profit_usd,
       payout_tx <> '' OR payout_usd_micros IS NOT NULL AS paid_out, payout_tx, completed_at, rating,
       client, payout_at
FROM completed_orders;

-- The sums of each day with completed orders: from the books of days, and added up here for days that have changed
-- since.
CREATE VIEW v_earnings_daily AS
SELECT day, orders, gross / 1e6 AS gross_usd, fee / 1e6 AS fee_usd, (gross - fee) / 1e6 AS net_usd,
       cost / 1e6 AS cost_usd, (gross - fee - cost) / 1e6 AS profit_usd, round(stars * 1.0 / nullif(rated, 0), 2) AS rating
FROM (SELECT d.day, d.orders, d.gross, d.fee, d.cost, d.stars, d.rated FROM books_daily AS d
       WHERE d.dimension = 'all' AND d.orders > 0 AND NOT EXISTS (SELECT 1 FROM books_changed AS x WHERE x.day = d.day)
      UNION ALL
      SELECT x.day, count(*), sum(c.gross), sum(c.fee), sum(c.cost), coalesce(sum(c.rating), 0), count(c.rating)
        FROM books_changed AS x CROSS JOIN orders AS o INDEXED BY orders_completed CROSS JOIN completed_orders AS c
       WHERE o.completed_at IS NOT NULL AND o.completed_at >= x.day AND o.completed_at < x.day || 'U'
         AND substr(o.completed_at, 1, 10) = x.day AND c.id = o.id GROUP BY x.day)
ORDER BY day;

CREATE VIEW v_earnings_service AS
SELECT service, count(*) AS orders,
       sum(gross) / 1e6 AS gross_usd, sum(fee) / 1e6 AS fee_usd, sum(gross - fee) / 1e6 AS net_usd,
       sum(cost) / 1e6 AS cost_usd, (sum(gross - fee) - sum(cost)) / 1e6 AS profit_usd,
       round(avg(rating), 2) AS rating
FROM completed_orders GROUP BY service;

-- Each client: what was ordered, paid, sent back and disputed. The client is an agent's id or a wallet.
CREATE VIEW v_clients AS
SELECT o.client, count(*) AS orders, sum(o.state NOT IN ('completed', 'cancelled')) AS open, sum(o.state = 'completed') AS completed,
       coalesce(sum(CASE WHEN o.state = 'completed' THEN o.price_usd_micros END), 0) / 1e6 AS gross_usd,
       sum((SELECT coalesce(sum(b.cost_usd_micros), 0) FROM books AS b WHERE b.order_id = o.id)) / 1e6 AS cost_usd,
       sum(o.round) AS sent_back, sum(o.disputes) AS disputes, round(avg(o.rating), 2) AS rating, max(o.created_at) AS last_order_at
FROM orders AS o WHERE o.client <> '' GROUP BY o.client;

-- Completed orders for which the marketplace shows no payout.
CREATE VIEW v_unpaid AS
SELECT c.id, c.service, c.completed_at, (c.gross - c.fee) / 1e6 AS net_usd,
       coalesce((SELECT e.text FROM events AS e WHERE e.order_id = c.id AND e.kind = 'payout failed'
                  ORDER BY e.id DESC LIMIT 1), '') AS note
FROM completed_orders AS c WHERE c.payout_tx = '' AND c.payout_usd_micros IS NULL;

-- Each amount that was spent, on orders and on samples, in micros.
CREATE VIEW spent AS
SELECT a.started_at AS at, a.cost_usd_micros AS cost FROM attempts AS a WHERE a.cost_usd_micros > 0
UNION ALL
SELECT c.began_at, c.cost_usd_micros FROM calls AS c WHERE c.job_id IS NULL AND c.cost_usd_micros > 0;

-- What generation cost, by the day of the attempt, for all orders and samples. Lost
-- is what bought nothing: calls that failed, were refused, expired or have an unknown
-- outcome, and everything spent on an order that failed or was cancelled.
CREATE VIEW v_costs_daily AS
SELECT b.day, sum(b.cost_usd_micros) / 1e6 AS cost_usd,
       sum(CASE WHEN o.state IN ('cancelled', 'failed') OR (o.state = 'held' AND o.code = 'owner') THEN b.cost_usd_micros
           ELSE b.lost_usd_micros END) / 1e6 AS lost_usd,
       sum(b.attempts) AS attempts
FROM books AS b LEFT JOIN orders AS o ON o.id = b.order_id
GROUP BY b.day HAVING sum(b.cost_usd_micros) > 0;

-- The same by generator, service, client and kind of work. What a program said that no
-- call was recorded for has no generator.
CREATE VIEW v_costs_generator AS
SELECT b.day, b.generator, coalesce(o.service, '') AS service, coalesce(o.client, '') AS client, b.kind,
       sum(b.cost_usd_micros) / 1e6 AS cost_usd,
       sum(CASE WHEN o.state IN ('cancelled', 'failed') OR (o.state = 'held' AND o.code = 'owner') THEN b.cost_usd_micros
           ELSE b.lost_usd_micros END) / 1e6 AS lost_usd
FROM books AS b LEFT JOIN orders AS o ON o.id = b.order_id
GROUP BY 1, 2, 3, 4, 5 HAVING sum(b.cost_usd_micros) <> 0;

-- What the assistant was asked and what that cost, by the day of the call and by purpose: the calls that are kept, and
-- the sums of those that are pruned.
CREATE VIEW v_costs_assistant AS
SELECT b.day, b.purpose, coalesce(o.service, '') AS service, sum(b.calls) AS calls, sum(b.cost) / 1e6 AS cost_usd, sum(b.lost) / 1e6 AS lost_usd
FROM (SELECT substr(c.began_at, 1, 10) AS day, c.purpose AS purpose, j.order_id AS order_id, 1 AS calls, c.cost_usd_micros AS cost,
             CASE WHEN c.state IN ('failed', 'refused', 'expired', 'unknown') THEN c.cost_usd_micros ELSE 0 END AS lost
        FROM calls AS c LEFT JOIN jobs AS j ON j.id = c.job_id WHERE c.purpose <> 'make'
      UNION ALL
      SELECT p.day, p.purpose, p.order_id, p.calls, p.cost_usd_micros, p.lost_usd_micros FROM books_assistant AS p) AS b
LEFT JOIN orders AS o ON o.id = b.order_id GROUP BY 1, 2, 3;

-- Each round that we have delivered: whether the assistant wrote a prompt of it or scored its files, and whether the
-- client has sent it back. The pieces of a subscription are delivered with its first round.
CREATE VIEW v_rounds AS
SELECT d.order_id, o.service, d.round, d.settled_at AS delivered_at,
       EXISTS (SELECT 1 FROM prompts AS p WHERE p.order_id = d.order_id AND p.note = ''
                  AND (p.kind = 'delivery' AND p.round = d.round OR p.kind = 'piece' AND d.round = 0))
       OR EXISTS (SELECT 1 FROM checks AS c WHERE c.order_id = d.order_id AND c.score IS NOT NULL
                     AND (c.kind = 'delivery' AND c.round = d.round OR c.kind = 'piece' AND d.round = 0)) AS assisted,
       d.round < o.round AS sent_back
FROM deliveries AS d JOIN orders AS o ON o.id = d.order_id WHERE d.state = 'confirmed';

-- The orders that have ended for good, each with since when. A completed one without a payout has ended 90 days
-- later. One that the marketplace disputes, that has work or an open call, or that is to be compared with the
-- marketplace has not. What is removed of history looks only here. over_at is for an index, and never after ended_at.
CREATE VIEW ended AS
SELECT o.id, coalesce(o.completed_at, o.changed_at) AS over_at,
       -- a time that cannot be read is NULL, and nothing of that order is removed
       CASE WHEN o.state = 'cancelled' THEN strftime('%Y-%m-%dT%H:%M:%fZ', max(o.changed_at, coalesce(o.completed_at, o.changed_at)))
            WHEN o.payout_tx <> '' OR o.payout_usd_micros IS NOT NULL
            THEN max(strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(o.completed_at, o.changed_at)),
                     strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(o.payout_at, o.completed_at, o.changed_at)))
            ELSE strftime('%Y-%m-%dT%H:%M:%fZ', coalesce(o.completed_at, o.changed_at), '+90 days') END AS ended_at,
       o.files_removed_at, o.attempts_removed_at, o.texts_removed_at
FROM orders AS o
WHERE o.state IN ('completed', 'cancelled') AND o.remote_status <> 'disputed' AND o.restored_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.order_id = o.id AND j.state IN ('ready', 'leased', 'held'))
  AND NOT EXISTS (SELECT 1 FROM jobs AS j JOIN calls AS c ON c.job_id = j.id
                   WHERE j.order_id = o.id AND c.state IN ('calling', 'submitted'));

-- What is wrong as the rows of the database show it. An order that the owner cancelled
-- is not, although the marketplace may still show it as open.
CREATE VIEW standing AS
SELECT 'order' AS what, o.id AS id, o.state AS state, o.code AS code, o.reason AS reason, o.hint AS hint,
       o.changed_at AS since, o.due_at AS due
  FROM orders AS o
 WHERE o.state NOT IN ('completed', 'cancelled') AND o.state IN ('held', 'failed') AND o.code <> 'owner'
UNION ALL
SELECT j.kind, j.order_id, j.state, j.code, j.reason, j.hint, j.changed_at, o.due_at
  FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
 WHERE j.state IN ('held', 'failed') AND j.kind IN ('piece', 'message') AND o.state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT CASE WHEN j.kind IN ('piece', 'message') THEN j.kind ELSE 'order' END, j.order_id, 'failing', j.code,
       'it has failed in the same way since ' || substr(j.failing_at, 1, 16) || 'Z: ' || j.reason, j.hint, j.stuck_at, o.due_at
  FROM jobs AS j JOIN orders AS o ON o.id = j.order_id
 WHERE j.stuck_at IS NOT NULL AND j.state IN ('ready', 'leased') AND j.code <> '' AND o.state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT 'thread', o.id, CASE WHEN o.thread_size < 50 THEN 'filling' ELSE 'full' END, 'thread_full',
       'its thread has ' || o.thread_size || ' messages, and the marketplace shows the oldest 50', '', o.changed_at, ''
  FROM orders AS o WHERE o.thread_size >= 45 AND o.state NOT IN ('completed', 'cancelled')
UNION ALL
SELECT 'service', s.title, s.state, '', s.reason, '', s.changed_at, '' FROM services AS s WHERE s.state = 'held'
UNION ALL
SELECT 'service', s.title, 'differs', 'listing_differs', s.reason, '', s.changed_at, '' FROM services AS s WHERE s.state = 'listed' AND s.reason <> ''
UNION ALL
-- A payout that failed, and was not asked for again since. The first condition is that of the index.
SELECT 'order', o.id, 'unpaid', 'payout_failed', 'its payout failed', '', o.completed_at, ''
  FROM events AS e INDEXED BY events_payout CROSS JOIN orders AS o
 WHERE e.kind IN ('payout failed', 'payout asked', 'payout refused') AND e.kind = 'payout failed'
   AND o.id = e.order_id AND o.completed_at IS NOT NULL AND o.state = 'completed' AND o.payout_tx = '' AND o.payout_usd_micros IS NULL
   AND NOT EXISTS (SELECT 1 FROM events AS l WHERE l.order_id = e.order_id AND l.id > e.id
                    AND l.kind IN ('payout failed', 'payout asked', 'payout refused') AND l.kind <> 'payout refused')
UNION ALL
SELECT 'row', 'row ' || u.fingerprint, 'unreadable', 'unreadable', u.reason, '', u.first_at, '' FROM unreadable AS u
UNION ALL
SELECT 'generator', substr(f.name, 17), 'paused', f.name, f.value, '', f.changed_at, ''
  FROM facts AS f WHERE f.name LIKE 'alert.generator.%'
UNION ALL
SELECT 'generator', substr(f.name, 13), 'ending', f.name, f.value, '', f.changed_at, ''
  FROM facts AS f WHERE f.name LIKE 'alert.model.%'
UNION ALL
SELECT CASE pauses.service WHEN '' THEN 'daemon' ELSE 'service' END,
       CASE pauses.service WHEN '' THEN 'alert.paused' ELSE pauses.service END, CASE pauses.service WHEN '' THEN 'held' ELSE 'paused' END,
       CASE pauses.service WHEN '' THEN 'alert.paused' ELSE 'alert.service_paused' END,
       'paused by ' || pauses.actor || coalesce(' until ' || replace(substr(pauses.until_at, 1, 16), 'T', ' ') || ' UTC', '')
       || CASE pauses.reason WHEN '' THEN '' ELSE ': ' || pauses.reason END, '', pauses.began_at, ''
  FROM pauses
UNION ALL
SELECT 'daemon', f.name, 'held', f.name, f.value, '', f.changed_at, ''
  FROM facts AS f WHERE f.name LIKE 'alert.%' AND f.name NOT LIKE 'alert.generator.%' AND f.name NOT LIKE 'alert.model.%';

-- What waits for the owner: what is wrong, and what the daemon's rules about time have
-- found, such as an order that is due soon. due is when an order that waits has to be delivered.
CREATE VIEW v_attention AS
SELECT what, id, state, code, reason, hint, since, due FROM standing
UNION ALL
SELECT a.what, a.subject, a.state, a.code, a.reason, a.hint, a.opened_at,
       coalesce((SELECT o.due_at FROM orders AS o WHERE o.id = a.subject AND a.what IN ('order', 'piece', 'message')), '')
  FROM alerts AS a WHERE a.closed_at IS NULL AND a.timed = 1;

-- Each alert, from when until when.
CREATE VIEW v_alerts AS
SELECT id, what, subject, code, event, reason, hint, opened_at, closed_at FROM alerts;

-- Each daemon and each heartbeat, with when it stopped or was found to have crashed, on which host and in which epoch.
CREATE VIEW v_runs AS
SELECT id, version, began_at, ended_at, crashed_at, note, host, epoch FROM runs;

-- Each message to the owner.
CREATE VIEW v_notifications AS
SELECT id, target, title, text, tries, created_at, due_at, sent_at, failed_at, reason FROM dispatches;

CREATE VIEW v_requests_hour AS
SELECT substr(r.at, 1, 13) || ':00Z' AS hour, r.kind AS kind,
       count(*) AS requests,
       sum(r.status BETWEEN 200 AND 299) AS answered,
       sum(r.status = 429) AS refused,
       sum(r.status >= 500) AS server_errors,
       sum(coalesce(r.status, 0) = 0) AS unanswered
FROM requests AS r GROUP BY hour, r.kind;
