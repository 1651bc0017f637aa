-- name: lock_chain_head
-- Held to the end of the transaction. Taken last, so that nobody who holds it waits for another lock.
SELECT sequence, hash FROM chain_head WHERE id = 1 {{for update}}

-- name: chain_head
SELECT sequence, hash FROM chain_head WHERE id = 1

-- name: save_events
INSERT INTO event (sequence, at, kind, batch_id, line, run_id, partner_id, customer_id, actor, user_id, host, source,
    from_state, to_state, detail, previous, hash)
VALUES (:sequence, :at, :kind, :batch_id, :line, :run_id, :partner_id, :customer_id, :actor, :user_id, :host, :source,
    :from_state, :to_state, :detail, :previous, :hash)

-- name: save_chain_head
UPDATE chain_head SET sequence = :sequence, hash = :hash WHERE id = 1

-- name: event
SELECT * FROM event WHERE sequence = :sequence

-- name: events
SELECT * FROM event ORDER BY sequence

-- name: events_of_batch
SELECT * FROM event WHERE batch_id = :batch ORDER BY sequence

-- name: events_of_line
SELECT * FROM event WHERE batch_id = :batch AND (line IS NULL OR line = :line) ORDER BY sequence

-- name: chain_head_then
-- The newest event of an instant, and how many came after it. To write a report changes nothing that the next one says.
SELECT e.sequence, e.hash, (SELECT COUNT(*) FROM event x WHERE x.sequence > e.sequence) AS later
FROM event e WHERE e.sequence = (
    SELECT MAX(y.sequence) FROM event y WHERE y.at <= :at AND y.kind NOT IN ({{silent}}))

-- name: count_resumed
SELECT COUNT(*) FROM event WHERE kind = 'resume_sending' AND detail = :detail

-- name: contradictions
-- Attestations whose state is not what the log says of them last.
SELECT line, state, said
FROM (SELECT a.line, a.state, COALESCE((
          SELECT e.to_state FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line AND e.to_state <> '' ORDER BY e.sequence DESC LIMIT 1),
          CASE WHEN a.admitted = 'queued' AND b.approved_at IS NOT NULL THEN 'approved' ELSE a.admitted END) AS said
      FROM attestation a JOIN batch b ON b.id = a.batch_id
      WHERE a.batch_id = :batch) a
WHERE state <> said
ORDER BY line LIMIT 100

-- name: request_events
-- Each request with every event of its attestation.
SELECT r.*, e.kind AS event_kind, e.at, e.detail, COALESCE(p.salt, '') AS salt
FROM attestation_request r JOIN event e ON e.batch_id = r.batch_id AND e.line = r.line
LEFT JOIN attestation_signer p ON p.batch_id = r.batch_id AND p.line = r.line
WHERE r.batch_id = :batch
ORDER BY r.line, r.number, e.sequence

-- name: request_words
SELECT r.message, r.hint, COALESCE(p.salt, '') AS salt
FROM attestation_request r LEFT JOIN attestation_signer p ON p.batch_id = r.batch_id AND p.line = r.line
WHERE r.batch_id = :batch AND r.line = :line AND r.number = :number

-- name: enhanced_columns
SELECT a.creation, a.accept_link, a.expires_at, a.accepted_on, a.document_url, a.document_sha256, a.document_fetched_at, COALESCE(p.salt, '') AS salt
FROM attestation a LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch AND a.line = :line

-- name: enhanced_events
-- What the enhanced route knows of each attestation, with the last event that says so.
SELECT a.line, a.creation, a.accept_link, a.expires_at, a.accepted_on, a.document_url, a.document_sha256, a.document_fetched_at,
    COALESCE(p.salt, '') AS salt, (
        SELECT e.detail FROM event e
        WHERE e.batch_id = a.batch_id AND e.line = a.line AND e.kind IN ('answer', 'settle', 'expire') ORDER BY e.sequence DESC LIMIT 1) AS detail
FROM attestation a LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch ORDER BY a.line

-- name: missing_requests
-- Lines that do not have as many requests as they count, or not as many as were sent, or whose newest request is not the
-- one that they call open.
SELECT a.line FROM attestation a
LEFT JOIN (SELECT line, COUNT(*) AS n, COUNT(*) FILTER (WHERE kind <> 'read') AS sent
           FROM attestation_request WHERE batch_id = :batch GROUP BY line) r ON r.line = a.line
LEFT JOIN (SELECT line, COUNT(*) AS n FROM event WHERE batch_id = :batch AND kind = 'send' GROUP BY line) e ON e.line = a.line
LEFT JOIN attestation_request q ON q.batch_id = a.batch_id AND q.line = a.line AND q.number = a.request_count
WHERE a.batch_id = :batch AND (a.request_count <> COALESCE(r.n, 0) OR COALESCE(r.sent, 0) <> COALESCE(e.n, 0)
    OR a.open_request <> CASE WHEN q.number IS NOT NULL AND (q.answered_at IS NULL OR q.result = 'unknown') THEN q.number ELSE 0 END)
ORDER BY a.line LIMIT 100

-- name: signer_rows
SELECT p.*, a.signer_digest FROM attestation_signer p JOIN attestation a ON a.batch_id = p.batch_id AND a.line = p.line
WHERE p.batch_id = :batch ORDER BY p.line

-- name: missing_signers
-- Attestations without a signer, in batches that were not purged.
SELECT a.batch_id, a.line FROM attestation a
WHERE NOT EXISTS (SELECT 1 FROM attestation_signer p WHERE p.batch_id = a.batch_id AND p.line = a.line)
  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.batch_id = a.batch_id AND e.kind = 'purge')
ORDER BY a.batch_id, a.line LIMIT 100

-- name: orphans
-- Rows that belong to no batch, attestation, run or reading. The last two have no batch.
SELECT 'attestation' AS place, a.batch_id, a.line FROM attestation a
WHERE NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = a.batch_id)
UNION ALL
SELECT 'attestation_signer', p.batch_id, p.line FROM attestation_signer p
WHERE NOT EXISTS (SELECT 1 FROM attestation a WHERE a.batch_id = p.batch_id AND a.line = p.line)
UNION ALL
SELECT 'attestation_request', r.batch_id, r.line FROM attestation_request r
WHERE NOT EXISTS (SELECT 1 FROM attestation a WHERE a.batch_id = r.batch_id AND a.line = r.line)
UNION ALL
SELECT 'run_check', 0, c.position FROM run_check c
WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = c.run_id)
UNION ALL
SELECT 'customer_subscription', 0, d.position FROM customer_subscription d
WHERE NOT EXISTS (SELECT 1 FROM customer_subscriptions h
                  WHERE h.partner_id = d.partner_id AND h.customer_id = d.customer_id AND h.since = d.since)
ORDER BY place, batch_id, line LIMIT 100

-- name: last_copied
SELECT at FROM event WHERE kind IN ('backup', 'migrate', 'resume_sending') ORDER BY at DESC LIMIT 1

-- name: last_event
SELECT at FROM event WHERE kind NOT IN ({{silent}}) ORDER BY at DESC LIMIT 1

-- name: batch_heads
-- Batches imported by an instant, the newest first, with their events by then.
SELECT b.id, b.file_name, b.row_count, e.sequence AS head_sequence, e.hash AS head_hash,
    (SELECT COUNT(*) FROM event y WHERE y.batch_id = b.id AND y.at <= :at) AS events
FROM batch b JOIN event e ON e.sequence = (SELECT MAX(x.sequence) FROM event x WHERE x.batch_id = b.id AND x.at <= :at)
WHERE b.imported_at <= :at
ORDER BY b.id DESC

-- name: quick_check
-- SQLite only, like the next one.
PRAGMA quick_check

-- name: integrity_check
PRAGMA integrity_check

-- name: count_event_triggers
SELECT COUNT(*) FROM {{triggers}}
