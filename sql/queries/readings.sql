-- name: record_listed
-- Returns those that this attempt had not listed yet: the service may name a customer twice.
INSERT INTO run_listing (run_id, customer_id, attempt, found_unlisted)
VALUES (:run_id, :customer_id, :attempt, :found_unlisted)
ON CONFLICT (run_id, customer_id) DO UPDATE SET attempt = excluded.attempt, found_unlisted = excluded.found_unlisted
WHERE run_listing.attempt < excluded.attempt
RETURNING customer_id

-- name: already_read
SELECT customer_id FROM run_reading WHERE run_id = :run AND customer_id IN (:customers)

-- name: newest_records
-- The newest record of each, also when it has ended: a customer may come back.
SELECT s.* FROM standing s
WHERE s.partner_id = :partner_id AND s.customer_id IN (:customers)
  AND s.valid_from = (SELECT MAX(x.valid_from) FROM standing x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)

-- name: save_readings
INSERT INTO run_reading (run_id, customer_id, read_at, gone, change, differs, {{record_columns}})
VALUES (:run_id, :customer_id, :read_at, :gone, :change, :differs, {{record_values}})

-- name: forget_unlisted_readings
-- Read in an earlier attempt, no longer listed in this one: to be looked at again like everybody who is missing. Here and below
-- the lookup by primary key is spelt out, because PostgreSQL, which has no statistics of working rows, would join them row by row.
DELETE FROM run_reading WHERE run_id = :run AND COALESCE((
    SELECT l.attempt FROM run_listing l WHERE l.run_id = run_reading.run_id AND l.customer_id = run_reading.customer_id), 0) <> :attempt

-- name: current_records
SELECT * FROM standing WHERE partner_id = :partner_id AND valid_to IS NULL AND customer_id IN (:customers)

-- name: count_unlisted
SELECT COUNT(*) FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND COALESCE((
    SELECT l.attempt FROM run_listing l WHERE l.run_id = :run AND l.customer_id = s.customer_id), 0) <> :attempt

-- name: unlisted
SELECT s.* FROM standing s
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.customer_id > :after AND COALESCE((
    SELECT l.attempt FROM run_listing l WHERE l.run_id = :run AND l.customer_id = s.customer_id), 0) <> :attempt
ORDER BY s.customer_id LIMIT :limit

-- name: count_listed
SELECT COUNT(*) FROM run_listing WHERE run_id = :run AND attempt = :attempt
