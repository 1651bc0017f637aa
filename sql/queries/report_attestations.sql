-- name: state_then
-- A part of others: what the log says last of attestation a, of batch b, by then.
COALESCE((
    SELECT e.to_state FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line AND e.to_state <> '' AND e.at <= :at ORDER BY e.sequence DESC LIMIT 1),
    CASE WHEN a.admitted = 'queued' AND b.approved_at <= :at THEN 'approved' ELSE a.admitted END)

-- name: not_about_customers
-- A part of others: the kinds of events that the log of a report leaves out.
('run', 'enrich', 'report', 'backup', 'migrate')

-- name: event_log
-- What people and the program did about customers by an instant, the newest first. earlier is the event before, about the same
-- attestation, or else its batch, or else about the same customer.
SELECT e.*, COALESCE(a.customer_name, (
    SELECT s.name FROM standing s WHERE s.partner_id = e.partner_id AND s.customer_id = e.customer_id ORDER BY s.valid_from LIMIT 1), '') AS customer_name,
    CASE WHEN e.batch_id IS NULL THEN (
        SELECT MAX(v.sequence) FROM event v
        WHERE v.partner_id = e.partner_id AND v.customer_id = e.customer_id AND v.sequence < e.sequence AND v.kind NOT IN {{not_about_customers}})
    ELSE COALESCE(
        (SELECT MAX(v.sequence) FROM event v WHERE v.batch_id = e.batch_id AND v.line = e.line AND v.sequence < e.sequence),
        (SELECT MAX(v.sequence) FROM event v WHERE v.batch_id = e.batch_id AND v.line IS NULL AND v.sequence < e.sequence)) END AS earlier
FROM event e
LEFT JOIN attestation a ON a.batch_id = e.batch_id AND a.line = e.line
WHERE e.at <= :at AND e.kind NOT IN {{not_about_customers}}
ORDER BY e.sequence DESC

-- name: event_numbers
SELECT e.sequence FROM event e WHERE e.at <= :at AND e.kind NOT IN {{not_about_customers}} ORDER BY e.sequence DESC

-- name: batch_states
-- The rows of each batch by what had become of them.
SELECT batch_id, CASE WHEN open_then THEN 'unsure' ELSE state_then END AS state, COUNT(*) AS n
FROM (SELECT a.batch_id, {{state_then}} AS state_then, {{open_then}} AS open_then
      FROM attestation a JOIN batch b ON b.id = a.batch_id
      {{sent_then}}
      WHERE a.batch_id <= :through AND b.imported_at <= :at) a
GROUP BY batch_id, CASE WHEN open_then THEN 'unsure' ELSE state_then END

-- name: confirmations
-- When Microsoft had each attestation, batch by batch, the earliest first.
SELECT e.batch_id, e.at FROM event e
WHERE e.to_state IN ('confirmed', 'already_on_record') AND e.batch_id <= :through AND e.at <= :at
ORDER BY e.batch_id, e.at

-- name: batches_then
SELECT * FROM batch WHERE id <= :through AND imported_at <= :at ORDER BY id DESC

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
-- Those that need a person come first, then those that wait for the customer, the longest first, then the newest.
SELECT a.*, p.first_name, p.last_name, p.email, b.file_name, b.sha256, b.imported_by, b.imported_user_id, b.imported_host, b.imported_source,
    b.imported_at, b.approved_by, b.approved_user_id, b.approved_host, b.approved_source, b.approved_at, b.approval_policy,
    {{moved_to}} AS state_then, CASE WHEN {{open_then}} THEN q.number ELSE 0 END AS open_then,
    z.at AS moved_at,
    CASE WHEN {{moved_to}} IN ('failed', 'refused_by_microsoft', 'expired') AND COALESCE(d.kind, '') <> 'correct' THEN 0
        WHEN {{open_then}} THEN 2
        WHEN {{moved_to}} = 'accepted' THEN 1
        WHEN {{moved_to}} IN ('created', 'waiting') THEN 3
        WHEN {{moved_to}} = 'queued' THEN 4
        ELSE 5 END AS need,
    CASE WHEN {{moved_to}} IN ('created', 'waiting') THEN z.at END AS waiting_since,
    COALESCE(
        (SELECT MAX(v.sequence) FROM event v WHERE v.batch_id = a.batch_id AND v.line = a.line AND v.at <= :at),
        (SELECT MAX(v.sequence) FROM event v WHERE v.batch_id = a.batch_id AND v.line IS NULL AND v.at <= :at)) AS last_event,
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
LEFT JOIN event z ON z.sequence = (
    SELECT MAX(x.sequence) FROM event x WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.to_state <> '' AND x.at <= :at)
{{sent_then}}
LEFT JOIN attestation_request r ON r.batch_id = q.batch_id AND r.line = q.line AND r.number = q.number AND r.answered_at <= :at
LEFT JOIN event d ON (a.state = 'cancelled' OR a.request_count > 0) AND d.sequence = (
    SELECT MAX(x.sequence) FROM event x
    WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.kind IN ('cancel', 'retry', 'correct') AND x.at <= :at)
WHERE a.partner_id = :partner_id AND a.batch_id <= :through AND b.imported_at <= :at
ORDER BY need, waiting_since, a.batch_id DESC, a.line

-- name: moved_to
-- A part of others: the state then of attestation a, of batch b; z is the event that moved it last.
COALESCE(z.to_state, CASE WHEN a.admitted = 'queued' AND b.approved_at <= :at THEN 'approved' ELSE a.admitted END)
