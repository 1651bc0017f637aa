-- name: end_records
UPDATE standing SET valid_to = :run
WHERE partner_id = :partner_id AND valid_to IS NULL AND COALESCE((
    SELECT r.gone OR r.differs FROM run_reading r WHERE r.run_id = :run AND r.customer_id = standing.customer_id), FALSE)

-- name: begin_records
INSERT INTO standing (partner_id, customer_id, valid_from, {{record_columns}})
SELECT CAST(:partner_id AS TEXT), customer_id, CAST(:run AS BIGINT), {{record_columns}}
FROM run_reading WHERE run_id = :run AND differs AND NOT gone

-- name: count_readings
SELECT
    COUNT(*) FILTER (WHERE standing = 'clear' AND NOT gone) AS clear,
    COUNT(*) FILTER (WHERE standing = 'blocked' AND NOT gone) AS blocked,
    COUNT(*) FILTER (WHERE standing = 'unknown' AND NOT gone) AS unknown,
    COUNT(*) FILTER (WHERE standing = 'excluded' AND NOT gone) AS excluded,
    COUNT(*) FILTER (WHERE reason = 'unreadable' AND NOT gone) AS unreadable,
    COUNT(*) FILTER (WHERE reason IN ('not_found', 'relationship_ended') AND NOT gone) AS absent,
    COUNT(*) FILTER (WHERE reason = 'accepted_directly' AND direct_since IS NULL AND NOT gone) AS direct_undated,
    COUNT(*) FILTER (WHERE change = 'newly_blocked') AS newly_blocked,
    COUNT(*) FILTER (WHERE change = 'newly_clear') AS newly_clear,
    COUNT(*) FILTER (WHERE change = 'newly_blocked' AND policy_changed) AS blocked_by_policy,
    COUNT(*) FILTER (WHERE change = 'newly_clear' AND policy_changed) AS cleared_by_policy,
    COUNT(*) FILTER (WHERE gone) AS gone_confirmed
FROM run_reading WHERE run_id = :run

-- name: count_listing
SELECT COUNT(*) AS listed, COUNT(*) FILTER (WHERE found_unlisted) AS found_unlisted
FROM run_listing WHERE run_id = :run AND attempt = :attempt

-- name: count_ledger
SELECT
    COUNT(*) FILTER (WHERE standing = 'clear') AS ledger_clear,
    COUNT(*) FILTER (WHERE standing = 'blocked') AS ledger_blocked,
    COUNT(*) FILTER (WHERE standing = 'unknown') AS ledger_unknown,
    COUNT(*) FILTER (WHERE standing = 'excluded') AS ledger_excluded,
    COUNT(*) FILTER (WHERE reason = 'unreadable') AS ledger_unreadable,
    COUNT(*) FILTER (WHERE reason IN ('not_found', 'relationship_ended')) AS ledger_absent,
    COUNT(*) FILTER (WHERE reason = 'accepted_directly' AND direct_since IS NULL) AS ledger_undated
FROM standing WHERE partner_id = :partner_id AND valid_to IS NULL

-- name: count_turnover
-- A record that ended and has no successor is a customer that is gone; one without a predecessor, a new one.
SELECT COUNT(*) FILTER (WHERE begun = 0) AS gone, COUNT(*) FILTER (WHERE ended = 0) AS new,
    COUNT(*) FILTER (WHERE was_blocked = 1 AND is_blocked = 0 AND begun = 1) AS no_longer_blocked,
    COUNT(*) FILTER (WHERE was_blocked = 1 AND begun = 0) AS gone_blocked
FROM (
    SELECT customer_id, COUNT(*) FILTER (WHERE valid_to = :run) AS ended, COUNT(*) FILTER (WHERE valid_from = :run) AS begun,
        COUNT(*) FILTER (WHERE valid_to = :run AND standing = 'blocked') AS was_blocked,
        COUNT(*) FILTER (WHERE valid_from = :run AND standing = 'blocked') AS is_blocked
    FROM standing WHERE partner_id = :partner_id AND (valid_to = :run OR valid_from = :run)
    GROUP BY customer_id
) AS customer

-- name: analyze
ANALYZE standing

-- name: count_records
SELECT COUNT(*) FROM standing s
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND (:standing = '' OR s.standing = :standing)

-- name: records
SELECT * FROM standing s
WHERE s.partner_id = :partner_id AND {{valid s :run}} AND (:standing = '' OR s.standing = :standing)
ORDER BY name_sort, customer_id

-- name: changes
-- Both sides of every customer whose standing differs between two runs, the later one first. A record that is valid in both
-- runs is no change, so that only what began or ended in between is looked at.
SELECT s.*, 'after' AS side, s.name_sort AS pair_key
FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_from > :against AND {{valid s :run}}
  AND NOT EXISTS (
    SELECT 1 FROM standing b WHERE b.partner_id = s.partner_id AND b.customer_id = s.customer_id
      AND {{valid b :against}} AND b.standing = s.standing)
UNION ALL
SELECT s.*, 'before' AS side, COALESCE((
    SELECT a.name_sort FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
      AND {{valid a :run}}), s.name_sort) AS pair_key
FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_from <= :against AND s.valid_to > :against AND s.valid_to <= :run
  AND NOT EXISTS (
    SELECT 1 FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
      AND {{valid a :run}} AND a.standing = s.standing)
ORDER BY pair_key, customer_id, side

-- name: count_changes
SELECT
    (SELECT COUNT(*) FROM standing s
     WHERE s.partner_id = :partner_id AND s.valid_from > :against AND {{valid s :run}}
       AND NOT EXISTS (
         SELECT 1 FROM standing b WHERE b.partner_id = s.partner_id AND b.customer_id = s.customer_id
           AND {{valid b :against}} AND b.standing = s.standing))
  + (SELECT COUNT(*) FROM standing s
     WHERE s.partner_id = :partner_id AND s.valid_from <= :against AND s.valid_to > :against AND s.valid_to <= :run
       AND NOT EXISTS (
         SELECT 1 FROM standing a WHERE a.partner_id = s.partner_id AND a.customer_id = s.customer_id
           AND {{valid a :run}}))

-- name: records_begun
SELECT * FROM standing WHERE partner_id = :partner_id AND valid_from = :run ORDER BY customer_id {{bytewise}}

-- name: records_ended
SELECT * FROM standing WHERE partner_id = :partner_id AND valid_to = :run ORDER BY customer_id {{bytewise}}

-- name: records_valid
SELECT * FROM standing s WHERE s.partner_id = :partner_id AND {{valid s :run}}

-- name: records_of_no_run
-- Records that began or ended with a run that did not complete, or of another partner.
SELECT s.partner_id, s.customer_id, s.valid_from FROM standing s
WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.id = s.valid_from AND r.partner_id = s.partner_id AND r.state = 'completed')
   OR s.valid_to IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run r WHERE r.id = s.valid_to AND r.partner_id = s.partner_id AND r.state = 'completed')
ORDER BY s.partner_id, s.customer_id LIMIT 100
