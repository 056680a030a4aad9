-- name: PutBounty :exec
INSERT INTO bounties (id, title, brief, category, budget_usd_micros, deadline_hours, service, message, state, claimed_at, changed_at, epoch)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'claiming', ?, ?, (SELECT l.epoch FROM ledger AS l WHERE l.one = 1))
ON CONFLICT (id) DO UPDATE SET state = 'claiming', reason = '', code = '', rejected_at = NULL, service = excluded.service, message = excluded.message,
    claimed_at = excluded.claimed_at, changed_at = excluded.changed_at, epoch = excluded.epoch;

-- name: SetClaimID :exec
UPDATE bounties SET claim_id = ? WHERE id = ?;

-- name: EndClaim :exec
-- A claim that has become an order stays accepted, even if an older answer arrives later.
UPDATE bounties SET state = ?, reason = ?, changed_at = ? WHERE id = ? AND state <> 'accepted';

-- name: RefuseClaim :exec
UPDATE bounties SET state = 'refused', code = ?, reason = ?, changed_at = ? WHERE id = ? AND state <> 'accepted';

-- name: ForgetRefusedClaims :execrows
-- A bounty whose claim is forgotten may be claimed again.
DELETE FROM bounties WHERE state = 'refused' AND code = ?;

-- name: GetBounty :many
SELECT * FROM bounties WHERE id = ?;

-- name: BountyIDsEnding :many
-- The bounties whose id is the given text or, from six characters on, ends with it.
SELECT id FROM bounties WHERE substr(id, -6) = substr(CAST(sqlc.arg(ending) AS TEXT), -6) AND substr(id, -length(CAST(sqlc.arg(ending) AS TEXT))) = CAST(sqlc.arg(ending) AS TEXT) ORDER BY length(id), id LIMIT 5;

-- name: OpenBounties :many
SELECT * FROM bounties WHERE state IN ('claiming', 'pending');

-- name: ListBounties :many
SELECT * FROM bounties ORDER BY claimed_at DESC LIMIT ?;

-- name: WinBounty :exec
UPDATE bounties SET state = 'accepted', order_id = coalesce(nullif(sqlc.arg(order_id), ''), order_id), changed_at = sqlc.arg(changed_at)
WHERE id = sqlc.arg(id);

-- name: GetOneTimeAction :many
SELECT * FROM one_time_actions WHERE name = ?;

-- name: IntendOneTimeAction :exec
INSERT INTO one_time_actions (name, detail, state, sent_at) VALUES (?, ?, 'sending', ?)
ON CONFLICT (name) DO UPDATE SET detail = excluded.detail, state = 'sending', result = '', sent_at = excluded.sent_at, settled_at = NULL;

-- name: EndOneTimeAction :exec
UPDATE one_time_actions SET state = ?, result = ?, settled_at = ? WHERE name = ?;
