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
-- The newest event of an instant, and how many came after it.
SELECT e.sequence, e.hash, (SELECT COUNT(*) FROM event x WHERE x.sequence > e.sequence) AS later
FROM event e WHERE e.sequence = (SELECT MAX(y.sequence) FROM event y WHERE y.at <= :at)

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

-- name: answers
-- What the ledger says of each attestation's last answer, with what the log says of it.
SELECT a.line, a.reason, a.answer_status, a.answer_code, a.answer_request, a.answer_correlation, e.detail
FROM attestation a JOIN event e ON e.batch_id = a.batch_id AND e.line = a.line
WHERE a.batch_id = :batch AND e.sequence = (
    SELECT MAX(x.sequence) FROM event x WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.from_state = 'sending' AND x.to_state <> 'sending')
ORDER BY a.line

-- name: signer_rows
SELECT p.*, a.signer_digest FROM attestation_signer p JOIN attestation a ON a.batch_id = p.batch_id AND a.line = p.line
WHERE p.batch_id = :batch ORDER BY p.line

-- name: last_event
-- A report tells nothing that was not in the ledger before.
SELECT at FROM event WHERE kind NOT IN ('report', 'backup', 'migrate') ORDER BY at DESC LIMIT 1

-- name: batch_heads
-- Batches imported by an instant, the newest first, with their events by then.
SELECT b.id, b.file_name, b.row_count, e.sequence AS head_sequence, e.hash AS head_hash,
    (SELECT COUNT(*) FROM event y WHERE y.batch_id = b.id AND y.at <= :at) AS events
FROM batch b JOIN event e ON e.sequence = (SELECT MAX(x.sequence) FROM event x WHERE x.batch_id = b.id AND x.at <= :at)
WHERE b.imported_at <= :at
ORDER BY b.id DESC
