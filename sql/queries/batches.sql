-- name: begin_batch
-- Nothing is returned when another run has made a batch of the same file of the inbox.
INSERT INTO batch (file_name, sha256, result_format, header, even_if_clear, imported_by, imported_user_id, imported_host,
    imported_source, imported_at, approval_policy, inbox_file)
VALUES (:file_name, :sha256, :result_format, :header, :even_if_clear, :imported_by, :imported_user_id, :imported_host,
    :imported_source, :imported_at, :approval_policy, :inbox_file)
ON CONFLICT DO NOTHING
RETURNING id

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

-- name: save_attestation
INSERT INTO attestation (batch_id, line, partner_id, customer_id, customer_name, admitted, state, reason, message, hint, date_agreed,
    evidence, replaces_batch, replaces_line, signer_digest)
VALUES (:batch_id, :line, :partner_id, :customer_id, :customer_name, :admitted, :state, :reason, :message, :hint, :date_agreed,
    :evidence, :replaces_batch, :replaces_line, :signer_digest)

-- name: save_signer
INSERT INTO attestation_signer (batch_id, line, first_name, last_name, email, phone, company_name, country, language, note, cells, salt)
VALUES (:batch_id, :line, :first_name, :last_name, :email, :phone, :company_name, :country, :language, :note, :cells, :salt)

-- name: close_batch
UPDATE batch SET row_count = :row_count, queued = :queued, refused = :refused, duplicates = :duplicates, already_known = :already_known
WHERE id = :id

-- name: admitted_rows
SELECT batch_id, line, partner_id, customer_id, customer_name, admitted, reason, message, hint, date_agreed, evidence,
    replaces_batch, replaces_line, signer_digest
FROM attestation WHERE batch_id = :batch ORDER BY line

-- name: lock_imports
-- PostgreSQL only: SQLite has one writer anyway. Two imports of one file at the same time must not miss each other.
SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(7121903)

-- name: batch
SELECT * FROM batch WHERE id = :batch

-- name: recent_batches
SELECT * FROM batch ORDER BY id DESC LIMIT :limit

-- name: batches
SELECT * FROM batch ORDER BY id

-- name: approve
UPDATE batch SET approved_by = :by, approved_user_id = :user_id, approved_host = :host, approved_source = :source,
    approved_at = :at, approval_policy = :policy
WHERE id = :batch AND approved_at IS NULL AND sha256 = :sha256

-- name: unfinished_inbox_batches
SELECT * FROM batch WHERE inbox_file <> '' ORDER BY id

-- name: finish_inbox_file
UPDATE batch SET inbox_file = '' WHERE id = :batch

-- name: move_queued
UPDATE attestation SET state = :to WHERE batch_id = :batch AND state = 'queued'

-- name: count_unfinished
SELECT COUNT(*) FROM attestation WHERE batch_id = :batch AND state IN (:states)

-- name: purge_rows
UPDATE attestation SET message = '', hint = '', accept_link = '', document_url = '' WHERE batch_id = :batch

-- name: purge_requests
UPDATE attestation_request SET message = '', hint = '' WHERE batch_id = :batch

-- name: purge_cells
DELETE FROM attestation_signer WHERE batch_id = :batch
