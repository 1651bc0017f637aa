-- name: subscriptions_then
-- A part of others: the subscriptions p of customer s that were known then, if they had been read lately.
LEFT JOIN customer_subscriptions p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :at)
  AND p.read_at > :fresh

-- name: reseller_then
-- A part of others: the indirect reseller w of customer s as it was known then, and its name n.
LEFT JOIN customer_reseller w ON w.partner_id = s.partner_id AND w.customer_id = s.customer_id AND w.since = (
    SELECT MAX(x.since) FROM customer_reseller x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :at)
LEFT JOIN reseller n ON w.readable AND n.partner_id = w.partner_id AND n.reseller_id = w.reseller_id AND n.since = (
    SELECT MAX(x.since) FROM reseller x WHERE x.partner_id = w.partner_id AND x.reseller_id = w.reseller_id AND x.since <= :at)

-- name: reseller_columns
-- A part of others.
COALESCE(w.readable, FALSE) AS reseller_read, CASE WHEN w.readable THEN w.reseller_id ELSE '' END AS reseller_id,
    COALESCE(n.name, '') AS reseller_name

-- name: exception_then
-- A part of others: the exception x of customer s that was in force then.
LEFT JOIN exception x ON x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND NOT x.removed AND x.event = (
    SELECT MAX(y.event) FROM exception y JOIN event ey ON ey.sequence = y.event
    WHERE y.partner_id = s.partner_id AND y.customer_id = s.customer_id AND ey.at <= :at)

-- name: exception_columns
-- A part of others.
COALESCE(x.owner, '') AS exception_owner, COALESCE(x.due_on, '') AS exception_due_on, COALESCE(x.comment, '') AS exception_comment,
    COALESCE(x.accepted_until, '') AS exception_accepted_until

-- name: blocked
-- newest is one text because neither a lateral join nor a row of values is the same in both databases. The + 0 keeps PostgreSQL from
-- walking the whole table in that order instead of looking the customer up.
SELECT s.*, COALESCE((
    SELECT CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) || ' ' || CASE WHEN a.open_then THEN 'unsure' ELSE a.state_then END
    FROM (SELECT a.batch_id, a.line, {{state_then}} AS state_then, {{open_then}} AS open_then
          FROM attestation a JOIN batch b ON b.id = a.batch_id
          {{sent_then}}
          WHERE a.customer_id = s.customer_id AND a.partner_id = s.partner_id AND a.batch_id <= :through
              AND a.admitted NOT IN ('refused', 'duplicate')) a
    WHERE a.state_then NOT IN ('refused', 'duplicate', 'cancelled')
    ORDER BY a.batch_id + 0 DESC, a.line DESC LIMIT 1), '') AS newest, p.readable, p.active, p.next_renewal, p.next_lapse,
    COALESCE((SELECT SUM(d.seats) FROM customer_subscription d
        WHERE d.partner_id = p.partner_id AND d.customer_id = p.customer_id AND d.since = p.since AND d.status = 'active'), 0) AS seats,
    (SELECT e.at FROM invitation i JOIN event e ON e.sequence = i.event LEFT JOIN invitation_result r ON r.invitation = i.event
     WHERE i.partner_id = s.partner_id AND i.customer_id = s.customer_id AND e.at <= :at AND COALESCE(r.outcome, '') <> 'failed'
     ORDER BY i.event DESC LIMIT 1) AS invited_at,
    (SELECT e.at FROM event e
     WHERE e.partner_id = s.partner_id AND e.customer_id = s.customer_id AND e.at <= :at AND e.to_state IN ('confirmed', 'already_on_record')
     ORDER BY e.sequence DESC LIMIT 1) AS confirmed_at,
    (SELECT MAX(v.sequence) FROM event v
     WHERE v.partner_id = s.partner_id AND v.customer_id = s.customer_id AND v.at <= :at AND v.kind NOT IN {{not_about_customers}}) AS last_event,
    {{exception_columns}}, {{reseller_columns}}
FROM standing s
{{subscriptions_then}}
{{exception_then}}
{{reseller_then}}
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND s.standing = 'blocked'
ORDER BY s.blocked_since, s.name_sort, s.customer_id

-- name: customer_entries
SELECT s.*, {{reseller_columns}}
FROM standing s
{{reseller_then}}
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND (:standing = '' OR s.standing = :standing)
ORDER BY s.name_sort, s.customer_id

-- name: renewals
-- Of blocked customers in one run of each partner: those that lapse before those that renew by themselves and those without a date,
-- the soonest first.
SELECT s.*, d.subscription_id, d.product, d.seats, d.term, d.ends, d.auto_renew, d.trial, {{exception_columns}}, {{reseller_columns}}
FROM run u
JOIN standing s ON s.partner_id = u.partner_id AND {{valid s u.id}}
{{subscriptions_then}}
JOIN customer_subscription d ON d.partner_id = p.partner_id AND d.customer_id = p.customer_id AND d.since = p.since AND d.status = 'active'
{{exception_then}}
{{reseller_then}}
WHERE u.id IN (:runs) AND s.standing = 'blocked' AND p.readable
ORDER BY CASE WHEN d.ends = '' THEN 2 WHEN d.auto_renew THEN 1 ELSE 0 END, d.ends, u.partner_name {{bytewise}}, u.partner_id,
    s.name_sort, s.customer_id, d.position

-- name: count_renewals
SELECT COUNT(*)
FROM standing s
{{subscriptions_then}}
JOIN customer_subscription d ON d.partner_id = p.partner_id AND d.customer_id = p.customer_id AND d.since = p.since AND d.status = 'active'
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND s.standing = 'blocked' AND p.readable

-- name: exceptions_then
-- Those in force at an instant, each with its customer as a completed run left it.
SELECT x.*, e.at, e.actor, e.user_id, e.host, e.source, COALESCE(z.name, '') AS name, COALESCE(z.domain, '') AS domain,
    COALESCE(z.display_id, x.customer_id) AS display_id, COALESCE(s.standing, '') AS standing, s.blocked_since
FROM exception x
JOIN event e ON e.sequence = x.event
LEFT JOIN standing s ON s.partner_id = x.partner_id AND s.customer_id = x.customer_id AND {{valid s :run}}
LEFT JOIN standing z ON z.partner_id = x.partner_id AND z.customer_id = x.customer_id AND z.valid_from = (
    SELECT MAX(y.valid_from) FROM standing y WHERE y.partner_id = x.partner_id AND y.customer_id = x.customer_id AND y.valid_from <= :run)
WHERE x.partner_id = :partner_id AND NOT x.removed AND x.event = (
    SELECT MAX(y.event) FROM exception y JOIN event ey ON ey.sequence = y.event
    WHERE y.partner_id = x.partner_id AND y.customer_id = x.customer_id AND ey.at <= :at)
ORDER BY x.event
