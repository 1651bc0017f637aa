-- name: let_go_when_stopped
-- PostgreSQL only: the locks of a process that is stopped in the middle of a transaction would keep every other host waiting until it wakes.
SET LOCAL idle_in_transaction_session_timeout = '5s'

-- name: next_claim
-- Approved, or sent with the answer lost, or left behind by a worker whose claim has run out.
SELECT batch_id, line, state FROM attestation
WHERE partner_id = :partner_id AND date_agreed <= :today AND state IN ('approved', 'sending', 'unsure') AND claim_expires <= {{now}}
  AND (:fresh OR state <> 'approved')
ORDER BY batch_id, line LIMIT 1 {{for update skip locked}}

-- name: claim
-- The request id is born here, and committed before anything is sent.
UPDATE attestation SET state = 'sending', claim_number = claim_number + 1, claim_expires = {{now}} + :seconds, claim_host = :host,
    claim_pid = :pid, claim_started = :started, request_id = CASE WHEN request_id = '' THEN :request_id ELSE request_id END
WHERE batch_id = :batch AND line = :line
RETURNING claim_number

-- name: claim_holders
SELECT DISTINCT claim_pid, claim_started FROM attestation
WHERE partner_id = :partner_id AND state = 'sending' AND claim_host = :host AND claim_expires > {{now}}

-- name: free_claims
UPDATE attestation SET claim_expires = 0
WHERE state = 'sending' AND claim_host = :host AND claim_pid = :pid AND claim_started = :started

-- name: count_ready
SELECT COUNT(*) FROM attestation
WHERE partner_id = :partner_id AND date_agreed <= :today AND state IN ('approved', 'sending', 'unsure') AND claim_expires <= {{now}}

-- name: mark_sent
-- The last word before a request leaves: the claim is held, and for longer than the request may take.
UPDATE attestation SET sends = sends + 1, sent_at = COALESCE(sent_at, :at), template_id = :template_id
WHERE batch_id = :batch AND line = :line AND state = 'sending' AND claim_number = :claim AND claim_expires > {{now}} + :spare

-- name: keep_answer
-- The answer that is about to be overwritten.
INSERT INTO attestation_answer (batch_id, line, answered_at, reason, message, hint, answer_status, answer_code, answer_request, answer_correlation)
SELECT batch_id, line, answered_at, reason, message, hint, answer_status, answer_code, answer_request, answer_correlation
FROM attestation
WHERE batch_id = :batch AND line = :line AND state = 'sending' AND claim_number = :claim AND answered_at IS NOT NULL
ON CONFLICT (batch_id, line, answered_at) DO NOTHING

-- name: complete
-- An unsure attestation rests for a moment: its request may still be under way. One that goes back to approved was certainly never taken, so
-- nothing need be read back before it is sent.
UPDATE attestation SET state = :to, sends = CASE WHEN :to = 'approved' THEN 0 ELSE sends END, reason = :reason, message = :message, hint = :hint, answered_at = :at, answer_status = :status,
    answer_code = :code, answer_request = :request, answer_correlation = :correlation,
    claim_expires = CASE WHEN :to = 'unsure' THEN {{now}} + :rest ELSE 0 END
WHERE batch_id = :batch AND line = :line AND state = 'sending' AND claim_number = :claim

-- name: decide
-- What a person decides: take back, or try again.
UPDATE attestation SET state = :to, claim_expires = 0 WHERE batch_id = :batch AND line = :line AND state = :from

-- name: attestation
SELECT a.*, p.first_name, p.last_name, p.email, p.phone, p.company_name, p.country, p.language, p.note, p.cells
FROM attestation a LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch AND a.line = :line

-- name: attestations
SELECT a.*, p.first_name, p.last_name, p.email, p.phone, p.company_name, p.country, p.language, p.note, p.cells
FROM attestation a LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch ORDER BY a.line

-- name: count_states
SELECT state, COUNT(*) AS n FROM attestation WHERE batch_id = :batch GROUP BY state

-- name: count_cooling_down
SELECT COUNT(*) FROM attestation WHERE partner_id = :partner_id AND state = 'unsure'

-- name: count_in_progress
-- In a worker's hands, or passed over because somebody's transaction, perhaps a dead one's, still holds the row.
SELECT COUNT(*) FROM attestation
WHERE partner_id = :partner_id AND (state = 'sending' OR state = 'approved' AND date_agreed <= :today)
