-- name: next_event
-- Locks the batch, so that its events come one after the other.
UPDATE batch SET head_sequence = head_sequence + 1 WHERE id = :batch RETURNING head_sequence, head_hash

-- name: save_event
INSERT INTO event (batch_id, sequence, line, at, actor, from_state, to_state, detail, previous, hash)
VALUES (:batch_id, :sequence, :line, :at, :actor, :from_state, :to_state, :detail, :previous, :hash)

-- name: save_head
UPDATE batch SET head_hash = :hash WHERE id = :batch

-- name: events
SELECT * FROM event WHERE batch_id = :batch ORDER BY sequence

-- name: events_of_line
SELECT * FROM event WHERE batch_id = :batch AND line IN (0, :line) ORDER BY sequence

-- name: contradictions
-- Attestations whose state is not what the log says of them last.
SELECT line, state, said
FROM (SELECT a.line, a.state, COALESCE((
          SELECT e.to_state FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line ORDER BY e.sequence DESC LIMIT 1),
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
SELECT e.at FROM batch b JOIN event e ON e.batch_id = b.id AND e.sequence = b.head_sequence ORDER BY e.at DESC LIMIT 1

-- name: chain_heads
-- As many events as the batch says that it has, less those that came later.
SELECT b.id, b.file_name, b.row_count, e.hash AS head_hash,
    b.head_sequence - (SELECT COUNT(*) FROM event y WHERE y.batch_id = b.id AND y.at > :at) AS head_sequence
FROM batch b JOIN event e ON e.batch_id = b.id AND e.sequence = (
    SELECT x.sequence FROM event x WHERE x.batch_id = b.id AND x.at <= :at ORDER BY x.sequence DESC LIMIT 1)
WHERE b.imported_at <= :at
ORDER BY b.id DESC

-- name: chains
SELECT * FROM event WHERE batch_id <= :through ORDER BY batch_id, sequence
