-- name: let_go_when_stopped
-- PostgreSQL only: the locks of a process that is stopped in the middle of a transaction would keep every other host waiting until it wakes.
SET LOCAL idle_in_transaction_session_timeout = '5s'

-- name: claim
-- What is new comes first, then what was tried, by when it may be tried again. What was put off after the submission
-- began is not taken again, unless its last request has no known outcome.
UPDATE attestation SET claim_number = claim_number + 1, claim_expires = {{now}} + :seconds, claim_host = :host,
    claim_pid = :pid, claim_started = :started
WHERE (batch_id, line) = (
    SELECT batch_id, line FROM attestation
    WHERE partner_id = :partner_id AND state IN ('approved', 'created', 'waiting', 'accepted') AND date_agreed <= :today
      AND next_attempt_at <= {{now}} AND claim_expires <= {{now}} AND state IN (:states)
      AND (open_request > 0 OR NOT :unsure AND next_attempt_at <= :began)
    ORDER BY next_attempt_at, batch_id, line LIMIT 1 {{for update skip locked}})
RETURNING batch_id, line

-- name: claimed
-- With the customer as the newest completed run read it.
SELECT {{attestation_columns}}, b.even_if_clear, b.imported_at, b.approved_at,
    s.display_id, s.standing, s.reason AS standing_reason, s.date_agreed AS on_record_date, s.signer_first AS on_record_first,
    s.signer_last AS on_record_last, s.signer_email AS on_record_email, s.signer_phone AS on_record_phone,
    (SELECT x.oldest_reading FROM run x WHERE x.partner_id = a.partner_id AND x.state = 'completed' ORDER BY x.id DESC LIMIT 1) AS oldest_reading
FROM attestation a
LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
JOIN batch b ON b.id = a.batch_id
LEFT JOIN standing s ON s.partner_id = a.partner_id AND s.customer_id = a.customer_id AND s.valid_to IS NULL
WHERE a.batch_id = :batch AND a.line = :line

-- name: claimed_requests
-- What was sent of it. Apart from claimed, because most claims are of attestations of which nothing was, and planning this
-- takes the database longer than all else of a claim.
SELECT {{request_columns}}, r.number, r.kind, r.template_id, r.content, r.result, r.sent_at AS last_sent_at,
    (SELECT e.at FROM attestation_link k JOIN event e ON e.sequence = k.event
     WHERE k.batch_id = a.batch_id AND k.line = a.line AND k.creation = a.creation AND k.kind = 'link' AND {{not_failed}}
     ORDER BY k.event LIMIT 1) AS link_at,
    EXISTS (SELECT 1 FROM attestation_link k JOIN attestation_link_result x ON x.link = k.event AND x.outcome <> 'failed'
     WHERE k.batch_id = a.batch_id AND k.line = a.line AND k.creation = a.creation AND k.kind = 'reminder') AS reminded,
    EXISTS (SELECT 1 FROM attestation_link k JOIN attestation_link_result x ON x.link = k.event AND x.outcome <> 'failed'
     WHERE k.batch_id = a.batch_id AND k.line = a.line AND k.creation = a.creation AND k.kind = 'last') AS last_reminded,
    (SELECT COUNT(*) FROM attestation_request t WHERE t.batch_id = a.batch_id AND t.line = a.line AND t.request_id = r.request_id AND t.kind <> 'read') AS tries,
    (SELECT t.sent_at FROM attestation_request t WHERE t.batch_id = a.batch_id AND t.line = a.line AND t.request_id = r.request_id
     ORDER BY t.number LIMIT 1) AS tried_since
FROM attestation a
LEFT JOIN attestation_request r ON r.batch_id = a.batch_id AND r.line = a.line AND r.number = a.request_count
WHERE a.batch_id = :batch AND a.line = :line

-- name: claim_holders
SELECT DISTINCT claim_pid, claim_started FROM attestation
WHERE partner_id = :partner_id AND state IN ('approved', 'created', 'waiting', 'accepted') AND claim_host = :host AND claim_expires > {{now}}

-- name: free_claims
UPDATE attestation SET claim_expires = 0
WHERE state IN ('approved', 'created', 'waiting', 'accepted') AND claim_host = :host AND claim_pid = :pid AND claim_started = :started

-- name: count_ready
SELECT COUNT(*) FROM attestation
WHERE partner_id = :partner_id AND state IN ('approved', 'created', 'waiting', 'accepted') AND state IN (:states) AND date_agreed <= :today
  AND next_attempt_at <= {{now}} AND claim_expires <= {{now}}

-- name: open_requests
-- How many have a request whose outcome is not known and no worker, and in how many seconds all of them may be claimed.
SELECT COUNT(*) AS n, COALESCE(MAX(next_attempt_at) - {{now}}, 0) AS seconds FROM attestation
WHERE partner_id = :partner_id AND state IN ('approved', 'created', 'waiting', 'accepted') AND open_request > 0 AND claim_expires <= {{now}}

-- name: count_unsettled
-- Others: not sent though they could be, or with a request whose outcome is not known.
SELECT COUNT(*) FILTER (WHERE state = 'created') AS created, COUNT(*) FILTER (WHERE state = 'waiting') AS waiting,
    COUNT(*) FILTER (WHERE state = 'accepted') AS accepted,
    COUNT(*) FILTER (WHERE state <> 'accepted' AND (open_request > 0 OR state = 'approved' AND date_agreed <= :today)) AS others
FROM attestation WHERE partner_id = :partner_id AND state IN ('approved', 'created', 'waiting', 'accepted')

-- name: open_request
-- The claim must be held for longer than the request may take.
UPDATE attestation SET request_count = request_count + 1, open_request = request_count + 1, next_attempt_at = {{now}} + :wait
WHERE batch_id = :batch AND line = :line AND claim_number = :claim AND claim_expires > {{now}} + :spare
RETURNING open_request

-- name: save_request
INSERT INTO attestation_request (batch_id, line, number, kind, request_id, template_id, content, claim_number, sent_at)
VALUES (:batch, :line, :number, :kind, :request_id, :template_id, :content, :claim, :at)

-- name: save_read
-- A read that settled something: it was sent and answered. It has the id of the request that it settled.
INSERT INTO attestation_request (batch_id, line, number, kind, request_id, template_id, claim_number, sent_at)
VALUES (:batch, :line, :number, 'read', :request_id, '', :claim, :at)

-- name: save_answer
UPDATE attestation_request SET answered_at = :at, result = :result, reason = :reason, message = :message, hint = :hint,
    answer_status = :status, answer_code = :code, answer_request_id = :answer_request_id, answer_correlation_id = :correlation_id
WHERE batch_id = :batch AND line = :line AND number = :number

-- name: release
UPDATE attestation SET claim_expires = 0, next_attempt_at = CASE WHEN CAST(:wait AS DOUBLE PRECISION) > 0 THEN {{now}} + :wait ELSE next_attempt_at END
WHERE batch_id = :batch AND line = :line AND claim_number = :claim AND claim_expires > 0

-- name: settle
UPDATE attestation SET state = :to, claim_expires = 0,
    request_count = request_count + :reads, open_request = CASE WHEN :open THEN open_request ELSE 0 END,
    next_attempt_at = CASE WHEN CAST(:wait AS DOUBLE PRECISION) > 0 THEN {{now}} + :wait ELSE 0 END
WHERE batch_id = :batch AND line = :line AND state = :from AND claim_number = :claim AND claim_expires > 0
RETURNING request_count, open_request

-- name: save_enhanced
UPDATE attestation SET creation = :creation, accept_link = :accept_link, expires_at = :expires_at, accepted_on = :accepted_on, document_url = :document_url,
    document_sha256 = :document_sha256, document_fetched_at = :document_fetched_at
WHERE batch_id = :batch AND line = :line

-- name: decide
-- What a person decides: cancel, or retry.
UPDATE attestation SET state = :to, claim_expires = 0, next_attempt_at = 0
WHERE batch_id = :batch AND line = :line AND state = :from AND open_request = 0
RETURNING partner_id, customer_id

-- name: attestation_columns
-- A part of others.
a.*, p.first_name, p.last_name, p.email, p.phone, p.company_name, p.country, p.language, p.note, p.cells

-- name: request_columns
-- A part of others: the newest request about an attestation, and when it was first sent.
r.request_id, r.answered_at, r.reason AS last_reason, r.message AS last_message, r.hint AS last_hint,
    r.answer_status, r.answer_code, r.answer_request_id, r.answer_correlation_id,
    (SELECT x.sent_at FROM attestation_request x
     WHERE a.request_count > 0 AND x.batch_id = a.batch_id AND x.line = a.line AND x.kind <> 'read'
     ORDER BY x.number LIMIT 1) AS sent_at

-- name: from_attestations
-- A part of others: attestations with their signers, and with their newest requests.
FROM attestation a
LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
LEFT JOIN attestation_request r ON a.request_count > 0 AND r.batch_id = a.batch_id AND r.line = a.line AND r.number = a.request_count

-- name: attestation
SELECT {{attestation_columns}}, {{request_columns}} {{from_attestations}}
WHERE a.batch_id = :batch AND a.line = :line

-- name: attestations
SELECT {{attestation_columns}}, {{request_columns}} {{from_attestations}}
WHERE a.batch_id = :batch ORDER BY a.line

-- name: requests
SELECT * FROM attestation_request WHERE batch_id = :batch AND line = :line ORDER BY number

-- name: count_all_statuses
SELECT CASE WHEN open_request > 0 THEN 'unsure' ELSE state END AS status, COUNT(*) AS n
FROM attestation GROUP BY 1

-- name: count_statuses
SELECT CASE WHEN open_request > 0 THEN 'unsure' ELSE state END AS status, COUNT(*) AS n
FROM attestation WHERE batch_id = :batch GROUP BY 1

-- name: not_failed
-- A part of others: link k was handed over, or may have been.
NOT EXISTS (SELECT 1 FROM attestation_link_result x WHERE x.link = k.event AND x.outcome = 'failed')

-- name: hold_claim
UPDATE attestation SET claim_number = claim_number
WHERE batch_id = :batch AND line = :line AND claim_number = :claim AND claim_expires > {{now}}

-- name: given_link
-- The newest message of a kind that was handed over, or may have been.
SELECT k.event, NOT EXISTS (SELECT 1 FROM attestation_link_result x WHERE x.link = k.event) AS open FROM attestation_link k
WHERE k.batch_id = :batch AND k.line = :line AND k.creation = :creation AND k.kind = :kind AND {{not_failed}}
ORDER BY k.event DESC LIMIT 1

-- name: signer_address
SELECT salt, email FROM attestation_signer WHERE batch_id = :batch AND line = :line

-- name: save_link
INSERT INTO attestation_link (event, batch_id, line, creation, kind, channel, recipient_digest)
VALUES (:event, :batch_id, :line, :creation, :kind, :channel, :recipient_digest)

-- name: link_attestation
SELECT a.batch_id, a.line, a.partner_id, a.customer_id
FROM attestation_link k JOIN attestation a ON a.batch_id = k.batch_id AND a.line = k.line
WHERE k.event = :link

-- name: save_link_result
INSERT INTO attestation_link_result (link, event, outcome, reason) VALUES (:link, :event, :outcome, :reason)

-- name: renew
-- Expired attestations, unless Microsoft has created them so often already, or a newer row is about the same customer.
UPDATE attestation SET state = 'approved', next_attempt_at = 0
WHERE partner_id = :partner_id AND state = 'expired' AND creation < :most AND NOT EXISTS (
    SELECT 1 FROM attestation x
    WHERE x.partner_id = attestation.partner_id AND x.customer_id = attestation.customer_id AND x.batch_id > attestation.batch_id
      AND x.state IN ('queued', 'approved', 'created', 'waiting', 'accepted', 'confirmed', 'already_on_record', 'failed'))
RETURNING batch_id, line, customer_id

-- name: sample_link
SELECT batch_id, line, creation, accept_link FROM attestation
WHERE partner_id = :partner_id AND accept_link <> '' AND state IN ('created', 'waiting', 'accepted') LIMIT 1

-- name: links_with_events
SELECT k.*, COALESCE(e.detail, '') AS detail FROM attestation_link k
LEFT JOIN event e ON e.sequence = k.event AND e.batch_id = k.batch_id AND e.line = k.line
ORDER BY k.event

-- name: link_results_with_events
SELECT r.*, COALESCE(e.detail, '') AS detail FROM attestation_link_result r
LEFT JOIN event e ON e.sequence = r.event
ORDER BY r.event

-- name: missing_links
-- Events of links of which there is no row.
SELECT e.sequence FROM event e
WHERE e.kind IN ('link', 'remind') AND NOT EXISTS (SELECT 1 FROM attestation_link k WHERE k.event = e.sequence)
  AND NOT EXISTS (SELECT 1 FROM attestation_link_result r WHERE r.event = e.sequence)
ORDER BY e.sequence LIMIT 100
