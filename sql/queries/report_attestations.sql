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
    SELECT CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) || ' ' || CASE WHEN a.open_then THEN 'unsure' ELSE a.state_then END
    FROM (SELECT a.batch_id, a.line, {{state_then}} AS state_then, {{open_then}} AS open_then
          FROM attestation a JOIN batch b ON b.id = a.batch_id
          {{sent_then}}
          WHERE a.customer_id = s.customer_id AND a.partner_id = s.partner_id AND a.batch_id <= :through) a
    WHERE a.state_then NOT IN ('refused', 'duplicate', 'cancelled')
    ORDER BY a.batch_id + 0 DESC, a.line DESC LIMIT 1), '') AS newest, p.readable, p.active, p.next_renewal, p.next_lapse
{{blocked_with_subscriptions}}
ORDER BY s.blocked_since, s.name_sort, s.customer_id

-- name: count_subscriptions
SELECT COUNT(*) FILTER (WHERE p.readable AND p.active > 0) AS some, COUNT(*) FILTER (WHERE p.readable AND p.active = 0) AS none,
    COUNT(*) FILTER (WHERE NOT COALESCE(p.readable, FALSE)) AS unread
{{blocked_with_subscriptions}}

-- name: sent_then
-- A part of others: the newest request q of attestation a that had been sent by then.
LEFT JOIN attestation_request q ON a.request_count > 0 AND q.batch_id = a.batch_id AND q.line = a.line AND q.number = (
    SELECT MAX(x.number) FROM attestation_request x
    WHERE a.request_count > 0 AND x.batch_id = a.batch_id AND x.line = a.line AND x.sent_at <= :at)

-- name: open_then
-- A part of others: whether the outcome of request q of attestation a was not known then.
q.number IS NOT NULL AND (q.answered_at IS NULL OR q.answered_at > :at OR q.result = 'unknown')

-- name: delivery_totals
-- Everything that was ever sent was answered, is open, or was returned.
SELECT partner_id, COUNT(*) AS row_count, COUNT(*) FILTER (WHERE sent) AS sent,
    COUNT(*) FILTER (WHERE sent AND NOT open AND state_then NOT IN ('approved', 'cancelled', 'cleared')) AS answered,
    COUNT(*) FILTER (WHERE sent AND open) AS unsettled,
    COUNT(*) FILTER (WHERE sent AND NOT open AND state_then IN ('approved', 'cancelled', 'cleared')) AS returned
FROM (SELECT a.partner_id, {{state_then}} AS state_then, {{open_then}} AS open,
          q.number IS NOT NULL AND EXISTS (
              SELECT 1 FROM attestation_request x
              WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.kind <> 'read' AND x.sent_at <= :at) AS sent
      FROM attestation a JOIN batch b ON b.id = a.batch_id
      {{sent_then}}
      WHERE a.batch_id <= :through AND b.imported_at <= :at) a
GROUP BY partner_id

-- name: entries
SELECT a.*, p.first_name, p.last_name, p.email, b.file_name, b.sha256, b.imported_by, b.imported_user_id, b.imported_host, b.imported_source,
    b.imported_at, b.approved_by, b.approved_user_id, b.approved_host, b.approved_source, b.approved_at, b.approval_policy,
    {{state_then}} AS state_then, CASE WHEN {{open_then}} THEN q.number ELSE 0 END AS open_then,
    q.request_id, r.answered_at, r.reason AS last_reason, r.message AS last_message, r.hint AS last_hint,
    r.answer_status, r.answer_code, r.answer_request_id, r.answer_correlation_id,
    (SELECT x.sent_at FROM attestation_request x
     WHERE q.number > 0 AND x.batch_id = a.batch_id AND x.line = a.line AND x.kind <> 'read' AND x.sent_at <= :at
     ORDER BY x.number LIMIT 1) AS sent_at,
    d.kind AS decision, d.actor AS decided_by, d.user_id AS decided_user_id, d.host AS decided_host, d.source AS decided_source,
    d.at AS decided_at, d.from_state AS decided_from
FROM attestation a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
{{sent_then}}
LEFT JOIN attestation_request r ON r.batch_id = q.batch_id AND r.line = q.line AND r.number = q.number AND r.answered_at <= :at
LEFT JOIN event d ON (a.state = 'cancelled' OR a.request_count > 0) AND d.sequence = (
    SELECT MAX(x.sequence) FROM event x
    WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.kind IN ('cancel', 'retry', 'correct') AND x.at <= :at)
WHERE a.partner_id = :partner_id AND a.batch_id <= :through AND b.imported_at <= :at
ORDER BY a.batch_id DESC, a.line
