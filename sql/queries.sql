-- The statements of the ledger, one text for both databases. {{now}} is the database's own clock; another name in braces
-- stands for the text of that name, where several statements must say the same.
-- Two rules keep them alike: write CAST(x AS t), never the double colon, and keep trailing comments out of statements.

-- ---------------------------------------------------------------------------------------------------------------------
-- Partners and leases

-- name: save_partner
INSERT INTO partner (id, name, kind) VALUES (:id, :name, :kind)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind

-- name: take_lease
-- Free, run out, or known to be a dead process's (dead is that holder's number, 0 for nobody).
INSERT INTO lease (partner_id, number, host, pid, pid_started, expires_at)
VALUES (:partner_id, 1, :host, :pid, :pid_started, {{now}} + :seconds)
ON CONFLICT (partner_id) DO UPDATE
SET number = lease.number + 1, host = excluded.host, pid = excluded.pid, pid_started = excluded.pid_started,
    expires_at = excluded.expires_at
WHERE lease.expires_at <= {{now}} OR lease.number = :dead
RETURNING number

-- name: lease
SELECT number, host, pid, pid_started, expires_at FROM lease WHERE partner_id = :partner_id

-- name: keep_lease
-- Also the guard of every write of a holder: it locks the row until the write is committed, and changes nothing for one
-- who lost the lease.
UPDATE lease SET expires_at = {{now}} + :seconds WHERE partner_id = :partner_id AND number = :number

-- name: release_lease
UPDATE lease SET expires_at = 0 WHERE partner_id = :partner_id AND number = :number

-- ---------------------------------------------------------------------------------------------------------------------
-- Runs

-- name: begin_run
INSERT INTO run (kind, partner_id, partner_name, partner_kind, accepted_since, trust_direct, state, attempt, correlation_id, version,
    started_at, oldest_reading)
VALUES (:kind, :partner_id, :partner_name, :partner_kind, :accepted_since, :trust_direct, 'running', 1, :correlation_id, :version,
    :started_at, :oldest_reading)
RETURNING id

-- name: running_run
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'running'

-- name: forget_old_readings
-- Who was gone in one attempt may be listed again in the next.
DELETE FROM reading WHERE run_id = :run AND (read_at < :oldest OR gone)

-- name: oldest_reading
SELECT read_at FROM reading WHERE run_id = :run ORDER BY read_at LIMIT 1

-- name: resume_run
UPDATE run SET attempt = attempt + 1, oldest_reading = :oldest, partner_name = :partner_name WHERE id = :run AND state = 'running'

-- name: abandon_run
UPDATE run SET state = 'abandoned', finished_at = :at WHERE id = :run AND state = 'running'

-- name: add_cost
UPDATE run SET requests = requests + :requests, throttled = throttled + :throttled, retries = retries + :retries,
    seconds = seconds + :seconds
WHERE id = :run

-- name: finish_run
UPDATE run SET state = :state, finished_at = :finished_at, listed = :listed, missing = :missing, still_there = :still_there,
    clear = :clear, blocked = :blocked, unknown = :unknown, excluded = :excluded, unreadable = :unreadable,
    direct_undated = :direct_undated, new = :new, gone = :gone, newly_blocked = :newly_blocked, newly_clear = :newly_clear,
    gone_by_read = :gone_by_read, ledger_clear = :ledger_clear, ledger_blocked = :ledger_blocked,
    ledger_unknown = :ledger_unknown, ledger_excluded = :ledger_excluded
WHERE id = :run AND state = 'running'

-- name: save_check
INSERT INTO run_check (run_id, position, name, expected, found, ok, detail)
VALUES (:run_id, :position, :name, :expected, :found, :ok, :detail)

-- name: checks
SELECT run_id, position, name, expected, found, ok, detail FROM run_check WHERE run_id = :run ORDER BY position

-- name: run
SELECT * FROM run WHERE id = :run

-- name: last_completed
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'completed' ORDER BY id DESC LIMIT 1

-- name: completed_runs
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'completed' AND finished_at <= :by ORDER BY id DESC LIMIT :limit

-- name: runs_after
SELECT * FROM run WHERE partner_id = :partner_id AND id > :after AND started_at <= :by ORDER BY id DESC

-- name: last_end
SELECT finished_at FROM run WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1

-- name: last_purchases
SELECT since FROM purchases ORDER BY since DESC LIMIT 1

-- name: last_association
SELECT since FROM association ORDER BY since DESC LIMIT 1

-- name: reported
UPDATE run SET reported_at = :at WHERE id IN (:runs)

-- name: recent_runs
SELECT * FROM run ORDER BY id DESC LIMIT :limit

-- name: forget_listing
DELETE FROM listing WHERE run_id = :run

-- name: forget_readings
DELETE FROM reading WHERE run_id = :run

-- ---------------------------------------------------------------------------------------------------------------------
-- A run's work

-- name: list
-- Returns those that this attempt had not listed yet: the service may name a customer twice.
INSERT INTO listing (run_id, customer_id, attempt, still_there)
VALUES (:run_id, :customer_id, :attempt, :still_there)
ON CONFLICT (run_id, customer_id) DO UPDATE SET attempt = excluded.attempt, still_there = excluded.still_there
WHERE listing.attempt < excluded.attempt
RETURNING customer_id

-- name: already_read
SELECT customer_id FROM reading WHERE run_id = :run AND customer_id IN (:customers)

-- name: known
-- The newest record of each, also when it has ended: a customer may come back.
SELECT s.* FROM standing s
WHERE s.partner_id = :partner_id AND s.customer_id IN (:customers)
  AND s.valid_from = (SELECT MAX(x.valid_from) FROM standing x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)

-- name: save_reading
INSERT INTO reading (run_id, customer_id, read_at, gone, change, differs, name, name_key, domain, relationship, standing, reason,
    remedy, agreements, date_agreed, signer_first, signer_last, signer_email, signer_phone, direct, direct_last, trouble_status,
    trouble_code, trouble_message, trouble_request, trouble_correlation, first_seen, standing_since, blocked_since, direct_since,
    last_read)
VALUES (:run_id, :customer_id, :read_at, :gone, :change, :differs, :name, :name_key, :domain, :relationship, :standing, :reason,
    :remedy, :agreements, :date_agreed, :signer_first, :signer_last, :signer_email, :signer_phone, :direct, :direct_last, :trouble_status,
    :trouble_code, :trouble_message, :trouble_request, :trouble_correlation, :first_seen, :standing_since, :blocked_since, :direct_since,
    :last_read)

-- name: forget_unlisted_readings
-- Read in an earlier attempt, no longer listed in this one: to be looked at again like everybody who is missing. Here and below
-- the lookup by primary key is spelt out, because PostgreSQL, which has no statistics of working rows, would join them row by row.
DELETE FROM reading WHERE run_id = :run AND COALESCE((
    SELECT l.attempt FROM listing l WHERE l.run_id = reading.run_id AND l.customer_id = reading.customer_id), 0) <> :attempt

-- name: now_standing
SELECT * FROM standing WHERE partner_id = :partner_id AND valid_to IS NULL AND customer_id IN (:customers)

-- name: count_missing
SELECT COUNT(*) FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND COALESCE((
    SELECT l.attempt FROM listing l WHERE l.run_id = :run AND l.customer_id = s.customer_id), 0) <> :attempt

-- name: missing
SELECT s.* FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.customer_id > :after AND COALESCE((
    SELECT l.attempt FROM listing l WHERE l.run_id = :run AND l.customer_id = s.customer_id), 0) <> :attempt
ORDER BY s.customer_id LIMIT :limit

-- name: count_listed
SELECT COUNT(*) FROM listing WHERE run_id = :run AND attempt = :attempt

-- ---------------------------------------------------------------------------------------------------------------------
-- Closing a run

-- name: end_records
UPDATE standing SET valid_to = :run
WHERE partner_id = :partner_id AND valid_to IS NULL AND COALESCE((
    SELECT r.gone OR r.differs FROM reading r WHERE r.run_id = :run AND r.customer_id = standing.customer_id), FALSE)

-- name: begin_records
INSERT INTO standing (partner_id, customer_id, valid_from, name, name_key, domain, relationship, standing, reason,
    remedy, agreements, date_agreed, signer_first, signer_last, signer_email, signer_phone, direct, direct_last, trouble_status,
    trouble_code, trouble_message, trouble_request, trouble_correlation, first_seen, standing_since, blocked_since, direct_since,
    last_read)
SELECT CAST(:partner_id AS TEXT), customer_id, CAST(:run AS BIGINT), name, name_key, domain, relationship, standing, reason,
    remedy, agreements, date_agreed, signer_first, signer_last, signer_email, signer_phone, direct, direct_last, trouble_status,
    trouble_code, trouble_message, trouble_request, trouble_correlation, first_seen, standing_since, blocked_since, direct_since,
    last_read
FROM reading WHERE run_id = :run AND differs AND NOT gone

-- name: count_readings
SELECT
    COUNT(*) FILTER (WHERE standing = 'clear' AND NOT gone) AS clear,
    COUNT(*) FILTER (WHERE standing = 'blocked' AND NOT gone) AS blocked,
    COUNT(*) FILTER (WHERE standing = 'unknown' AND NOT gone) AS unknown,
    COUNT(*) FILTER (WHERE standing = 'excluded' AND NOT gone) AS excluded,
    COUNT(*) FILTER (WHERE reason = 'unreadable' AND NOT gone) AS unreadable,
    COUNT(*) FILTER (WHERE reason = 'accepted_directly' AND direct_since IS NULL AND NOT gone) AS direct_undated,
    COUNT(*) FILTER (WHERE change = 'newly_blocked') AS newly_blocked,
    COUNT(*) FILTER (WHERE change = 'newly_clear') AS newly_clear,
    COUNT(*) FILTER (WHERE gone) AS gone_by_read
FROM reading WHERE run_id = :run

-- name: count_listing
SELECT COUNT(*) AS listed, COUNT(*) FILTER (WHERE still_there) AS still_there
FROM listing WHERE run_id = :run AND attempt = :attempt

-- name: count_ledger
SELECT
    COUNT(*) FILTER (WHERE standing = 'clear') AS ledger_clear,
    COUNT(*) FILTER (WHERE standing = 'blocked') AS ledger_blocked,
    COUNT(*) FILTER (WHERE standing = 'unknown') AS ledger_unknown,
    COUNT(*) FILTER (WHERE standing = 'excluded') AS ledger_excluded,
    COUNT(*) FILTER (WHERE reason = 'unreadable') AS ledger_unreadable,
    COUNT(*) FILTER (WHERE reason = 'accepted_directly' AND direct_since IS NULL) AS ledger_undated
FROM standing WHERE partner_id = :partner_id AND valid_to IS NULL

-- name: count_turnover
-- A record that ended and has no successor is a customer that is gone; one without a predecessor, a new one.
SELECT COUNT(*) FILTER (WHERE begun = 0) AS gone, COUNT(*) FILTER (WHERE ended = 0) AS new
FROM (
    SELECT customer_id, COUNT(*) FILTER (WHERE valid_to = :run) AS ended, COUNT(*) FILTER (WHERE valid_from = :run) AS begun
    FROM standing WHERE partner_id = :partner_id AND (valid_to = :run OR valid_from = :run)
    GROUP BY customer_id
) AS customer

-- name: analyze
ANALYZE standing

-- ---------------------------------------------------------------------------------------------------------------------
-- Reports. A record belongs to a run when it had begun by then and not ended.

-- name: count_records
SELECT COUNT(*) FROM standing
WHERE partner_id = :partner_id AND valid_from <= :run AND (valid_to IS NULL OR valid_to > :run) AND (:standing = '' OR standing = :standing)

-- name: records
SELECT * FROM standing
WHERE partner_id = :partner_id AND valid_from <= :run AND (valid_to IS NULL OR valid_to > :run) AND (:standing = '' OR standing = :standing)
ORDER BY name_key, customer_id

-- name: changes
-- Both sides of every customer whose standing differs between two runs, the later one first. A record that is valid in both
-- runs is no change, so that only what began or ended in between is looked at.
SELECT s.*, 'after' AS side, s.name_key AS pair_key
FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_from > :against AND s.valid_from <= :run AND (s.valid_to IS NULL OR s.valid_to > :run)
  AND NOT EXISTS (
    SELECT 1 FROM standing b WHERE b.partner_id = s.partner_id AND b.customer_id = s.customer_id
      AND b.valid_from <= :against AND b.valid_to > :against AND b.standing = s.standing)
UNION ALL
SELECT s.*, 'before' AS side, COALESCE((
    SELECT a.name_key FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
      AND a.valid_from <= :run AND (a.valid_to IS NULL OR a.valid_to > :run)), s.name_key) AS pair_key
FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_from <= :against AND s.valid_to > :against AND s.valid_to <= :run
  AND NOT EXISTS (
    SELECT 1 FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
      AND a.valid_from <= :run AND (a.valid_to IS NULL OR a.valid_to > :run) AND a.standing = s.standing)
ORDER BY pair_key, customer_id, side

-- name: count_changes
SELECT
    (SELECT COUNT(*) FROM standing s
     WHERE s.partner_id = :partner_id AND s.valid_from > :against AND s.valid_from <= :run AND (s.valid_to IS NULL OR s.valid_to > :run)
       AND NOT EXISTS (
         SELECT 1 FROM standing b WHERE b.partner_id = s.partner_id AND b.customer_id = s.customer_id
           AND b.valid_from <= :against AND b.valid_to > :against AND b.standing = s.standing))
  + (SELECT COUNT(*) FROM standing s
     WHERE s.partner_id = :partner_id AND s.valid_from <= :against AND s.valid_to > :against AND s.valid_to <= :run
       AND NOT EXISTS (
         SELECT 1 FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
           AND a.valid_from <= :run AND (a.valid_to IS NULL OR a.valid_to > :run)))

-- ---------------------------------------------------------------------------------------------------------------------

-- name: now
SELECT {{now}}

-- ---------------------------------------------------------------------------------------------------------------------
-- Importing a batch of attestations

-- name: begin_batch
INSERT INTO batch (file_name, sha256, form, header, imported_by, imported_at)
VALUES (:file_name, :sha256, :form, :header, :imported_by, :imported_at)
RETURNING id

-- name: count_known
SELECT COUNT(DISTINCT customer_id) FROM standing WHERE valid_to IS NULL AND partner_id IN (:partners) AND customer_id IN (:named)

-- name: known_ids
SELECT customer_id FROM standing WHERE valid_to IS NULL AND partner_id IN (:partners) AND customer_id IN (:named)

-- name: customers_by_id
-- As the last completed run left them.
SELECT s.partner_id, s.customer_id, s.name, s.domain, s.standing, s.reason, s.date_agreed, s.signer_first, s.signer_last, s.signer_email,
    s.signer_phone, p.kind
FROM standing s JOIN partner p ON p.id = s.partner_id
WHERE s.valid_to IS NULL AND s.partner_id IN (:partners) AND s.customer_id IN (:named)

-- name: customers_by_domain
SELECT s.partner_id, s.customer_id, s.name, s.domain, s.standing, s.reason, s.date_agreed, s.signer_first, s.signer_last, s.signer_email,
    s.signer_phone, p.kind
FROM standing s JOIN partner p ON p.id = s.partner_id
WHERE s.valid_to IS NULL AND s.partner_id IN (:partners) AND lower(s.domain) IN (:named)

-- name: earlier_attestations
-- Not in order: PostgreSQL would walk the whole table in that order instead of looking customers up.
SELECT batch_id, line, partner_id, customer_id, state, reason, date_agreed FROM attestation a
WHERE customer_id IN (:customers) AND (batch_id = :batch AND line = COALESCE((
        SELECT MIN(x.line) FROM attestation x WHERE x.customer_id = a.customer_id AND x.partner_id = a.partner_id AND x.batch_id = a.batch_id
          AND (x.state <> 'refused' OR x.reason = 'conflicting_rows')), (
        SELECT MIN(x.line) FROM attestation x WHERE x.customer_id = a.customer_id AND x.partner_id = a.partner_id AND x.batch_id = a.batch_id))
  OR batch_id <> :batch AND state NOT IN ('refused', 'duplicate', 'already_known', 'cancelled', 'refused_by_microsoft', 'expired'))

-- name: open_customers
-- Of whom earlier_attestations would find something, now or after a retry.
SELECT partner_id, customer_id FROM attestation
WHERE state NOT IN ('refused', 'duplicate', 'already_known', 'cancelled', 'refused_by_microsoft') LIMIT :most

-- name: signers
-- Asked for apart from their attestations: joined, PostgreSQL would read them all for each chunk of an import.
SELECT line, first_name, last_name, email, phone FROM person WHERE batch_id = :batch AND line IN (:lines)

-- name: save_attestation
INSERT INTO attestation (batch_id, line, partner_id, customer_id, customer_name, admitted, state, reason, message, hint, date_agreed,
    evidence, replaces_batch, replaces_line, person_digest)
VALUES (:batch_id, :line, :partner_id, :customer_id, :customer_name, :admitted, :state, :reason, :message, :hint, :date_agreed,
    :evidence, :replaces_batch, :replaces_line, :person_digest)

-- name: save_person
INSERT INTO person (batch_id, line, first_name, last_name, email, phone, company_name, country, language, note, cells, salt)
VALUES (:batch_id, :line, :first_name, :last_name, :email, :phone, :company_name, :country, :language, :note, :cells, :salt)

-- name: refuse_admitted
UPDATE attestation SET admitted = 'refused', state = 'refused', reason = :reason, message = :message, hint = :hint, replaces_batch = NULL, replaces_line = NULL
WHERE customer_id = :customer_id AND partner_id = :partner_id AND batch_id = :batch AND state IN ('queued', 'already_known', 'duplicate')

-- name: close_batch
UPDATE batch SET row_count = :row_count, queued = :queued, refused = :refused, duplicates = :duplicates, already_known = :already_known
WHERE id = :id

-- name: admitted_rows
SELECT batch_id, line, partner_id, customer_id, admitted, date_agreed, evidence, person_digest FROM attestation WHERE batch_id = :batch ORDER BY line

-- name: lock_imports
-- PostgreSQL only: SQLite has one writer anyway. Two imports of one file at the same time must not miss each other.
SELECT pg_advisory_xact_lock(7121903)

-- name: look_up_by_index
-- PostgreSQL only: for each chunk of a file it would rather read a whole table, and compile the statement first.
SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 0; SET LOCAL jit = off

-- name: batch
SELECT * FROM batch WHERE id = :batch

-- name: recent_batches
SELECT * FROM batch ORDER BY id DESC LIMIT :limit

-- ---------------------------------------------------------------------------------------------------------------------
-- The chain of events

-- name: next_event
-- Locks the batch, so that its events come one after the other.
UPDATE batch SET head_sequence = head_sequence + 1 WHERE id = :batch RETURNING head_sequence, head_hash

-- name: save_event
INSERT INTO event (batch_id, sequence, line, at, actor, move_from, move_to, detail, previous, hash)
VALUES (:batch_id, :sequence, :line, :at, :actor, :move_from, :move_to, :detail, :previous, :hash)

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
          SELECT e.move_to FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line ORDER BY e.sequence DESC LIMIT 1),
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
    SELECT MAX(x.sequence) FROM event x WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.move_from = 'sending' AND x.move_to <> 'sending')
ORDER BY a.line

-- name: persons
SELECT p.*, a.person_digest FROM person p JOIN attestation a ON a.batch_id = p.batch_id AND a.line = p.line
WHERE p.batch_id = :batch ORDER BY p.line

-- name: batches
SELECT * FROM batch ORDER BY id

-- ---------------------------------------------------------------------------------------------------------------------
-- An attestation's moves

-- name: approve
UPDATE batch SET approved_by = :by, approved_at = :at WHERE id = :batch AND approved_at IS NULL AND sha256 = :sha256

-- name: move_queued
UPDATE attestation SET state = :to WHERE batch_id = :batch AND state = 'queued'

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

-- name: count_waiting
SELECT COUNT(*) FROM attestation
WHERE partner_id = :partner_id AND date_agreed <= :today AND state IN ('approved', 'sending', 'unsure') AND claim_expires <= {{now}}

-- name: sending
-- The last word before a request leaves: the claim is held, and for longer than the request may take.
UPDATE attestation SET sends = sends + 1, sent_at = COALESCE(sent_at, :at), template_id = :template_id
WHERE batch_id = :batch AND line = :line AND state = 'sending' AND claim_number = :claim AND claim_expires > {{now}} + :spare

-- name: keep_answer
-- The answer that is about to be overwritten.
INSERT INTO past_answer (batch_id, line, answered_at, reason, message, hint, answer_status, answer_code, answer_request, answer_correlation)
SELECT batch_id, line, answered_at, reason, message, hint, answer_status, answer_code, answer_request, answer_correlation
FROM attestation
WHERE batch_id = :batch AND line = :line AND state = 'sending' AND claim_number = :claim AND answered_at IS NOT NULL
ON CONFLICT (batch_id, line, answered_at) DO NOTHING

-- name: settle
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
FROM attestation a LEFT JOIN person p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch AND a.line = :line

-- name: attestations
SELECT a.*, p.first_name, p.last_name, p.email, p.phone, p.company_name, p.country, p.language, p.note, p.cells
FROM attestation a LEFT JOIN person p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE a.batch_id = :batch ORDER BY a.line

-- name: count_states
SELECT state, COUNT(*) AS n FROM attestation WHERE batch_id = :batch GROUP BY state

-- name: count_unsure
SELECT COUNT(*) FROM attestation WHERE partner_id = :partner_id AND state = 'unsure'

-- ---------------------------------------------------------------------------------------------------------------------
-- Reports of attestations, as they were at an instant: of batches up to through (one that is imported meanwhile does not belong to
-- the report), and what had happened to them by at.

-- name: state_then
-- A part of others: what the log says last of attestation a, of batch b, by then.
COALESCE((
    SELECT e.move_to FROM event e WHERE e.batch_id = a.batch_id AND e.line = a.line AND e.at <= :at ORDER BY e.sequence DESC LIMIT 1),
    CASE WHEN a.admitted = 'queued' AND b.approved_at <= :at THEN 'approved' ELSE a.admitted END)

-- name: blocked_with_purchases
-- A part of others: a run's blocked customers s, each with the purchases p that were known then, if they had been read lately.
FROM standing s
LEFT JOIN purchases p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM purchases x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :at)
  AND p.read_at > :fresh
WHERE s.partner_id = :partner_id AND s.valid_from <= :run AND (s.valid_to IS NULL OR s.valid_to > :run) AND s.standing = 'blocked'

-- name: last_event
SELECT e.at FROM batch b JOIN event e ON e.batch_id = b.id AND e.sequence = b.head_sequence ORDER BY e.at DESC LIMIT 1

-- name: blocked
-- newest is one text because neither a lateral join nor a row of values is the same in both databases. The + 0 keeps PostgreSQL from
-- walking the whole table in that order instead of looking the customer up.
SELECT s.*, COALESCE((
    SELECT CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) || ' ' || a.state_then
    FROM (SELECT a.batch_id, a.line, {{state_then}} AS state_then
          FROM attestation a JOIN batch b ON b.id = a.batch_id
          WHERE a.customer_id = s.customer_id AND a.partner_id = s.partner_id AND a.batch_id <= :through) a
    WHERE a.state_then NOT IN ('refused', 'duplicate', 'cancelled')
    ORDER BY a.batch_id + 0 DESC, a.line DESC LIMIT 1), '') AS newest, p.readable, p.active, p.next_renewal
{{blocked_with_purchases}}
ORDER BY s.blocked_since, s.name_key, s.customer_id

-- name: count_purchases
SELECT COUNT(*) FILTER (WHERE p.readable AND p.active > 0) AS some, COUNT(*) FILTER (WHERE p.readable AND p.active = 0) AS none,
    COUNT(*) FILTER (WHERE NOT COALESCE(p.readable, FALSE)) AS unread
{{blocked_with_purchases}}

-- name: heads
-- As many events as the batch says that it has, less those that came later.
SELECT b.id, b.file_name, b.row_count, e.hash AS head_hash,
    b.head_sequence - (SELECT COUNT(*) FROM event y WHERE y.batch_id = b.id AND y.at > :at) AS head_sequence
FROM batch b JOIN event e ON e.batch_id = b.id AND e.sequence = (
    SELECT x.sequence FROM event x WHERE x.batch_id = b.id AND x.at <= :at ORDER BY x.sequence DESC LIMIT 1)
WHERE b.imported_at <= :at
ORDER BY b.id DESC

-- name: chains
SELECT * FROM event WHERE batch_id <= :through ORDER BY batch_id, sequence

-- name: tally
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
SELECT a.*, p.first_name, p.last_name, p.email, b.file_name, b.sha256, b.imported_by, b.imported_at, b.approved_by, b.approved_at, {{state_then}} AS state_then,
    w.answered_at AS then_at, COALESCE(w.reason, '') AS then_reason, COALESCE(w.message, '') AS then_message, COALESCE(w.hint, '') AS then_hint,
    COALESCE(w.answer_status, 0) AS then_status, COALESCE(w.answer_code, '') AS then_code, COALESCE(w.answer_request, '') AS then_request,
    COALESCE(w.answer_correlation, '') AS then_correlation
FROM attestation a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN person p ON p.batch_id = a.batch_id AND p.line = a.line
LEFT JOIN past_answer w ON a.answered_at > :at AND w.batch_id = a.batch_id AND w.line = a.line AND w.answered_at = (
    SELECT MAX(x.answered_at) FROM past_answer x WHERE x.batch_id = a.batch_id AND x.line = a.line AND x.answered_at <= :at)
WHERE a.partner_id = :partner_id AND a.batch_id <= :through AND b.imported_at <= :at
ORDER BY a.batch_id DESC, a.line

-- name: count_held
-- In a worker's hands, or passed over because somebody's transaction, perhaps a dead one's, still holds the row.
SELECT COUNT(*) FROM attestation
WHERE partner_id = :partner_id AND (state = 'sending' OR state = 'approved' AND date_agreed <= :today)

-- ---------------------------------------------------------------------------------------------------------------------
-- What finance wants to know of customers. The newest row of a customer is the one that counts.

-- name: purchases_due
-- Blocked now, and never asked, or not since stale, or with a renewal that must have happened.
SELECT s.customer_id FROM standing s
LEFT JOIN purchases p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM purchases x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.standing = 'blocked' AND s.customer_id > :after
  AND (p.since IS NULL OR p.read_at <= :stale OR p.next_renewal <> '' AND p.next_renewal < :today)
ORDER BY s.customer_id LIMIT :limit

-- name: resellers_due
-- Those that were never asked come first, and of these the blocked ones; then the oldest readings. Who could not be read tonight comes last.
SELECT s.customer_id FROM standing s
LEFT JOIN association a ON a.partner_id = s.partner_id AND a.customer_id = s.customer_id AND a.since = (
    SELECT MAX(x.since) FROM association x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL
  AND (a.since IS NULL OR a.read_at <= :stale OR a.read_at <= :refused AND NOT a.readable)
ORDER BY CASE WHEN s.standing = 'unknown' THEN 1 ELSE 0 END, CASE WHEN a.since IS NULL THEN 0 ELSE 1 END,
    CASE WHEN a.since IS NULL AND s.standing = 'blocked' THEN 0 ELSE 1 END, a.read_at, s.customer_id
LIMIT :limit

-- name: newest_purchases
SELECT p.customer_id, p.since, p.read_at, p.readable, p.active, p.next_renewal FROM purchases p
WHERE p.partner_id = :partner_id AND p.customer_id IN (:customers) AND p.since = (
    SELECT MAX(x.since) FROM purchases x WHERE x.partner_id = p.partner_id AND x.customer_id = p.customer_id)

-- name: save_purchases
-- A reading that says the same brings the row's own since.
INSERT INTO purchases (partner_id, customer_id, since, read_at, readable, active, next_renewal)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :active, :next_renewal)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE
SET read_at = excluded.read_at, readable = excluded.readable, active = excluded.active, next_renewal = excluded.next_renewal

-- name: newest_associations
SELECT a.customer_id, a.since, a.read_at, a.readable, a.reseller_id FROM association a
WHERE a.partner_id = :partner_id AND a.customer_id IN (:customers) AND a.since = (
    SELECT MAX(x.since) FROM association x WHERE x.partner_id = a.partner_id AND x.customer_id = a.customer_id)

-- name: save_association
INSERT INTO association (partner_id, customer_id, since, read_at, readable, reseller_id)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :reseller_id)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE
SET read_at = excluded.read_at, readable = excluded.readable, reseller_id = excluded.reseller_id

-- name: resellers
-- The customers of a run by indirect reseller, as it was known at the instant through. What the service refuses to say is not known.
SELECT CASE WHEN a.readable THEN a.reseller_id ELSE '' END AS reseller_id, COALESCE(a.readable, FALSE) AS is_read,
    COUNT(*) FILTER (WHERE s.standing = 'clear') AS clear,
    COUNT(*) FILTER (WHERE s.standing = 'blocked') AS blocked,
    COUNT(*) FILTER (WHERE s.standing = 'unknown') AS unknown,
    COUNT(*) FILTER (WHERE s.standing = 'excluded') AS excluded
FROM standing s
LEFT JOIN association a ON a.partner_id = s.partner_id AND a.customer_id = s.customer_id AND a.since = (
    SELECT MAX(x.since) FROM association x
    WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :through)
WHERE s.partner_id = :partner_id AND s.valid_from <= :run AND (s.valid_to IS NULL OR s.valid_to > :run)
GROUP BY CASE WHEN a.readable THEN a.reseller_id ELSE '' END, COALESCE(a.readable, FALSE)
