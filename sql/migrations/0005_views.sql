-- Views for Power BI, Metabase and others that read the ledger: their names, columns and types are an interface
-- (docs/views.md). They show no personal data of signers. Standings and reasons are the words that CSV and JSON have.

CREATE VIEW customers_now AS
SELECT s.partner_id, p.name AS partner, s.display_id AS customer_id, s.name AS customer, s.domain, s.standing, s.reason, s.remedy AS next_step,
    {{day s.date_agreed}} AS date_agreed, s.direct_acceptance, s.first_seen, s.standing_since, s.blocked_since,
    r.id AS run_id, r.finished_at AS run_finished_at,
    CASE WHEN w.readable THEN NULLIF(w.reseller_id, '') END AS reseller_id, n.name AS reseller,
    CASE WHEN b.readable THEN b.active END AS active_subscriptions, CASE WHEN b.readable THEN {{day b.next_renewal}} END AS next_renewal,
    CASE WHEN b.readable THEN {{day b.next_lapse}} END AS next_lapse, b.read_at AS subscriptions_read_at,
    NULLIF(x.owner, '') AS exception_owner, {{day x.due_on}} AS exception_due_on, {{day x.accepted_until}} AS exception_accepted_until
FROM standing s
JOIN partner p ON p.id = s.partner_id
JOIN run r ON r.id = (SELECT MAX(c.id) FROM run c WHERE c.partner_id = s.partner_id AND c.state = 'completed')
LEFT JOIN customer_reseller w ON w.partner_id = s.partner_id AND w.customer_id = s.customer_id AND w.since = (
    SELECT MAX(o.since) FROM customer_reseller o WHERE o.partner_id = s.partner_id AND o.customer_id = s.customer_id)
LEFT JOIN reseller n ON w.readable AND n.partner_id = w.partner_id AND n.reseller_id = w.reseller_id AND n.since = (
    SELECT MAX(o.since) FROM reseller o WHERE o.partner_id = w.partner_id AND o.reseller_id = w.reseller_id)
LEFT JOIN customer_subscriptions b ON b.partner_id = s.partner_id AND b.customer_id = s.customer_id AND b.since = (
    SELECT MAX(o.since) FROM customer_subscriptions o WHERE o.partner_id = s.partner_id AND o.customer_id = s.customer_id)
LEFT JOIN exception x ON x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND NOT x.removed AND x.event = (
    SELECT MAX(o.event) FROM exception o WHERE o.partner_id = s.partner_id AND o.customer_id = s.customer_id)
WHERE s.valid_to IS NULL;

COMMENT ON VIEW customers_now IS 'One row for each customer, as the newest completed run of its partner read it';
COMMENT ON COLUMN customers_now.partner_id IS 'Tenant id of the partner account';
COMMENT ON COLUMN customers_now.partner IS 'Name of the partner account in the configuration';
COMMENT ON COLUMN customers_now.customer_id IS 'Tenant id of the customer, as the service spells it';
COMMENT ON COLUMN customers_now.customer IS 'Name of the customer';
COMMENT ON COLUMN customers_now.domain IS 'Domain of the customer; may be empty';
COMMENT ON COLUMN customers_now.standing IS 'clear, blocked, unknown or excluded';
COMMENT ON COLUMN customers_now.reason IS 'Why it has this standing';
COMMENT ON COLUMN customers_now.next_step IS 'attest, ask_indirect_provider, request_relationship, retry, check_relationship, or empty';
COMMENT ON COLUMN customers_now.date_agreed IS 'Day (UTC) of the newest agreement on record';
COMMENT ON COLUMN customers_now.direct_acceptance IS 'Whether the customer accepted by itself: yes, no or not_read';
COMMENT ON COLUMN customers_now.first_seen IS 'When a run saw the customer for the first time';
COMMENT ON COLUMN customers_now.standing_since IS 'Since when it has this standing';
COMMENT ON COLUMN customers_now.blocked_since IS 'Since when it is blocked';
COMMENT ON COLUMN customers_now.run_id IS 'The newest completed run of the partner';
COMMENT ON COLUMN customers_now.run_finished_at IS 'When that run ended';
COMMENT ON COLUMN customers_now.reseller_id IS 'Indirect reseller through whom the customer buys; empty: none, or not known';
COMMENT ON COLUMN customers_now.reseller IS 'Name of that reseller';
COMMENT ON COLUMN customers_now.active_subscriptions IS 'Active subscriptions, as last read; empty: not known';
COMMENT ON COLUMN customers_now.next_renewal IS 'Next day (UTC) on which a subscription renews by itself';
COMMENT ON COLUMN customers_now.next_lapse IS 'Next day (UTC) on which a subscription ends unless it is renewed';
COMMENT ON COLUMN customers_now.subscriptions_read_at IS 'When the subscriptions were last read';
COMMENT ON COLUMN customers_now.exception_owner IS 'Who deals with the customer, as an exception says';
COMMENT ON COLUMN customers_now.exception_due_on IS 'By which day';
COMMENT ON COLUMN customers_now.exception_accepted_until IS 'Until which day it is accepted that the customer is blocked';

CREATE VIEW blocked_now AS
SELECT c.*, a.state AS attestation_state, CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) AS attestation_id
FROM customers_now c
LEFT JOIN (
    SELECT t.partner_id, t.customer_id, t.batch_id, t.line, CASE WHEN t.open_request > 0 THEN 'unsure' ELSE t.state END AS state
    FROM attestation t
    WHERE t.state NOT IN ('refused', 'duplicate', 'cancelled') AND NOT EXISTS (
        SELECT 1 FROM attestation o
        WHERE o.partner_id = t.partner_id AND o.customer_id = t.customer_id AND o.state NOT IN ('refused', 'duplicate', 'cancelled')
          AND (o.batch_id > t.batch_id OR o.batch_id = t.batch_id AND o.line > t.line))
) AS a ON a.partner_id = c.partner_id AND a.customer_id = lower(c.customer_id)
WHERE c.standing = 'blocked';

COMMENT ON VIEW blocked_now IS 'Those of customers_now that are blocked, with their newest attestation; the other columns are as there';
COMMENT ON COLUMN blocked_now.attestation_state IS 'State of the newest attestation that was not refused or cancelled; empty: there is none';
COMMENT ON COLUMN blocked_now.attestation_id IS 'Its id, such as 12-3: batch and line';

CREATE VIEW changes AS
SELECT s.valid_from AS run_id, r.finished_at AS changed_at, s.partner_id, p.name AS partner, s.display_id AS customer_id, s.name AS customer, s.domain,
    CASE WHEN s.standing = 'blocked' THEN 'newly_blocked'
         WHEN b.standing IS NULL THEN 'new'
         WHEN s.standing = 'clear' AND b.standing = 'unknown' AND b.last_read IS NOT NULL AND b.blocked_since IS NULL THEN 'read_again'
         ELSE 'newly_' || s.standing END AS change,
    b.standing AS standing_before, s.standing AS standing_after, b.reason AS reason_before, s.reason AS reason_after,
    s.policy_changed AS by_policy
FROM standing s
JOIN partner p ON p.id = s.partner_id
JOIN run r ON r.id = s.valid_from
-- The + keeps SQLite from looking the record up by the run in which it ended instead of by its customer.
LEFT JOIN standing b ON b.partner_id = s.partner_id AND b.customer_id = s.customer_id AND +b.valid_to = s.valid_from
WHERE b.standing IS NULL OR b.standing <> s.standing
UNION ALL
SELECT b.valid_to, r.finished_at, b.partner_id, p.name, b.display_id, b.name, b.domain, 'gone', b.standing, NULL, b.reason, NULL, FALSE
FROM standing b
JOIN partner p ON p.id = b.partner_id
JOIN run r ON r.id = b.valid_to
WHERE NOT EXISTS (SELECT 1 FROM standing s WHERE s.partner_id = b.partner_id AND s.customer_id = b.customer_id AND s.valid_from = b.valid_to);

COMMENT ON VIEW changes IS 'One row for each customer whose standing changed in a completed run, new and gone customers included';
COMMENT ON COLUMN changes.run_id IS 'The run that saw the change';
COMMENT ON COLUMN changes.changed_at IS 'When that run ended';
COMMENT ON COLUMN changes.partner_id IS 'Tenant id of the partner account';
COMMENT ON COLUMN changes.partner IS 'Name of the partner account in the configuration';
COMMENT ON COLUMN changes.customer_id IS 'Tenant id of the customer, as the service spells it';
COMMENT ON COLUMN changes.customer IS 'Name of the customer';
COMMENT ON COLUMN changes.domain IS 'Domain of the customer; may be empty';
COMMENT ON COLUMN changes.change IS 'newly_blocked, newly_clear, newly_unknown, newly_excluded, read_again, new (and not blocked) or gone';
COMMENT ON COLUMN changes.standing_before IS 'Standing before; empty: the customer is new';
COMMENT ON COLUMN changes.standing_after IS 'Standing afterwards; empty: the customer is gone';
COMMENT ON COLUMN changes.reason_before IS 'Reason before';
COMMENT ON COLUMN changes.reason_after IS 'Reason afterwards';
COMMENT ON COLUMN changes.by_policy IS 'Only a change of the policy made it so';

CREATE VIEW attestations AS
SELECT CAST(a.batch_id AS TEXT) || '-' || CAST(a.line AS TEXT) AS attestation_id, a.batch_id, a.line, NULLIF(a.partner_id, '') AS partner_id,
    p.name AS partner, COALESCE(s.display_id, a.customer_id) AS customer_id, COALESCE(s.name, a.customer_name) AS customer, a.admitted,
    CASE WHEN a.open_request > 0 THEN 'unsure' ELSE a.state END AS state, COALESCE(NULLIF(r.reason, ''), NULLIF(a.reason, '')) AS reason,
    {{day a.date_agreed}} AS date_agreed, b.file_name, b.imported_by, b.imported_at, NULLIF(b.approved_by, '') AS approved_by, b.approved_at,
    (SELECT o.sent_at FROM attestation_request o
     WHERE o.batch_id = a.batch_id AND o.line = a.line AND o.kind <> 'read' ORDER BY o.number LIMIT 1) AS sent_at,
    r.answered_at, NULLIF(r.answer_status, 0) AS answer_status, NULLIF(r.answer_code, '') AS answer_code, a.request_count AS requests
FROM attestation a
JOIN batch b ON b.id = a.batch_id
LEFT JOIN partner p ON p.id = a.partner_id
LEFT JOIN standing s ON s.partner_id = a.partner_id AND s.customer_id = a.customer_id AND s.valid_to IS NULL
LEFT JOIN attestation_request r ON r.batch_id = a.batch_id AND r.line = a.line AND r.number = a.request_count;

COMMENT ON VIEW attestations IS 'One row for each row of each imported list';
COMMENT ON COLUMN attestations.attestation_id IS 'Id of the attestation, such as 12-3: batch and line';
COMMENT ON COLUMN attestations.batch_id IS 'The imported list';
COMMENT ON COLUMN attestations.line IS 'Line in the list';
COMMENT ON COLUMN attestations.partner_id IS 'Tenant id of the partner account; empty: no partner has the customer';
COMMENT ON COLUMN attestations.partner IS 'Name of the partner account in the configuration';
COMMENT ON COLUMN attestations.customer_id IS 'Tenant id of the customer';
COMMENT ON COLUMN attestations.customer IS 'Name of the customer; empty: not known';
COMMENT ON COLUMN attestations.admitted IS 'What the import made of the row: queued, refused, duplicate or already_known';
COMMENT ON COLUMN attestations.state IS 'State now, such as queued, approved, unsure, confirmed or refused_by_microsoft';
COMMENT ON COLUMN attestations.reason IS 'Why it was refused or failed';
COMMENT ON COLUMN attestations.date_agreed IS 'Day (UTC) on which the customer accepted, as the list says';
COMMENT ON COLUMN attestations.file_name IS 'Name of the imported file';
COMMENT ON COLUMN attestations.imported_by IS 'Who imported the list';
COMMENT ON COLUMN attestations.imported_at IS 'When';
COMMENT ON COLUMN attestations.approved_by IS 'Who approved the list';
COMMENT ON COLUMN attestations.approved_at IS 'When';
COMMENT ON COLUMN attestations.sent_at IS 'When it was first sent';
COMMENT ON COLUMN attestations.answered_at IS 'When the newest request was answered';
COMMENT ON COLUMN attestations.answer_status IS 'HTTP status of that answer';
COMMENT ON COLUMN attestations.answer_code IS 'Error code of that answer';
COMMENT ON COLUMN attestations.requests IS 'How many requests were made about it';

CREATE VIEW runs AS
SELECT r.id AS run_id, r.partner_id, r.partner_name AS partner, r.kind, r.state, r.started_at, r.finished_at, {{day r.accepted_since}} AS accepted_since,
    r.trust_direct AS trust_direct_acceptance, r.listed, r.clear, r.blocked, r.unknown, r.excluded, r.unreadable, r.new AS new_customers, r.gone,
    r.newly_blocked, r.newly_clear, r.no_longer_blocked, r.requests, r.throttled, r.retries, r.seconds,
    (SELECT COUNT(*) FROM run_check k WHERE k.run_id = r.id AND NOT k.ok) AS failed_checks, NULLIF(r.failure_code, '') AS failure_code, r.version
FROM run r;

COMMENT ON VIEW runs IS 'One row for each reconciliation of a partner account';
COMMENT ON COLUMN runs.run_id IS 'Number of the run';
COMMENT ON COLUMN runs.partner_id IS 'Tenant id of the partner account';
COMMENT ON COLUMN runs.partner IS 'Name of the partner account at that time';
COMMENT ON COLUMN runs.kind IS 'sweep (all customers) or recheck (some)';
COMMENT ON COLUMN runs.state IS 'running, completed, failed or abandoned; only completed runs changed standings';
COMMENT ON COLUMN runs.started_at IS 'When it began';
COMMENT ON COLUMN runs.finished_at IS 'When it ended; empty: it is running';
COMMENT ON COLUMN runs.accepted_since IS 'Policy: from which day an acceptance counts';
COMMENT ON COLUMN runs.trust_direct_acceptance IS 'Policy: whether direct acceptance counts';
COMMENT ON COLUMN runs.listed IS 'Customers on the list of the service';
COMMENT ON COLUMN runs.clear IS 'Customers that can buy';
COMMENT ON COLUMN runs.blocked IS 'Customers that cannot';
COMMENT ON COLUMN runs.unknown IS 'Customers of whom it is not known';
COMMENT ON COLUMN runs.excluded IS 'Customers that do not buy through the partner';
COMMENT ON COLUMN runs.unreadable IS 'Those of the unknown that could not be read';
COMMENT ON COLUMN runs.new_customers IS 'Customers that the run before did not have';
COMMENT ON COLUMN runs.gone IS 'Customers that only the run before had';
COMMENT ON COLUMN runs.newly_blocked IS 'Blocked, and not blocked or not there before';
COMMENT ON COLUMN runs.newly_clear IS 'Clear, and not clear before';
COMMENT ON COLUMN runs.no_longer_blocked IS 'Blocked before, and still there with another standing';
COMMENT ON COLUMN runs.requests IS 'Requests to the service';
COMMENT ON COLUMN runs.throttled IS 'Those that were answered with 429';
COMMENT ON COLUMN runs.retries IS 'Those that were repeated';
COMMENT ON COLUMN runs.seconds IS 'How long it took';
COMMENT ON COLUMN runs.failed_checks IS 'Control checks that failed';
COMMENT ON COLUMN runs.failure_code IS 'Why it ended early';
COMMENT ON COLUMN runs.version IS 'Version of mcaledger';
