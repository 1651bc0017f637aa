-- name: state_then
-- A part of others: what the log says last of attestation a, of batch b, by then.
COALESCE((
    SELECT e.to_state FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line AND e.to_state <> '' AND e.at <= :at ORDER BY e.sequence DESC LIMIT 1),
    CASE WHEN a.admitted = 'queued' AND b.approved_at <= :at THEN 'approved' ELSE a.admitted END)

-- name: blocked_with_subscriptions
-- A part of others: a run's blocked customers s, each with the purchases p that were known then, if they had been read lately.
FROM standing s
LEFT JOIN customer_subscriptions p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :at)
  AND p.read_at > :fresh
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND s.standing = 'blocked'

-- name: blocked
-- newest is one text because neither a lateral join nor a row of values is the same in both databases. The + 0 keeps PostgreSQL from
-- walking the whole table in that order instead of looking the customer up.
SELECT s.*, COALESCE((
    SELECT CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) || ' ' || a.state_then
    FROM (SELECT a.batch_id, a.line, {{state_then}} AS state_then
          FROM attestation a JOIN batch b ON b.id = a.batch_id
          WHERE a.customer_id = s.customer_id AND a.partner_id = s.partner_id AND a.batch_id <= :through) a
    WHERE a.state_then NOT IN ('refused', 'duplicate', 'cancelled')
    ORDER BY a.batch_id + 0 DESC, a.line DESC LIMIT 1), '') AS newest, p.readable, p.active, p.next_renewal, p.next_lapse
{{blocked_with_subscriptions}}
ORDER BY s.blocked_since, s.name_sort, s.customer_id

-- name: count_subscriptions
SELECT COUNT(*) FILTER (WHERE p.readable AND p.active > 0) AS some, COUNT(*) FILTER (WHERE p.readable AND p.active = 0) AS none,
    COUNT(*) FILTER (WHERE NOT COALESCE(p.readable, FALSE)) AS unread
{{blocked_with_subscriptions}}

-- name: delivery_totals
-- Some states can only be reached by sending; in the others, sent_at tells.
SELECT partner_id, COUNT(*) AS row_count, COUNT(*) FILTER (WHERE sent) AS sent,
    COUNT(*) FILTER (WHERE state_then IN ('confirmed', 'already_on_record', 'refused_by_microsoft', 'failed', 'created', 'waiting', 'accepted', 'expired')) AS answered,
    COUNT(*) FILTER (WHERE state_then IN ('sending', 'unsure') AND sent) AS unsettled,
    COUNT(*) FILTER (WHERE state_then IN ('approved', 'cancelled') AND sent) AS returned
FROM (SELECT a.partner_id, COALESCE(a.sent_at <= :at, FALSE) AS sent, {{state_then}} AS state_then
      FROM attestation a JOIN batch b ON b.id = a.batch_id
      WHERE a.batch_id <= :through AND b.imported_at <= :at) a
GROUP BY partner_id

-- name: entries
SELECT a.*, p.first_name, p.last_name, p.email, b.file_name, b.sha256, b.imported_by, b.imported_user_id, b.imported_host, b.imported_source,
    b.imported_at, b.approved_by, b.approved_user_id, b.approved_host, b.approved_source, b.approved_at, b.approval_policy,
    {{state_then}} AS state_then,
    w.answered_at AS then_at, COALESCE(w.reason, '') AS then_reason, COALESCE(w.message, '') AS then_message, COALESCE(w.hint, '') AS then_hint,
    COALESCE(w.answer_status, 0) AS then_status, COALESCE(w.answer_code, '') AS then_code, COALESCE(w.answer_request, '') AS then_request,
    COALESCE(w.answer_correlation, '') AS then_correlation
FROM attestation a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
LEFT JOIN attestation_answer w ON a.answered_at > :at AND w.batch_id = a.batch_id AND w.line = a.line AND w.answered_at = (
    SELECT MAX(x.answered_at) FROM attestation_answer x WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.answered_at <= :at)
WHERE a.partner_id = :partner_id AND a.batch_id <= :through AND b.imported_at <= :at
ORDER BY a.batch_id DESC, a.line
